#include "cli/sweep_rows.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>

namespace kronsolve::cli {

Column field(const std::string& name) { return {name, Expression("{" + name + "}")}; }

std::vector<Column> parse_columns(const std::string& text) {
  std::vector<Column> columns;
  int depth = 0;
  std::string one;
  for (const char c : text) {
    if (c == '(' || c == '[' || c == '{') ++depth;
    if (c == ')' || c == ']' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      columns.push_back({one, Expression(one)});
      one.clear();
    } else
      one += c;
  }
  columns.push_back({one, Expression(one)});
  return columns;
}

bool is_named(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> names_of(const Rows& rows) {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const auto& row : rows)
    for (const auto& [name, value] : row.items())
      if (known.insert(name).second) names.push_back(name);
  return names;
}

void check_names(const Expression& expression, const std::vector<std::string>& known) {
  for (const auto& name : expression.names())
    if (!is_named(known, name)) {
      const auto meant = closest(name, known);
      throw InvalidArgument(detail::concat("'", expression.text(),
                                           "': the results have no column '", name, "'",
                                           meant.empty() ? "" : "; did you mean " + meant + "?"));
    }
}

Json value_in(const Column& column, const Json& row) {
  try {
    return column.value.value(row);
  } catch (const InvalidArgument&) {
    return {};
  }
}

namespace {

/// Mean and standard error of numbers, or of lists entry by entry; nulls for anything else.
std::pair<Json, Json> mean_and_error(const std::vector<Json>& values) {
  const auto& first = values.front();
  if (first.is_array()) {
    Json means = Json::array(), errors = Json::array();
    for (std::size_t i = 0; i < first.size(); ++i) {
      std::vector<Json> entries;
      for (const auto& value : values)
        if (!value.is_array() || value.size() != first.size()) return {};
      for (const auto& value : values) entries.push_back(value[i]);
      auto [mean, error] = mean_and_error(entries);
      means.push_back(std::move(mean));
      errors.push_back(std::move(error));
    }
    return {means, errors};
  }
  double sum = 0, squares = 0;
  const auto n = static_cast<double>(values.size());
  for (const auto& value : values) {
    if (!value.is_number()) return {};
    sum += value.get<double>();
  }
  for (const auto& value : values) squares += std::pow(value.get<double>() - sum / n, 2);
  return {sum / n, values.size() > 1 ? Json(std::sqrt(squares / (n - 1) / n)) : Json()};
}

}  // namespace

Rows averages(const Rows& rows, const Sweep& sweep, const std::vector<std::string>& over) {
  std::vector<std::pair<std::string, Rows>> groups;
  std::map<std::string, std::size_t> known;
  for (const auto& row : rows) {
    if (row.at("status") == "failed") continue;
    std::string key;
    for (const auto& column : sweep.varied())
      if (!is_named(over, column)) key += row.value(column, Json()).dump() + " ";
    const auto [at, is_new] = known.emplace(key, groups.size());
    if (is_new) groups.push_back({key, {}});
    groups[at->second].second.push_back(row);
  }
  Rows result;
  for (const auto& [key, group] : groups) {
    Json row = Json::object();
    for (const auto& column : sweep.varied())
      if (!is_named(over, column)) row[column] = group.front().value(column, Json());
    row["averaged"] = group.size();
    for (const auto& [name, value] : group.front().items()) {
      if (row.contains(name) || is_named(over, name) || name == "finished") continue;
      std::vector<Json> values;
      for (const auto& one : group) values.push_back(one.value(name, Json()));
      if (std::all_of(values.begin(), values.end(),
                      [&](const Json& one) { return one == value; })) {
        row[name] = value;
        if (value.is_number_float()) row[name + "_error"] = 0.0;
        continue;
      }
      auto [mean, error] = mean_and_error(values);
      if (mean.is_null()) continue;
      row[name] = std::move(mean);
      row[name + "_error"] = std::move(error);
    }
    result.push_back(std::move(row));
  }
  return result;
}

std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return fmt::format("{:.12g}", value.get<double>());
  if (!value.is_array()) return value.dump();
  constexpr std::size_t most = 4;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, value.size()); ++i)
    text += (i == 0 ? "" : " ") + cell(value[i]);
  return text + (value.size() > most ? " ..." : "");
}

void clean(std::vector<Json>& values) {
  constexpr double noise = 1e-13;
  double largest = 0;
  for (const auto& value : values)
    if (value.is_number()) largest = std::max(largest, std::abs(value.get<double>()));
  for (auto& value : values)
    if (value.is_number_float() && std::abs(value.get<double>()) < noise * largest) value = 0;
}

std::vector<Column> usual_columns(const Rows& rows, const Sweep& sweep, bool averaged) {
  const auto known = names_of(rows);
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (is_named(known, name) && !is_named(names, name)) names.push_back(name);
  };
  const auto add_measured = [&](const std::string& name) {
    add(name);
    if (averaged) add(name + "_error");
  };
  for (const auto& name : sweep.varied()) add(name);
  for (const auto& name : sweep.derived()) add_measured(name);
  static const std::map<std::string, std::vector<std::string>> found_by = {
      {"ground", {"energy", "bounds"}},
      {"eigh", {"eigenvalues", "bounds"}},
      {"svds", {"singular_values"}},
      {"levels", {"energy", "levels_energy", "levels_spin"}},
      {"thermal", {"temperatures", "energy", "heat_capacity", "entropy", "susceptibility"}},
      {"floquet", {"quasi_energies"}},
      {"spectral", {"energy", "momentum", "total", "kinetic", "regular", "drude_weight"}}};
  if (const auto found = found_by.find(sweep.command()); found != found_by.end())
    for (const auto& name : found->second) add_measured(name);
  for (const auto& [option, text] : sweep.options(0))
    if (option == "--observe") add_measured(text);
  const bool fine = std::all_of(rows.begin(), rows.end(), [](const Json& row) {
    return row.value("status", Json("done")) == "done";
  });
  if (!fine)
    for (const char* name : {"status", "failure"}) add(name);
  std::vector<Column> columns;
  for (const auto& name : names) columns.push_back(field(name));
  return columns;
}

Rows records_of(const SweepFolder& folder) {
  Rows rows;
  for (std::size_t point = 0; point < folder.sweep().size(); ++point)
    if (const auto* place = folder.record(point)) rows.push_back(folder.read(*place));
  for (auto& row : rows) row.erase("checksum");
  return rows;
}

void keep_where(Rows& rows, const std::string& text) {
  if (text.empty()) return;
  const Expression condition(text);
  check_names(condition, names_of(rows));
  std::erase_if(rows, [&](const Json& row) {
    try {
      return !condition.holds(row);
    } catch (const InvalidArgument&) {  // a point that failed does not have the field
      return true;
    }
  });
  if (rows.empty())
    throw InvalidArgument(detail::concat("--where '", text, "' holds for no point"));
}

}  // namespace kronsolve::cli
