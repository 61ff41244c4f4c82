#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "campaign/points_file.hpp"
#include "cli/arguments.hpp"
#include "cli/report.hpp"
#include "core/expression.hpp"

namespace kronsolve::cli {

using campaign::PointId;
using detail::Expression;

/// A file that says a run in the words of the command line, and what varies: a grid of points.
/// docs/campaigns.md is its description.
class Sweep {
 public:
  /// What the identities of points depend on besides the text: the program, and the contents of the
  /// files that the text names.
  struct Origin {
    std::string version;
    std::map<std::string, std::string> files;  ///< checksums
  };
  /// @param origin  nothing: this program, and the files as they are now
  /// @throws InvalidArgument  an unknown key, an empty grid, a point that is there twice, ...
  Sweep(std::string text, const std::string& name, std::optional<Origin> origin = {});

  const std::string& name() const noexcept { return name_; }
  const std::string& command() const noexcept { return command_; }
  const Origin& origin() const noexcept { return origin_; }
  const std::string& text() const noexcept { return text_; }

  /// The largest error of levels that are not solved for; nothing: every point is solved.
  const std::optional<double>& interpolate() const noexcept { return interpolate_; }
  /// Points that differ in what is interpolated over alone, in the order of its values, by any one
  /// of them; else the point itself.
  const std::vector<std::uint32_t>& line(std::size_t point) const;
  int ranks_per_point() const noexcept { return ranks_per_point_; }
  /// Whether a solve may begin at what others have found.
  bool warm_starts() const noexcept { return warm_starts_; }
  std::size_t size() const noexcept { return ids_.size(); }
  PointId id(std::size_t point) const { return ids_[point]; }
  const std::vector<PointId>& ids() const noexcept { return ids_; }
  OptionTexts options(std::size_t point) const;  ///< as on the command line
  /// Every setting of the file as a column, numbers as numbers.
  Json settings(std::size_t point) const;
  std::string label(std::size_t point) const;  ///< what varies: "sites=8 bx=0.1"
  /// Columns that vary, and those of them over which results are averaged.
  const std::vector<std::string>& varied() const noexcept { return varied_; }
  const std::vector<std::string>& averaged() const noexcept { return averaged_; }
  /// Adds the columns of [derive] that can be had; others are null.
  void derive(Json& record) const;
  std::vector<std::string> derived() const;

  /// Number of the shape of each point: points of a shape differ by parameters of the model only.
  const std::vector<std::uint32_t>& shapes() const;
  /// How large a point of a shape is, and what it costs up to a common factor; 0: not known.
  struct Shape {
    double rows = 0, cost = 0;
  };
  /// All of them.
  /// @throws InvalidArgument  Hopeless::refused, and no shape has an operator: what the first says
  enum class Hopeless { refused, ignored };
  std::vector<Shape> measure_shapes(Hopeless hopeless) const;

 private:
  friend class SweepReader;
  /// An option, or a parameter of the model.
  struct Setting {
    std::string column, option, parameter;
  };
  struct Value {
    std::vector<std::string> texts;  ///< one for each time that the option is given
    Json json;
    std::string identity;  ///< empty where it does not matter
  };
  /// What varies together: for each of its positions a value of each setting.
  struct Axis {
    std::vector<Setting> settings;
    std::vector<std::vector<Value>> positions;
  };
  template <class F>
  void for_each_value(std::size_t number, F f) const;
  Json settings_of(std::size_t number) const;
  OptionTexts options_of(std::size_t number) const;
  void identify(const std::optional<Expression>& skip);

  std::string text_, name_, command_;
  Origin origin_;
  int ranks_per_point_ = 1;
  bool warm_starts_ = true;
  std::optional<double> interpolate_;
  std::size_t line_axis_ = 0;
  mutable std::vector<std::vector<std::uint32_t>> lines_;
  mutable std::vector<std::uint32_t> line_of_;  ///< number of the line of each point
  std::vector<Axis> axes_;                      ///< what is fixed are axes of one position
  std::vector<std::uint32_t> numbers_;  ///< of the points in the grid, skipped ones left out
  std::vector<PointId> ids_;
  std::vector<std::string> varied_, averaged_;
  std::vector<std::pair<std::string, Expression>> derived_;
  mutable std::vector<std::uint32_t> shapes_;
};

}  // namespace kronsolve::cli
