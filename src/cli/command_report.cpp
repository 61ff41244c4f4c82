#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <set>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/version.hpp>

#include "cli/commands.hpp"
#include "cli/rerun.hpp"
#include "cli/sweep_pictures.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

/// Less than what a mail takes.
constexpr std::size_t most_bytes = 1'900'000;

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    if (c == '&')
      safe += "&amp;";
    else if (c == '<')
      safe += "&lt;";
    else if (c == '>')
      safe += "&gt;";
    else if (c == '"')
      safe += "&quot;";
    else if (static_cast<unsigned char>(c) >= ' ' || c == '\n')
      safe += c;
  }
  return safe;
}

/// What a browser needs to show it without asking anybody for anything.
std::string page_head(const std::string& title) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
      "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n<title>{0}</title>\n<style>\n"
      "body {{ font: 15px/1.45 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}\n"
      // Drawings have no size of their own.
      "figure {{ display: inline-block; width: 28em; max-width: 100%; margin: 0 1em 1.5em 0; }}\n"
      "svg {{ width: 100%; height: auto; }}\n"
      "figcaption, .note {{ color: #555; font-size: 90%; }} .wide {{ overflow-x: auto; }}\n"
      "table {{ border-collapse: collapse; font: 13px monospace; }}\n"
      "th, td {{ text-align: right; padding: 0.1em 0.7em; border-bottom: 1px solid #ddd; }}\n"
      "dt {{ float: left; width: 9em; color: #555; }} dd {{ margin-left: 9em; }}\n"
      "pre {{ background: #f5f5f5; padding: 0.7em; overflow-x: auto; font-size: 13px; }}\n"
      "</style></head><body>\n<h1>{0}</h1>\n",
      escaped(title));
}

bool is_number(const Rows& rows, const std::string& column) {
  return std::all_of(rows.begin(), rows.end(), [&](const Json& row) {
    const auto value = row.value(column, Json());
    return value.is_number() || value.is_null();
  });
}

std::size_t different(const Rows& rows, const std::string& column) {
  std::set<std::string> values;
  for (const auto& row : rows) values.insert(row.value(column, Json()).dump());
  return values.size();
}

std::string braced(const std::string& name) { return "{" + name + "}"; }

/// What is worth a picture: each quantity against the finest of what varies, a line for the values
/// of the others; times of an evolution run across.
std::vector<PlotArguments> plots_of(const Rows& rows, const Sweep& sweep,
                                    const std::vector<Column>& columns) {
  std::vector<std::string> varied;
  for (const auto& name : sweep.varied())
    if (!is_named(sweep.averaged(), name) && different(rows, name) > 1) varied.push_back(name);
  std::string across;
  for (const auto& name : varied)
    if (is_number(rows, name) &&
        (across.empty() || different(rows, name) > different(rows, across)))
      across = name;
  const bool in_time = sweep.command() == "evolve";
  if (in_time) across = "times";
  if (across.empty()) return {};
  std::vector<PlotArguments> plots;
  for (const auto& column : columns) {
    const auto name = column.title;
    if (is_named(sweep.varied(), name) || name.ends_with("_error") || name == "status" ||
        name == "failure" || name == across)
      continue;
    PlotArguments plot;
    plot.x = braced(across);
    plot.y = braced(name);
    std::size_t lines = 1;
    for (const auto& other : varied)
      if (other != across) {
        plot.series += (plot.series.empty() ? "" : ",") + braced(other);
        lines *= different(rows, other);
      }
    constexpr std::size_t most_lines = 7;  // so many styles tell lines apart
    if (lines <= most_lines) plots.push_back(plot);
  }
  return plots;
}

std::string pictures(const Rows& rows, const Sweep& sweep, const std::vector<Column>& columns,
                     std::size_t room) {
  std::string text;
  for (const auto& plot : plots_of(rows, sweep, columns)) {
    std::string svg;
    try {
      Picture picture = picture_of(rows, plot);
      for (auto& series : picture.series)
        std::erase_if(series.name, [](char c) { return c == '{' || c == '}'; });
      svg = svg_of(picture);
    } catch (const InvalidArgument&) {  // texts, or no numbers at all
      continue;
    }
    svg.erase(0, svg.find("<svg"));  // without the declaration of a file of its own
    if (text.size() + svg.size() > room) break;
    text += "<figure>" + svg + "</figure>\n";
  }
  return text.empty() ? "" : "<h2>Pictures</h2>\n" + text;
}

std::string table(const Rows& rows, const std::vector<Column>& columns, std::size_t room) {
  std::vector<std::vector<std::string>> cells;
  for (const auto& column : columns) {
    std::vector<Json> values;
    for (const auto& row : rows) values.push_back(value_in(column, row));
    clean(values);
    auto& texts = cells.emplace_back();
    for (const auto& value : values) texts.push_back(escaped(cell(value)));
  }
  std::string text = "<h2>Results</h2>\n<div class=\"wide\"><table><thead><tr>";
  for (const auto& column : columns) {
    std::string title = column.title;
    text += "<th>" + escaped(title) + "</th>";
  }
  text += "</tr></thead><tbody>\n";
  std::size_t shown = 0;
  for (; shown < rows.size() && text.size() < room; ++shown) {
    text += "<tr>";
    for (const auto& column : cells) text += "<td>" + column[shown] + "</td>";
    text += "</tr>\n";
  }
  text += "</tbody></table></div>\n";
  if (shown < rows.size())
    text += fmt::format("<p class=\"note\">{} of {} rows; all of them are in points.jsonl.</p>\n",
                        shown, rows.size());
  return text;
}

std::string failures(const Rows& all, const Sweep& sweep) {
  std::string text;
  constexpr std::size_t most = 50;
  std::size_t count = 0;
  for (const auto& row : all) {
    if (row.value("status", Json()) != "failed" || ++count > most) continue;
    std::string label;
    for (const auto& name : sweep.varied())
      label += (label.empty() ? "" : " ") + name + "=" + cell(row.value(name, Json()));
    text += fmt::format("<tr><td>{}</td><td>{}</td></tr>\n", escaped(label),
                        escaped(cell(row.value("failure", Json()))));
  }
  if (text.empty()) return "";
  return fmt::format(
      "<h2>Failed points</h2>\n<table><tbody>\n{}</tbody></table>\n<p class=\"note\">{} "
      "in all.</p>\n",
      text, count);
}

std::string fact(const std::string& name, const std::string& value) {
  return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, escaped(value));
}

std::string day_of(double seconds) {
  Json stamp = Json::object();
  const auto time = static_cast<std::time_t>(seconds);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc);
  return text.data();
}

std::string origin(SweepFolder& folder, const Rows& all, const std::string& command_line) {
  const auto tally = folder.tally();
  const auto& sweep = folder.sweep();
  double first = 0, last = 0;
  std::set<std::string> versions;
  for (const auto& row : all) {
    const double at = row.value("finished", 0.0);
    first = first == 0 ? at : std::min(first, at);
    last = std::max(last, at);
    versions.insert(row.value("version", std::string("?")));
  }
  std::string by;
  for (const auto& one : versions) by += (by.empty() ? "" : ", ") + one;
  std::string text =
      "<h2>Origin</h2>\n<dl>\n" + fact("sweep", sweep.name()) + fact("folder", folder.path()) +
      fact("points", fmt::format("{} of {} done, {} not converged, {} failed", tally.done,
                                 sweep.size(), tally.not_converged, tally.failed)) +
      fact("computed", day_of(first) + " to " + day_of(last)) +
      fact("took", seconds_text(tally.core_seconds) + " of one core") +
      fact("program", "kronsolve " + by) +
      fact("this page", command_line + ", kronsolve " + std::string(version()));
  for (const auto& [name, sum] : sweep.origin().files)
    text += fact("file", name + ", checksum " + sum);
  return text + "</dl>\n<pre>" + escaped(sweep.text()) + "</pre>\n</body></html>\n";
}

}  // namespace

Answer run_report(const Comm& comm, const Arguments& arguments, Clock::time_point) {
  if (arguments.argument.empty())
    throw InvalidArgument(
        "report of what? give the folder of a sweep: kronsolve report DIR -o FILE.html");
  if (arguments.save.empty()) throw InvalidArgument("report to which file? give -o FILE.html");
  Answer answer;
  comm.agree([&] {
    if (!comm.is_root()) return;
    SweepFolder folder(arguments.argument);
    OutputFile file(arguments.save);  // before the work
    const auto& sweep = folder.sweep();
    const Rows all = records_of(folder);
    const Rows rows = rows_to_show(folder, arguments.results.where, "");
    const auto columns = usual_columns(rows, sweep, !sweep.averaged().empty());
    std::string end = failures(all, sweep) + origin(folder, all, arguments.command_line);
    std::string page = page_head(sweep.name());
    const std::size_t room = most_bytes - std::min(most_bytes, page.size() + end.size());
    const auto drawn = pictures(rows, sweep, columns, 2 * room / 3);
    page += drawn + table(rows, columns, room - drawn.size()) + end;
    file.append(page);
    file.close();
    answer.text = fmt::format("{}: {} of {}, {} kB\n", arguments.save,
                              counted(static_cast<index_t>(rows.size()), "row"), folder.path(),
                              page.size() / 1000);
  });
  return answer;
}

}  // namespace kronsolve::cli
