#include "operators/files/file_reader.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>

namespace kronsolve::detail {

namespace {

/// What blocks of a file say themselves.
const std::vector<std::string> reserved = {"i",        "j",     "x",      "y",     "dx",
                                           "dy",       "kind",  "place",  "sites", "sublattice",
                                           "distance", "value", "random", "pi"};

bool contains(const std::vector<std::string>& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

}  // namespace

FileReader::FileReader(std::string_view text, const std::string& name,
                       const std::map<std::string, ModelValue>& overrides)
    : TomlDocument(text, name) {
  scope_["pi"] = std::numbers::pi;
  read_parameters(overrides);
}

void FileReader::check_keys(const toml::table& table, const std::vector<std::string>& known) const {
  for (const auto& [key, value] : table)
    if (!contains(known, key.str()))
      fail(key.source().begin, unknown_name("key", key.str(), known));
}

std::string FileReader::text(const toml::node& node, std::string_view what) const {
  if (auto value = node.value_exact<std::string>()) return *std::move(value);
  fail(node, concat(what, " must be a text"));
}

double FileReader::number(const toml::node& node, std::string_view what) const {
  const auto value = node.value<double>();
  if (!node.is_number() || !value) fail(node, concat(what, " must be a number"));
  if (!std::isfinite(*value)) fail(node, concat(what, " must be finite, got ", *value));
  return *value;
}

Expression FileReader::expression(const toml::node& node) const {
  const auto words = text(node, "an expression");
  return located(node, [&] { return Expression(words); });
}

long FileReader::integer(const toml::node& node, std::string_view what, long least,
                         long most) const {
  double value = std::nan("");
  if (const auto whole = node.value_exact<std::int64_t>()) {
    value = static_cast<double>(*whole);
  } else if (node.is_string()) {
    const auto formula = expression(node);
    const Json found = located(node, [&] { return formula.value(scope_); });
    if (found.is_number()) value = found.get<double>();
  }
  if (!(value >= static_cast<double>(least) && value <= static_cast<double>(most)) ||
      value != std::floor(value))
    fail(node, concat(what, " must be a whole number from ", least, " to ", most));
  return static_cast<long>(value);
}

void FileReader::read_parameters(const std::map<std::string, ModelValue>& overrides) {
  struct Entry {
    std::optional<Expression> formula;
    double number = 0;
    const toml::node* node = nullptr;  ///< nothing where the caller gave the value
    enum class State { open, begun, done } state = State::open;
  };
  std::map<std::string, Entry> entries;
  std::vector<std::string> known;
  if (const toml::node* node = table().get("parameters"))
    for (const auto& [key, value] : table_of(*node, "[parameters]")) {
      const std::string name(key.str());
      if (contains(reserved, name))
        fail(value,
             concat("'", name, "' has a meaning of its own in expressions; call it another"));
      known.push_back(name);
      auto& entry = entries[name];
      entry.node = &value;
      if (value.is_string())
        entry.formula = expression(value);
      else
        entry.number = number(value, concat("the parameter ", name));
    }
  for (const auto& [name, value] : overrides) {
    if (known.empty())
      throw InvalidArgument(concat(TomlDocument::name(), ": it has no [parameters], so '", name,
                                   "' cannot be given; write it into the file"));
    if (!contains(known, name))
      throw InvalidArgument(
          concat(TomlDocument::name(), ": ", unknown_name("parameter", name, known)));
    entries[name] = {Expression(value.text())};
  }
  const std::function<void(const std::string&)> evaluate = [&](const std::string& name) {
    auto& entry = entries.at(name);
    using State = Entry::State;
    const auto refuse = [&](const std::string& why) {
      const std::string all = concat("the parameter ", name, " ", why);
      if (entry.node != nullptr) fail(*entry.node, all);
      throw InvalidArgument(concat(TomlDocument::name(), ": ", all));
    };
    if (entry.state == State::done) return;
    if (entry.state == State::begun) refuse("needs its own value");
    entry.state = State::begun;
    if (entry.formula) {
      for (const auto& other : entry.formula->names())
        if (entries.contains(other)) evaluate(other);
      Json value;
      try {
        value = entry.formula->value(scope_);
      } catch (const InvalidArgument& error) {
        refuse(concat("has no value: ", error.what()));
      }
      if (!value.is_number() || !std::isfinite(value.get<double>()))
        refuse("must be a finite number");
      entry.number = value.get<double>();
    }
    scope_[name] = entry.number;
    parameters_[name] = shortest_text(entry.number);
    entry.state = State::done;
  };
  for (const auto& name : known) evaluate(name);
}

Coefficient::Coefficient(const FileReader& reader, const toml::node& node, std::string_view what)
    : reader_(&reader), node_(&node), what_(what) {
  const auto* pair = node.as_array();
  if (pair == nullptr) {
    re_ = part(node);
    return;
  }
  if (pair->size() != 2) reader.fail(node, concat(what, " must be a number or a pair [re, im]"));
  re_ = part((*pair)[0]);
  im_ = part((*pair)[1]);
}

Coefficient::Part Coefficient::part(const toml::node& node) const {
  if (node.is_string()) return {0, reader_->expression(node)};
  if (!node.is_number())
    reader_->fail(node, concat(what_,
                               " must be a number or a pair [re, im], or a text such as "
                               "\"J/2\""));
  return {reader_->number(node, what_)};
}

double Coefficient::value(const Part& part, const Json& scope) const {
  if (!part.formula) return part.number;
  const Json value = reader_->located(*node_, [&] { return part.formula->value(scope); });
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    reader_->fail(*node_,
                  concat(what_, ": '", part.formula->text(), "' must be a finite number, got ",
                         value.is_number() ? concat(value.get<double>()) : value.dump()));
  return value.get<double>();
}

std::complex<double> Coefficient::value(const Json& scope) const {
  return {value(re_, scope), value(im_, scope)};
}

bool Coefficient::uses(std::string_view name) const {
  for (const auto* part : {&re_, &im_})
    if (part->formula && contains(part->formula->names(), name)) return true;
  return false;
}

}  // namespace kronsolve::detail
