#include "cli/sweep_pictures.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>

namespace kronsolve::cli {

namespace {

using Kind = PlotArguments::Kind;

/// What one row has to show: pairs of numbers, with errors where there are some.
struct Points {
  std::vector<double> x, y, error;
};

std::vector<double> numbers_of(const Json& value) {
  std::vector<double> numbers;
  if (value.is_number()) numbers.push_back(value.get<double>());
  if (value.is_boolean()) numbers.push_back(value.get<bool>() ? 1 : 0);
  if (value.is_array())
    for (const auto& entry : value) {
      const auto inner = numbers_of(entry);  // of [re, im] the real part
      if (!inner.empty()) numbers.push_back(inner.front());
    }
  return numbers;
}

/// The columns of a plot, checked against what the rows have.
struct Asked {
  Column x, y;
  std::optional<Column> error, z;
  std::vector<Column> series;
};

/// A number for each of a list goes with each of them; two lists go in pairs.
Points points_of(const Json& row, const Asked& columns) {
  Points points{numbers_of(value_in(columns.x, row)), numbers_of(value_in(columns.y, row)), {}};
  if (columns.error) points.error = numbers_of(value_in(*columns.error, row));
  if (points.x.size() == 1) points.x.resize(points.y.size(), points.x.front());
  if (points.x.size() != points.y.size()) return {};
  if (points.error.size() != points.y.size()) points.error.clear();
  return points;
}

std::string label_of(const std::vector<Column>& series, const Json& row) {
  std::string text;
  for (const auto& column : series) {
    const auto value = value_in(column, row);
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", column.title,
                        value.is_string()         ? value.get<std::string>()
                        : value.is_number_float() ? fmt::format("{:.6g}", value.get<double>())
                                                  : value.dump());
  }
  return text;
}

Column one_column(const std::string& text, const std::vector<std::string>& known) {
  Column column{text, Expression(text)};
  check_names(column.value, known);
  return column;
}

/// Where the errors of a column are, if it is one: `gap_error` of `gap` or `{gap}`.
std::optional<Column> errors_of(std::string text) {
  if (text.starts_with("{") && text.ends_with("}")) text = text.substr(1, text.size() - 2);
  const bool formula = text.find_first_of("{}[]()+*/ ") != text.npos;
  if (formula) return std::nullopt;
  return field(text + "_error");
}

Asked columns_of(const PlotArguments& asked, const Rows& rows) {
  const auto known = names_of(rows);
  Asked columns{one_column(asked.x, known), one_column(asked.y, known), errors_of(asked.y), {}, {}};
  if (!asked.series.empty()) columns.series = parse_columns(asked.series);
  for (const auto& column : columns.series) check_names(column.value, known);
  if (!asked.z.empty()) columns.z = one_column(asked.z, known);
  return columns;
}

/// A column as the name of an axis: without the braces around names that are no words.
std::string title(const Column& column) {
  std::string text = column.title;
  std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
  return text;
}

Picture map_picture(const Rows& rows, const Asked& columns) {
  Map map{{}, {}, {}, title(*columns.z)};
  for (const auto& row : rows) {
    const auto x = numbers_of(value_in(columns.x, row)), y = numbers_of(value_in(columns.y, row)),
               z = numbers_of(value_in(*columns.z, row));
    if (x.size() != 1 || y.size() != 1 || z.size() != 1) continue;
    map.x.push_back(x.front());
    map.y.push_back(y.front());
    map.value.push_back(z.front());
  }
  Picture picture{title(columns.x), title(columns.y), {}};
  if (!map.value.empty()) picture.map = std::move(map);
  return picture;
}

Picture line_picture(const Rows& rows, const Asked& columns, Kind kind) {
  Picture picture{title(columns.x), title(columns.y), {}};
  bool lists = false;
  for (const auto& row : rows) {
    const auto points = points_of(row, columns);
    if (points.y.empty()) continue;
    lists = lists || (value_in(columns.y, row).is_array() && value_in(columns.x, row).is_number());
    const auto label = label_of(columns.series, row);
    auto series = std::find_if(picture.series.begin(), picture.series.end(),
                               [&](const Series& s) { return s.name == label; });
    if (series == picture.series.end())
      series = picture.series.insert(picture.series.end(), Series{label, {}, {}});
    series->x.insert(series->x.end(), points.x.begin(), points.x.end());
    series->y.insert(series->y.end(), points.y.begin(), points.y.end());
    series->error.insert(series->error.end(), points.error.begin(), points.error.end());
  }
  const bool joined = kind == Kind::line || (kind == Kind::automatic && !lists);
  for (auto& series : picture.series) {
    if (series.error.size() != series.y.size()) series.error.clear();
    series.joined = joined;
  }
  return picture;
}

}  // namespace

Rows rows_to_show(const SweepFolder& folder, const std::string& where, const std::string& average) {
  Rows rows = records_of(folder);
  std::erase_if(rows, [](const Json& row) { return row.value("status", Json()) == "failed"; });
  if (rows.empty())
    throw InvalidArgument(detail::concat("'", folder.path(), "' holds no results yet"));
  keep_where(rows, where);
  auto over = folder.sweep().averaged();
  if (!average.empty()) over.push_back(average);
  for (const auto& column : over)
    if (!is_named(folder.sweep().varied(), column))
      throw InvalidArgument(detail::concat("--average ", column, ": the sweep does not vary it"));
  return over.empty() ? rows : averages(rows, folder.sweep(), over);
}

Picture picture_of(const Rows& rows, const PlotArguments& asked) {
  const Asked columns = columns_of(asked, rows);
  Picture picture =
      columns.z ? map_picture(rows, columns) : line_picture(rows, columns, asked.kind);
  if (picture.series.empty() && !picture.map)
    throw InvalidArgument(detail::concat("no point has numbers for --x ", asked.x, " and --y ",
                                         asked.y, columns.z ? " and --z " : "", asked.z,
                                         "; two lists must have one length"));
  if (!asked.x_label.empty()) picture.x_label = asked.x_label;
  if (!asked.y_label.empty()) picture.y_label = asked.y_label;
  picture.log_x = asked.log.find('x') != asked.log.npos;
  picture.log_y = asked.log.find('y') != asked.log.npos;
  return picture;
}

}  // namespace kronsolve::cli
