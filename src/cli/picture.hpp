#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve::cli {

/// Points that belong together, with one entry of the legend.
struct Series {
  std::string name;
  std::vector<double> x, y;
  std::vector<double> error = {};              ///< of y; empty: none
  bool joined = true;                          ///< by a line
  std::vector<double> fit_x = {}, fit_y = {};  ///< a curve through the points; empty: none
  Estimate at_zero = {};                       ///< of this curve
};

/// Values over the plane, shown as colours.
struct Map {
  std::vector<double> x, y, value;
  std::string label;
};

/// Lines of a picture that can be told apart, and whose legend leaves room for them.
inline constexpr std::size_t most_lines = 21;

/// A plot of the size of a column of a journal: axes with labels, a legend above the frame, colours
/// that the colour-blind can tell apart, and symbols and dashes that do without colour.
struct Picture {
  std::string x_label, y_label;
  std::vector<Series> series;
  std::vector<std::pair<double, std::string>> x_ticks = {};  ///< places and names; empty: numbers
  std::vector<double> guides = {};                           ///< y of dotted lines
  bool log_x = false, log_y = false;
  std::optional<Map> map = {};  ///< in place of series
};

/// @throws InvalidArgument  it ends with none of .svg, .pdf, .png
void require_picture_name(std::string_view option, const std::string& path);

/// Draws with gnuplot and writes the file, whole or not at all. Local.
/// @throws NotSupported  gnuplot is not installed, or refuses
/// @throws IoError       the file cannot be written
void draw(const Picture& picture, const std::string& path);

/// The same as text of SVG.
std::string svg_of(const Picture& picture);

/// What gnuplot is told, and the data in it.
std::string gnuplot_script(const Picture& picture, std::string_view format);

}  // namespace kronsolve::cli
