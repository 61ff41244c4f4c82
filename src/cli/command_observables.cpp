#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/observable_info.hpp>

#include "cli/commands.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

const ObservableInfo& observable_info(const std::string& name) {
  std::vector<std::string> known;
  for (const auto& info : kronsolve::observables()) {
    if (info.name == name) return info;
    known.push_back(info.name);
  }
  throw InvalidArgument(unknown_name("observable", name, known));
}

Json json_of(const ObservableInfo& info) {
  return {{"name", info.name},
          {"form", info.form},
          {"formula", info.formula},
          {"example", info.example}};
}

std::string text_of(const ObservableInfo& info) {
  const bool blanks = info.example.find(' ') != info.example.npos;
  const std::string quote = blanks ? "\"" : "";
  return line("observable", info.name) + line("written", info.form) + line("is", info.formula) +
         line("as in", "--observe " + quote + info.example + quote);
}

}  // namespace

Answer run_observables(const Comm&, const Arguments& arguments, Clock::time_point) {
  Answer answer;
  answer.json["command"] = "observables";
  answer.json["observables"] = Json::array();
  if (!arguments.argument.empty()) {
    const auto& info = observable_info(arguments.argument);
    answer.json["observables"].push_back(json_of(info));
    answer.text = text_of(info);
    return answer;
  }
  constexpr std::size_t left = 20;
  for (const auto& info : kronsolve::observables()) {
    answer.json["observables"].push_back(json_of(info));
    answer.text += fmt::format("{:<{}}{}\n", info.name, left,
                               wrapped(info.formula, 80 - left, "\n" + std::string(left, ' ')));
  }
  answer.text += "\nkronsolve observables NAME shows how one is written.\n";
  return answer;
}

}  // namespace kronsolve::cli
