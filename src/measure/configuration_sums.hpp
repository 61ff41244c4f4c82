#pragma once
// Sums over the configurations of a state, from its owned rows alone.

#include <vector>

#include <kronsolve/operators/state_view.hpp>

namespace kronsolve::detail {

/// sum over configurations c of |psi(c)|^2 m(c)^p for p = 0 ... highest, m(c) = sum over the sites
/// of values[site][digit]. Collective.
template <Scalar T>
std::vector<double> moments_of_sum(const StateView<T>& psi,
                                   const std::vector<std::vector<double>>& values, int highest);

/// sum over configurations of |psi(c)|^4. Collective.
template <Scalar T>
double sum_of_fourth_powers(const StateView<T>& psi);

}  // namespace kronsolve::detail
