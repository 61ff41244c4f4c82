#pragma once
// Parts of texts for people that several reports have.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/solvers/stochastic.hpp>

#include "cli/report.hpp"
#include "cli/table.hpp"

namespace kronsolve::cli {

/// A name and what it is, in two columns; with its line end.
std::string line(std::string_view name, const std::string& value);
/// What is solved: operator, states, sector, scalar; with a line end.
std::string head(const Problem& problem, index_t dimension, ScalarKind scalar);
/// "2 ranks with 1 thread each".
std::string where(int ranks, int threads);
/// Time, memory and place, a line each.
/// @param memory_estimate_bytes  of the whole process
std::string cost_lines(const Cost& cost, std::optional<index_t> memory_estimate_bytes);
/// Entry `at` of a value: real, or (re, im).
std::string number(const ObservableValue& value, std::size_t at);
/// An observable that is no number at several points of an axis (times, temperatures). Lists: a line
/// for each point. Matrices: a block for each point.
/// @param cell  text of an entry at a point
std::string lists_along(
    const std::string& axis, const std::vector<std::string>& points, const Measured& measured,
    const std::function<std::string(std::size_t point, std::size_t entry)>& cell);
/// "-4.51(3)": two digits of the error in brackets, in units of the last place; a place is kept for
/// the sign.
std::string with_error(const Estimate& estimate);
/// A number without the place that is kept for its sign.
std::string without_blank(const std::string& text);
/// The number with its error, or alone where it is exact.
std::string estimate_text(const Estimate& estimate, bool exact);
/// Whether an observable fits in a column.
bool is_number(const ThermalObservable& observable);
/// Means at the points of an axis, with 0 for what is rounding: numbers as columns of `table`; the
/// text of lists and matrices comes back.
std::string add_averages(Table& table, const std::string& axis,
                         const std::vector<std::string>& points,
                         const std::vector<ThermalObservable>& observables);
/// With 0 for what is rounding beside the largest number that is there or could be.
std::vector<Measured> without_noise(std::vector<Measured> observables);

}  // namespace kronsolve::cli
