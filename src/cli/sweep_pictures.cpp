#include "cli/sweep_pictures.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>

#include "core/polynomial_fit.hpp"

namespace kronsolve::cli {

namespace {

using detail::PolynomialFit;
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

/// An axis: a column, or what the entries of a list are counted by.
struct Axis {
  Column column;
  bool counts = false;
};

/// Numbers from 0 for what lists are lists of, where no column has the name. A cut has so many sites
/// before it.
const std::vector<std::string>& counters() {
  static const std::vector<std::string> names = {"site", "other_site", "cut", "distance", "level"};
  return names;
}

/// The columns of a plot, checked against what the rows have.
struct Asked {
  Axis x;
  Axis y;
  std::optional<Column> error, z;
  std::vector<Axis> series;
};

std::vector<double> counted_to(std::size_t count) {
  std::vector<double> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

/// A number for each of a list goes with each of them; two lists go in pairs.
Points points_of(const Json& row, const Asked& columns) {
  Points points{
      numbers_of(value_in(columns.x.column, row)), numbers_of(value_in(columns.y.column, row)), {}};
  if (columns.x.counts) points.x = counted_to(points.y.size());
  if (columns.error) points.error = numbers_of(value_in(*columns.error, row));
  if (points.x.size() == 1) points.x.resize(points.y.size(), points.x.front());
  if (points.x.size() != points.y.size()) return {};
  if (points.error.size() != points.y.size()) points.error.clear();
  return points;
}

std::string labelled(const Axis& axis, const Json& value) {
  if (value.is_string() && axis.column.title.ends_with("_sector")) return value.get<std::string>();
  return fmt::format("{} = {}", axis.column.title,
                     value.is_string()         ? value.get<std::string>()
                     : value.is_number_float() ? fmt::format("{:.6g}", value.get<double>())
                                               : value.dump());
}

/// A column that tells the entries of lists apart: it counts them, or has one of its own for each.
bool tells_apart(const Axis& axis, const Json& row) {
  return axis.counts || value_in(axis.column, row).is_array();
}

/// Of the columns with one value for the row.
std::string label_of(const std::vector<Axis>& series, const Json& row) {
  std::string text;
  for (const auto& axis : series)
    if (!tells_apart(axis, row))
      text += (text.empty() ? "" : ", ") + labelled(axis, value_in(axis.column, row));
  return text;
}

Column one_column(const std::string& text, const std::vector<std::string>& known) {
  Column column{text, Expression(text)};
  check_names(column.value, known);
  return column;
}

Axis axis_of(const std::string& text, const std::vector<std::string>& known) {
  if (is_named(counters(), text) && !is_named(known, text)) return {field(text), true};
  return {one_column(text, known)};
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
  Asked columns{axis_of(asked.x, known), axis_of(asked.y, known), errors_of(asked.y), {}, {}};
  if (columns.y.counts && asked.z.empty())
    throw InvalidArgument(detail::concat("--y ", asked.y,
                                         ": no column has this name; it numbers the "
                                         "entries of lists, for --x and beside --z"));
  if (!asked.series.empty())
    for (const auto& column : parse_columns(asked.series))
      columns.series.push_back(axis_of(column.title, known));
  if (!asked.z.empty()) columns.z = one_column(asked.z, known);
  return columns;
}

/// A column as the name of an axis: without the braces around names that are no words.
std::string title(const Column& column) {
  std::string text = column.title;
  std::erase_if(text, [](char c) { return c == '{' || c == '}'; });
  return text;
}

/// Adds a table of values; x are the places of its rows or of its columns, and y the other ones.
void add_table(Map& map, const std::vector<std::vector<double>>& table, const Axis& across,
               const Axis& up, const Json& row) {
  const std::size_t rows = table.size(), columns = table.empty() ? 0 : table.front().size();
  auto x = numbers_of(value_in(across.column, row)), y = numbers_of(value_in(up.column, row));
  // What is counted takes what the other one leaves; two that count go by rows.
  const bool by_rows = across.counts ? up.counts || y.size() != rows : x.size() == rows;
  if (across.counts) x = counted_to(by_rows ? rows : columns);
  if (up.counts) y = counted_to(by_rows ? columns : rows);
  if (x.size() != (by_rows ? rows : columns) || y.size() != (by_rows ? columns : rows)) return;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) {
      if (table[i].size() != columns) continue;
      map.x.push_back(by_rows ? x[i] : x[j]);
      map.y.push_back(by_rows ? y[j] : y[i]);
      map.value.push_back(table[i][j]);
    }
}

bool is_table(const Json& value) {
  return value.is_array() && !value.empty() && value.front().is_array() && !value.front().empty();
}

std::vector<std::vector<double>> table_of(const Json& value) {
  std::vector<std::vector<double>> table;
  for (const auto& line : value) table.push_back(numbers_of(line));
  return table;
}

Picture map_picture(const Rows& rows, const Asked& columns) {
  Map map{{}, {}, {}, title(*columns.z)};
  for (const auto& row : rows) {
    const auto z = value_in(*columns.z, row);
    // A list goes with one number.
    add_table(map, is_table(z) ? table_of(z) : std::vector<std::vector<double>>{numbers_of(z)},
              columns.x, columns.y, row);
  }
  Picture picture{title(columns.x.column), title(columns.y.column), {}};
  if (!map.value.empty()) picture.map = std::move(map);
  return picture;
}

struct Line {
  std::string label;
  Points points;
};

/// A line for each entry of a column that tells them apart.
std::vector<Line> lines_apart(const Json& row, const Asked& columns, const Axis& apart) {
  std::vector<Line> lines;
  const auto common = label_of(columns.series, row);
  const auto add = [&](const Json& value, double x, double y, std::optional<double> error) {
    const auto label = (common.empty() ? "" : common + ", ") + labelled(apart, value);
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&](const Line& known) { return known.label == label; });
    if (line == lines.end()) line = lines.insert(lines.end(), Line{label, {}});
    line->points.x.push_back(x);
    line->points.y.push_back(y);
    if (error) line->points.error.push_back(*error);
  };
  const auto y = value_in(columns.y.column, row);
  if (is_table(y)) {
    Map all;
    add_table(all, table_of(y), columns.x, apart, row);
    for (std::size_t i = 0; i < all.value.size(); ++i)
      add(apart.counts ? Json(static_cast<int>(all.y[i])) : Json(all.y[i]), all.x[i], all.value[i],
          std::nullopt);
    return lines;
  }
  const auto points = points_of(row, columns);
  const auto values = apart.counts ? Json() : value_in(apart.column, row);
  for (std::size_t i = 0; i < points.y.size(); ++i) {
    if (!apart.counts && values.size() != points.y.size()) return {};
    add(apart.counts ? Json(i) : values[i], points.x[i], points.y[i],
        points.error.empty() ? std::nullopt : std::optional(points.error[i]));
  }
  return lines;
}

std::vector<Line> lines_of(const Json& row, const Asked& columns) {
  const auto apart = std::find_if(columns.series.begin(), columns.series.end(),
                                  [&](const Axis& axis) { return tells_apart(axis, row); });
  if (apart != columns.series.end()) return lines_apart(row, columns, *apart);
  return {{label_of(columns.series, row), points_of(row, columns)}};
}

Picture line_picture(const Rows& rows, const Asked& columns, Kind kind) {
  Picture picture{title(columns.x.column), title(columns.y.column), {}};
  bool lists = false;  // in one line, above each other
  for (const auto& row : rows)
    for (const auto& [label, points] : lines_of(row, columns)) {
      if (points.y.empty()) continue;
      lists = lists || (points.y.size() > 1 && value_in(columns.x.column, row).is_number());
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

/// Curves through the points of each line, from 0 to the last of them.
void add_fits(Picture& picture, int degree) {
  constexpr int points = 100;
  for (auto& series : picture.series) {
    const PolynomialFit fit(series.x, series.y, series.error, degree);
    const auto [first, last] = std::minmax_element(series.x.begin(), series.x.end());
    const double begin = std::min(0.0, *first), end = std::max(0.0, *last);
    for (int i = 0; i <= points; ++i) {
      series.fit_x.push_back(begin + (end - begin) * i / points);
      series.fit_y.push_back(fit(series.fit_x.back()));
    }
    series.joined = false;
    series.at_zero = {fit(0), fit.error_at_zero()};
  }
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
  if (asked.fit > 0) add_fits(picture, asked.fit);
  picture.guides = asked.guides;
  picture.log_x = asked.log.find('x') != asked.log.npos;
  picture.log_y = asked.log.find('y') != asked.log.npos;
  return picture;
}

}  // namespace kronsolve::cli
