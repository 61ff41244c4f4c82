#include "operators/files/file_drives.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include <kronsolve/core/file.hpp>

#include "core/formula.hpp"

namespace kronsolve::detail {

namespace {

TimeFunction of_formula(const FileReader& file, const toml::node& node) {
  const auto expression = file.expression(node);
  if (file.scope().contains("t"))
    file.fail(node, "t is the time here; give the parameter t another name");
  const auto formula = file.located(
      node, [&] { return std::make_shared<const Formula>(expression, "t", file.scope()); });
  std::string text = expression.text();
  const auto names = expression.names();
  for (const auto& [name, value] : file.parameters())
    if (std::find(names.begin(), names.end(), name) != names.end())
      text += concat(text.find(", ") == text.npos ? ", " : " ", name, "=", value);
  const auto value = [formula, text](double t) {
    const double f = (*formula)(t);
    if (std::isfinite(f)) return f;
    throw InvalidArgument(concat("[[drive]]: ", text, " is ", f, " at t = ", t));
  };
  return {text, value, [formula](double begin, double end) {
            return abrupt_places([&](double a, double b) { return formula->range(a, b); }, begin,
                                 end);
          }};
}

/// Straight lines between points, and nothing beyond the last.
class Table {
 public:
  Table(const FileReader& file, const toml::node& node) {
    const auto* rows = node.as_array();
    if (rows == nullptr || rows->size() < 2)
      file.fail(node,
                "a table is a list of points, [[time, value], [time, value], ...], two at least");
    for (const auto& row : *rows) {
      const auto* point = row.as_array();
      if (point == nullptr || point->size() != 2)
        file.fail(row, "a point of a table is [time, value]");
      times_.push_back(file.number((*point)[0], "a time"));
      values_.push_back(file.number((*point)[1], "a value"));
      if (times_.size() > 1 && !(times_[times_.size() - 2] < times_.back()))
        file.fail(row, concat("times of a table must ascend; ", times_.back(), " follows ",
                              times_[times_.size() - 2]));
    }
  }
  double operator()(double t) const {
    // A step may try a time that rounding puts beyond the end.
    const double slack = 1e-12 * (times_.back() - times_.front());
    if (t < times_.front() - slack || t > times_.back() + slack)
      throw InvalidArgument(concat("[[drive]]: its table goes from time ", times_.front(), " to ",
                                   times_.back(), ", needed is ", t));
    const auto next = std::clamp<std::ptrdiff_t>(
        std::upper_bound(times_.begin(), times_.end(), t) - times_.begin(), 1,
        std::ssize(times_) - 1);
    const auto i = static_cast<std::size_t>(next);
    const double part = (t - times_[i - 1]) / (times_[i] - times_[i - 1]);
    return values_[i - 1] + part * (values_[i] - values_[i - 1]);
  }
  std::vector<double> times_within(double begin, double end) const {
    (void)(*this)(begin);
    (void)(*this)(end);
    std::vector<double> inside;
    std::copy_if(times_.begin(), times_.end(), std::back_inserter(inside),
                 [&](double t) { return begin < t && t < end; });
    return inside;
  }
  std::string text() const {
    Checksum sum;
    for (const auto* list : {&times_, &values_})
      sum.add({reinterpret_cast<const char*>(list->data()), list->size() * sizeof(double)});
    return concat("table of ", times_.size(), " points, checksum ", sum.value());
  }

 private:
  std::vector<double> times_, values_;
};

}  // namespace

TimeFunction time_function(const FileReader& file, const toml::table& drive,
                           const toml::node& node) {
  const auto *formula = drive.get("function"), *points = drive.get("table");
  if ((formula == nullptr) == (points == nullptr))
    file.fail(node,
              "a [[drive]] needs function = \"sin(w*t)\", a formula in the time t, or table = "
              "[[time, value], ...]");
  if (formula != nullptr) return of_formula(file, *formula);
  const auto table = std::make_shared<const Table>(file, *points);
  return {table->text(), [table](double t) { return (*table)(t); },
          [table](double begin, double end) { return table->times_within(begin, end); }};
}

}  // namespace kronsolve::detail
