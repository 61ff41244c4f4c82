#include "cli/picture.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

namespace kronsolve::cli {

namespace {

/// Okabe and Ito's colours, without the yellow that is lost on paper; gnuplot's symbols and dashes.
struct Style {
  const char* colour;
  int symbol, dash;
};
constexpr std::array<Style, 7> styles = {{{"#0072B2", 7, 1},
                                          {"#D55E00", 5, 2},
                                          {"#009E73", 9, 4},
                                          {"#CC79A7", 13, 5},
                                          {"#E69F00", 11, 3},
                                          {"#56B4E9", 6, 1},
                                          {"#000000", 4, 2}}};

/// The colours come again with other symbols and dashes.
Style style_of(std::size_t line) {
  const std::size_t round = line / styles.size();
  return {styles[line % styles.size()].colour, styles[(line + 2 * round) % styles.size()].symbol,
          1 + static_cast<int>(
                  (static_cast<std::size_t>(styles[line % styles.size()].dash) - 1 + round) % 5)};
}

/// A column is 8.6 cm wide; the letters are as large as those of its text.
std::string terminal(std::string_view format) {
  if (format == "svg")
    return "svg noenhanced size 400,300 dynamic font 'Helvetica,11' linewidth 1.2 background "
           "'#ffffff'";
  if (format == "pdf")
    return "pdfcairo noenhanced size 8.6cm,6.45cm font 'Helvetica,8' linewidth 1.2 fontscale 1";
  return "pngcairo noenhanced size 1016,762 font 'Helvetica,8' fontscale 3.0 linewidth 3 "
         "pointscale 2.6";
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text)
    if (static_cast<unsigned char>(c) >= ' ')
      result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

/// Rectangles around the points of a grid, half way to their neighbours; colours from dark to light,
/// which stay in order in grey.
std::string map_script(const Map& map) {
  const auto edges = [](const std::vector<double>& values) {
    std::set<double> sorted(values.begin(), values.end());
    const std::vector<double> at(sorted.begin(), sorted.end());
    std::map<double, std::pair<double, double>> result;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const double down = i > 0 ? at[i] - at[i - 1] : at.size() > 1 ? at[1] - at[0] : 1;
      const double up = i + 1 < at.size() ? at[i + 1] - at[i] : down;
      result[at[i]] = {at[i] - down / 2, at[i] + up / 2};
    }
    return result;
  };
  const auto columns = edges(map.x), rows = edges(map.y);
  std::string script = fmt::format(
      "set palette cubehelix start 0.5 cycles -1.5 saturation 0.9 negative\nset cblabel {}\nunset "
      "key\n"
      "set offsets 0, 0, 0, 0\nset xrange [{:.17g}:{:.17g}]\nset yrange [{:.17g}:{:.17g}]\n"
      "set style fill solid 1 border\n$data << EOD\n",
      quoted(map.label), columns.begin()->second.first, columns.rbegin()->second.second,
      rows.begin()->second.first, rows.rbegin()->second.second);
  for (std::size_t i = 0; i < map.value.size(); ++i) {
    const auto [left, right] = columns.at(map.x[i]);
    const auto [below, above] = rows.at(map.y[i]);
    script += fmt::format("{:.17g} {:.17g} {:.17g} {:.17g} {:.17g} {:.17g} {:.17g}\n", map.x[i],
                          map.y[i], left, right, below, above, map.value[i]);
  }
  return script +
         "EOD\nplot $data using 1:2:3:4:5:6:7 with boxxyerror linecolor palette linewidth 0.4\n";
}

std::string format_of(const std::string& path) { return path.substr(path.rfind('.') + 1); }

/// A name that nobody else has, removed at the end.
class ScriptFile {
 public:
  explicit ScriptFile(const std::string& text) {
    const char* folder = std::getenv("TMPDIR");
    name_ = (folder != nullptr ? std::string(folder) : "/tmp") + "/kronsolve-XXXXXX";
    descriptor_ = ::mkstemp(name_.data());
    if (descriptor_ < 0) throw IoError(name_, "cannot write the script of a picture there");
    for (std::size_t done = 0; done < text.size();) {
      const auto n = ::write(descriptor_, text.data() + done, text.size() - done);
      if (n <= 0) {
        remove();
        throw IoError(name_, "cannot write the script of a picture there; is the disk full?");
      }
      done += static_cast<std::size_t>(n);
    }
  }
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  ~ScriptFile() { remove(); }
  const std::string& name() const noexcept { return name_; }

 private:
  void remove() noexcept {
    ::close(descriptor_);
    ::unlink(name_.c_str());
  }
  std::string name_;
  int descriptor_ = -1;
};

/// What gnuplot draws, as it comes out of a pipe.
std::string drawn(const std::string& script) {
  const ScriptFile file(script);
  FILE* const pipe = ::popen(("gnuplot " + file.name() + " 2>/dev/null").c_str(), "r");
  if (pipe == nullptr) throw NotSupported("a picture needs gnuplot, which cannot be started");
  std::string picture;
  std::array<char, 65536> part{};
  while (const auto n = std::fread(part.data(), 1, part.size(), pipe))
    picture.append(part.data(), n);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    throw NotSupported("a picture needs gnuplot; install it (Debian: gnuplot-nox, conda: gnuplot)");
  if (status != 0 || picture.empty())
    throw NotSupported(
        "gnuplot could not draw the picture; its version must have the terminals "
        "svg, pdfcairo and pngcairo");
  return picture;
}

}  // namespace

void require_picture_name(std::string_view option, const std::string& path) {
  for (const char* format : {".svg", ".pdf", ".png"})
    if (path.ends_with(format) && path.size() > 4) return;
  throw InvalidArgument(detail::concat(
      option, " must be the name of a picture, FILE.svg, FILE.pdf or FILE.png, got '", path, "'"));
}

namespace {

/// Of a line; more would cover it.
constexpr std::size_t most_symbols = 60;

/// The data of series i and how they are drawn: lines with symbols, or, of many points, curves with
/// their errors as a band.
/// @param plot  grows by what the command plot is told
std::string series_script(const Series& series, std::size_t i, std::string& plot) {
  const Style style = style_of(i);
  std::string script = fmt::format("$data{} << EOD\n", i);
  for (std::size_t j = 0; j < series.x.size(); ++j) {
    if (!std::isfinite(series.x[j]) || !std::isfinite(series.y[j])) continue;
    script += fmt::format("{:.17g} {:.17g} {:.17g}\n", series.x[j], series.y[j],
                          series.error.empty() ? 0.0 : series.error[j]);
  }
  script += "EOD\n";
  if (!series.fit_x.empty()) {
    script += fmt::format("$fit{} << EOD\n", i);
    for (std::size_t j = 0; j < series.fit_x.size(); ++j)
      script += fmt::format("{:.17g} {:.17g}\n", series.fit_x[j], series.fit_y[j]);
    script += "EOD\n";
    plot += fmt::format("$fit{} using 1:2 with lines linecolor rgb '{}' dashtype {} notitle, ", i,
                        style.colour, style.dash);
  }
  const auto drawing =
      fmt::format("linecolor rgb '{}' pointtype {} pointsize 0.6", style.colour, style.symbol);
  const auto data = fmt::format("$data{} using 1:2", i);
  const bool curve = series.joined && series.x.size() > most_symbols;
  if (!series.error.empty())
    plot += curve ? fmt::format(
                        "$data{} using 1:($2-$3):($2+$3) with filledcurves linecolor rgb "
                        "'{}' fillstyle transparent solid 0.25 noborder notitle, ",
                        i, style.colour)
                  : fmt::format("{}:3 with yerrorbars {} notitle, ", data, drawing);
  if (curve)
    plot += fmt::format("{} with lines linecolor rgb '{}' dashtype {} title {}, ", data,
                        style.colour, style.dash, quoted(series.name));
  else
    plot += fmt::format("{} with {} {} dashtype {} title {}, ", data,
                        series.joined ? "linespoints" : "points", drawing, style.dash,
                        quoted(series.name));
  return script;
}

}  // namespace

std::string gnuplot_script(const Picture& picture, std::string_view format) {
  std::string script = fmt::format(
      "set terminal {}\nset encoding utf8\nset border 31 linewidth 0.7\n"
      "set tics nomirror scale 0.6\nset autoscale fix\nset offsets graph 0.04, graph 0.04, graph "
      "0.05, graph 0.05\n"
      "set xlabel {}\nset ylabel {}\n",
      terminal(format), quoted(picture.x_label), quoted(picture.y_label));
  script += picture.series.size() > 1 && picture.series.size() <= most_lines
                ? "set key outside top center horizontal reverse Left samplen 1.2 width 0.5\n"
                : "unset key\n";
  // Offsets are not for axes of powers of ten.
  if (picture.log_x) script += "set logscale x\nset offsets 0, 0, graph 0.05, graph 0.05\n";
  if (picture.log_y) script += "set logscale y\nset offsets 0, 0, 0, 0\n";
  if (picture.map) return script + map_script(*picture.map);
  std::string plot;
  if (!picture.guides.empty()) {  // points without a symbol make room for them
    script += "$guides << EOD\n";
    for (const double guide : picture.guides)
      script += fmt::format("{:.17g} {:.17g}\n", picture.series.front().x.front(), guide);
    script += "EOD\n";
    plot += "$guides using 1:2 with points pointtype -1 notitle, ";
  }
  for (const double guide : picture.guides)
    script += fmt::format(
        "set arrow from graph 0, first {0:.17g} to graph 1, first {0:.17g} nohead dashtype 3 "
        "linewidth 0.8 linecolor rgb '#707070'\n",
        guide);
  if (!picture.x_ticks.empty()) {
    std::size_t letters = 0;
    for (const auto& tick : picture.x_ticks) letters += tick.second.size() + 2;
    constexpr std::size_t fitting = 46;  // side by side below the frame
    script += letters > fitting ? "set xtics rotate by 90 right (" : "set xtics (";
    for (std::size_t i = 0; i < picture.x_ticks.size(); ++i)
      script += fmt::format("{}{} {:.17g}", i == 0 ? "" : ", ", quoted(picture.x_ticks[i].second),
                            picture.x_ticks[i].first);
    script += ")\n";
  }
  for (std::size_t i = 0; i < picture.series.size(); ++i)
    script += series_script(picture.series[i], i, plot);
  plot.erase(plot.size() - 2);
  return script + "plot " + plot + "\n";
}

std::string svg_of(const Picture& picture) { return drawn(gnuplot_script(picture, "svg")); }

void draw(const Picture& picture, const std::string& path) {
  OutputFile file(path);  // before the work: a folder that cannot be written to is refused at once
  file.append(drawn(gnuplot_script(picture, format_of(path))));
  file.close();
}

}  // namespace kronsolve::cli
