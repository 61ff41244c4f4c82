#include <fmt/format.h>

#include <kronsolve/operators/models.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

Json json_of(const ModelInfo& model) {
  Json parameters = Json::array();
  for (const auto& parameter : model.parameters)
    parameters.push_back({{"name", parameter.name},
                          {"default", parameter.default_value},
                          {"description", parameter.doc},
                          {"stands_for", parameter.stands_for}});
  return {{"name", model.name},
          {"formula", model.formula},
          {"local", model.local},
          {"lattices", model.lattices},
          {"parameters", std::move(parameters)}};
}

std::string text_of(const ModelInfo& model) {
  std::string text = line("model", model.name) + line("H =", model.formula) +
                     line("sites", model.local) + line("lattices", joined(model.lattices, ", "));
  text += "\n";
  for (const auto& parameter : model.parameters) {
    const auto given =
        parameter.stands_for.empty() ? "" : "; gives " + joined(parameter.stands_for, ", ");
    text += line("-p " + parameter.name,
                 parameter.doc + given +
                     (parameter.default_value.empty() ? "" : " (" + parameter.default_value + ")"));
  }
  return text;
}

}  // namespace

Answer run_models(const Comm&, const Arguments& arguments, Clock::time_point) {
  Answer answer;
  answer.json["command"] = "models";
  answer.json["models"] = Json::array();
  if (!arguments.argument.empty()) {
    const auto& model = model_info(arguments.argument);
    answer.json["models"].push_back(json_of(model));
    answer.text = text_of(model);
    return answer;
  }
  constexpr std::size_t left = 20;
  for (const auto& model : models()) {
    answer.json["models"].push_back(json_of(model));
    answer.text += fmt::format("{:<{}}{}\n", model.name, left,
                               wrapped(model.formula, 80 - left, "\n" + std::string(left, ' ')));
  }
  answer.text += "\nkronsolve models NAME shows the parameters of one.\n";
  return answer;
}

}  // namespace kronsolve::cli
