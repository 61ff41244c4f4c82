#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "core/formula.hpp"

namespace kronsolve {

namespace {

using detail::concat;

/// Straight lines between points, and nothing beyond the last.
class Table {
 public:
  explicit Table(std::vector<std::pair<double, double>> points) : points_(std::move(points)) {
    if (points_.size() < 2)
      throw InvalidArgument(
          "a table is a list of points, [[time, value], [time, value], ...], two at least");
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const auto [time, value] = points_[i];
      if (!std::isfinite(time) || !std::isfinite(value))
        throw InvalidArgument("times and values of a table must be finite");
      if (i > 0 && !(points_[i - 1].first < time))
        throw InvalidArgument(
            concat("times of a table must ascend; ", time, " follows ", points_[i - 1].first));
    }
  }
  double operator()(double t) const {
    // A step may try a time that rounding puts beyond the end.
    const double first = points_.front().first, last = points_.back().first;
    const double slack = 1e-12 * (last - first);
    if (t < first - slack || t > last + slack)
      throw InvalidArgument(
          concat("[[drive]]: its table goes from time ", first, " to ", last, ", needed is ", t));
    const auto later = std::upper_bound(points_.begin(), points_.end(), t,
                                        [](double x, const auto& p) { return x < p.first; });
    const auto i = static_cast<std::size_t>(
        std::clamp<std::ptrdiff_t>(later - points_.begin(), 1, std::ssize(points_) - 1));
    const auto [t0, f0] = points_[i - 1];
    const auto [t1, f1] = points_[i];
    return f0 + (t - t0) / (t1 - t0) * (f1 - f0);
  }
  std::vector<double> times_within(double begin, double end) const {
    (void)(*this)(begin);
    (void)(*this)(end);
    std::vector<double> inside;
    for (const auto& [time, value] : points_)
      if (begin < time && time < end) inside.push_back(time);
    return inside;
  }
  std::string text() const {
    std::vector<double> times, values;
    for (const auto& [time, value] : points_) {
      times.push_back(time);
      values.push_back(value);
    }
    Checksum sum;
    for (const auto* list : {&times, &values})
      sum.add({reinterpret_cast<const char*>(list->data()), list->size() * sizeof(double)});
    return concat("table of ", points_.size(), " points, checksum ", sum.value());
  }

 private:
  std::vector<std::pair<double, double>> points_;
};

}  // namespace

TimeFunction time_formula(const std::string& formula, const std::map<std::string, double>& values) {
  const detail::Expression expression(formula);
  detail::Json scope = {{"pi", std::numbers::pi}};
  for (const auto& [name, value] : values) scope[name] = value;
  if (values.contains("t"))
    throw InvalidArgument("t is the time here; give the parameter t another name");
  const auto compiled = std::make_shared<const detail::Formula>(expression, "t", scope);
  std::string text = expression.text();
  const auto names = expression.names();
  for (const auto& [name, value] : values)
    if (std::find(names.begin(), names.end(), name) != names.end())
      text += concat(text.find(", ") == text.npos ? ", " : " ", name, "=", shortest_text(value));
  const auto at = [compiled, text](double t) {
    const double f = (*compiled)(t);
    if (std::isfinite(f)) return f;
    throw InvalidArgument(concat("[[drive]]: ", text, " is ", f, " at t = ", t));
  };
  const auto abrupt = [compiled](double begin, double end) {
    const auto bounds = [&](double a, double b) { return compiled->range(a, b); };
    return detail::abrupt_places(bounds, begin, end);
  };
  return {text, at, abrupt, formula, values};
}

TimeFunction time_table(std::vector<std::pair<double, double>> points) {
  const auto table = std::make_shared<const Table>(points);
  TimeFunction made{table->text(), [table](double t) { return (*table)(t); },
                    [table](double begin, double end) { return table->times_within(begin, end); }};
  made.points = std::move(points);
  return made;
}

}  // namespace kronsolve
