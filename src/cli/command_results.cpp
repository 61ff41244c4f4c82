#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/hdf5_file.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/sweep_arrays.hpp"
#include "cli/sweep_rows.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

// ---- output ----------------------------------------------------------------------------------

std::string table_text(const Rows& rows, const std::vector<Column>& columns) {
  Table table;
  for (const auto& column : columns) {
    std::vector<Json> values;
    for (const auto& row : rows) values.push_back(value_in(column, row));
    clean(values);
    std::vector<std::string> cells;
    for (const auto& value : values) cells.push_back(cell(value));
    table.column(column.title, std::move(cells));
  }
  return table.text();
}

std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\n\r") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// Lists of at most 16 entries become columns name_0, name_1, ...
std::string csv_text(const Rows& rows, const std::vector<Column>& columns) {
  constexpr std::size_t most = 16;
  std::string head;
  std::vector<std::string> lines(rows.size());
  for (const auto& column : columns) {
    std::vector<Json> values;
    std::size_t length = 0;
    for (const auto& row : rows) {
      values.push_back(value_in(column, row));
      if (values.back().is_array()) length = std::max(length, values.back().size());
    }
    const bool spread = length > 0 && length <= most;
    for (std::size_t i = 0; i < (spread ? length : 1); ++i) {
      const auto comma = head.empty() ? "" : ",";
      head += comma + csv_cell(spread ? detail::concat(column.title, "_", i) : column.title);
      for (std::size_t row = 0; row < rows.size(); ++row) {
        const auto& value = values[row];
        const bool entry = spread && value.is_array();
        lines[row] += comma + csv_cell(entry    ? i < value.size() ? value[i] : Json()
                                          : i == 0 ? value
                                                : Json());
      }
    }
  }
  std::string text = head + "\n";
  for (const auto& line : lines) text += line + "\n";
  return text;
}

std::string json_lines_text(const Rows& rows, const std::vector<Column>& columns) {
  std::string text;
  for (const auto& row : rows) {
    Json json = Json::object();
    for (const auto& column : columns)
      if (auto value = value_in(column, row); !value.is_null())
        json[column.title] = std::move(value);
    text += json.dump() + "\n";
  }
  return text;
}

// ---- what is asked about the folder ----------------------------------------------------------

std::string check_text(SweepFolder& folder) {
  const auto file = folder.path() + "/points.jsonl";
  const auto& points = folder.points();
  const auto refuse = [&](std::size_t count, const std::string& what) {
    throw InvalidArgument(detail::concat(
        file, ": ", counted(static_cast<index_t>(count), "damaged record"), ", the first ", what,
        "; kronsolve sweep sets it aside and computes its point again"));
  };
  if (!points.damaged().empty())
    refuse(points.damaged().size(), detail::concat("in line ", points.damaged().front().first, ": ",
                                                   points.damaged().front().second));
  std::set<PointId> results;
  for (const auto& place : points.all()) {
    const auto text = points.text(place);
    const auto record = Json::parse(text, nullptr, false);
    if (!record.is_object()) refuse(1, detail::concat("'", text.substr(0, 60), "...': no JSON"));
    for (const auto& [name, value] : record.items())
      if (value.is_object())
        refuse(1, detail::concat(campaign::to_text(place.id), ": ", name, " is no column"));
    for (const char* name : {"version", "command"})
      if (!record.contains(name))
        refuse(1, detail::concat(campaign::to_text(place.id), ": no ", name));
    if (place.status != PointStatus::failed && !results.insert(place.id).second)
      refuse(1, detail::concat(campaign::to_text(place.id), ": it is there twice"));
  }
  if (std::filesystem::exists(arrays_path(folder))) (void)Hdf5File::open(arrays_path(folder));
  std::size_t others = 0;
  const std::set<PointId> own(folder.sweep().ids().begin(), folder.sweep().ids().end());
  for (const auto& [id, place] : points.records()) others += own.contains(id) ? 0 : 1;
  return fmt::format("{}: {} of {}, all of them whole\n{} of earlier texts or versions\n", file,
                     counted(static_cast<index_t>(points.records().size() - others), "record"),
                     counted(static_cast<index_t>(folder.sweep().size()), "point"), others);
}

/// What is not the same in two runs of the same point.
bool is_volatile(const std::string& name) {
  static const std::set<std::string> names = {"point",
                                              "finished",
                                              "seconds",
                                              "cores",
                                              "version",
                                              "threads",
                                              "ranks",
                                              "residuals",
                                              "peak_rss_bytes",
                                              "peak_rss_rank_bytes",
                                              "memory_estimate_bytes",
                                              "iterations",
                                              "products",
                                              "certify_products",
                                              "reason",
                                              "certificate",
                                              "errors",
                                              "norm_drift",
                                              "energy_drift",
                                              "steps"};
  return names.contains(name) || name.starts_with("seconds_");
}

bool are_equal(const Json& a, const Json& b) {
  constexpr double rounding = 1e-9;
  if (a.is_number() && b.is_number()) {
    const double x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= rounding * std::max({1.0, std::abs(x), std::abs(y)});
  }
  if (!a.is_array() || !b.is_array() || a.size() != b.size()) return a == b;
  return std::equal(a.begin(), a.end(), b.begin(), are_equal);
}

/// The other results of points: of another folder, or those of earlier texts and versions.
Rows others_of(SweepFolder& folder, const std::string& other) {
  std::error_code error;
  if (!std::filesystem::equivalent(folder.path(), other, error) || error)
    return records_of(SweepFolder(other));
  const std::set<PointId> own(folder.sweep().ids().begin(), folder.sweep().ids().end());
  Rows rows;
  for (const auto& place : folder.points().all())
    if (!own.contains(place.id)) rows.push_back(folder.read(place));
  return rows;
}

std::string diff_text(SweepFolder& folder, const Rows& rows, const std::string& other) {
  const auto key = [&](const Json& row) {
    std::string text;
    for (const auto& column : folder.sweep().varied())
      text += detail::concat(text.empty() ? "" : " ", column, "=", cell(row.value(column, Json())));
    return text;
  };
  std::map<std::string, Json> there;
  for (auto& row : others_of(folder, other)) there[key(row)] = row;
  std::vector<std::string> points, names, here_values, there_values;
  std::size_t both = 0, differing = 0;
  for (const auto& row : rows) {
    const auto found = there.find(key(row));
    if (found == there.end()) continue;
    ++both;
    bool differs = false;
    for (const auto& [name, value] : row.items()) {
      const auto old = found->second.value(name, Json());
      if (is_volatile(name) || name == "checksum" || are_equal(value, old)) continue;
      if (name == "certified" && (value.is_null() || old.is_null())) continue;  // not looked for
      differs = true;
      points.push_back(found->first);
      names.push_back(name);
      here_values.push_back(cell(value));
      there_values.push_back(cell(old));
    }
    differing += differs ? 1 : 0;
  }
  auto text = fmt::format("{} in both, {} of them differ; {} only in {}, {} only in {}\n",
                          counted(static_cast<index_t>(both), "point"), differing,
                          rows.size() - both, folder.path(), there.size() - both, other);
  if (points.empty()) return text;
  Table table;
  table.column("point", points);
  table.column("column", names);
  table.column(folder.path(), here_values);
  table.column(other, there_values);
  return text + "\n" + table.text();
}

}  // namespace

Answer run_results(const Comm&, const Arguments& arguments, Clock::time_point) {
  const auto& asked = arguments.results;
  if (arguments.argument.empty())
    throw InvalidArgument("results of what? give the folder of a sweep: kronsolve results DIR");
  SweepFolder folder(arguments.argument);
  const auto& sweep = folder.sweep();
  if (asked.check) return {.text = check_text(folder)};
  Rows rows = records_of(folder);
  if (rows.empty())
    throw InvalidArgument(detail::concat("'", folder.path(), "' holds no results yet"));
  if (!asked.diff.empty()) return {.text = diff_text(folder, rows, asked.diff)};
  keep_where(rows, asked.where);
  const bool averaged = !asked.each && !sweep.averaged().empty();
  if (averaged) rows = averages(rows, sweep, sweep.averaged());
  std::vector<Column> columns;
  if (!asked.columns.empty()) {
    columns = parse_columns(asked.columns);
    for (const auto& column : columns) check_names(column.value, names_of(rows));
  } else if (asked.form == ResultsArguments::Form::table) {
    columns = usual_columns(rows, sweep, averaged);
  } else {
    for (const auto& name : names_of(rows)) columns.push_back(field(name));
  }
  switch (asked.form) {
    case ResultsArguments::Form::csv:
      return {.text = csv_text(rows, columns)};
    case ResultsArguments::Form::json_lines:
      return {.text = json_lines_text(rows, columns)};
    case ResultsArguments::Form::table:
      break;
  }
  return {.text = table_text(rows, columns)};
}

}  // namespace kronsolve::cli
