#include "measure/configuration_sums.hpp"

#include <algorithm>

#include <kronsolve/core/threads.hpp>

#include "operators/bases/additive_table.hpp"
#include "operators/vectors/compensated.hpp"

namespace kronsolve::detail {

namespace {

/// Adds add(row, state, weight, sums) for every owned row with its weight |psi|^2; `count` sums.
template <Scalar T, class Add>
std::vector<double> sums_over_rows(const StateView<T>& psi, std::size_t count, Add&& add) {
  const Basis& basis = psi.basis();
  const RowRange mine = psi.partition().range(psi.comm().rank());
  constexpr index_t block = 256;  // added up before it joins the sum of the others
  std::vector<double> total(count, 0.0);
#pragma omp parallel num_threads(num_threads())
  {
    std::vector<vec::Compensated<double>> sum(count);
    std::vector<state_t> states;
    std::vector<Component> components;
    std::vector<double> part(count);
#pragma omp for schedule(static)
    for (index_t begin = mine.begin; begin < mine.end; begin += block) {
      const RowRange rows{begin, std::min(mine.end, begin + block)};
      states.resize(static_cast<std::size_t>(rows.size()));
      basis.states(rows, states);
      std::fill(part.begin(), part.end(), 0.0);
      for (index_t row = rows.begin; row < rows.end; ++row) {
        const double weight = norm_squared(psi.owned()[static_cast<std::size_t>(row - mine.begin)]);
        if (weight > 0)
          add(row, states[static_cast<std::size_t>(row - rows.begin)], weight, components, part);
      }
      for (std::size_t k = 0; k < count; ++k) sum[k] += part[k];
    }
#pragma omp critical
    for (std::size_t k = 0; k < count; ++k) total[k] += sum[k].value();
  }
  psi.comm().all_reduce(std::span(total));
  return total;
}

}  // namespace

template <Scalar T>
std::vector<double> moments_of_sum(const StateView<T>& psi,
                                   const std::vector<std::vector<double>>& values, int highest) {
  require_fitting(psi, "moments");
  const Basis& basis = psi.basis();
  const AdditiveTable<double> m(basis.code(), [&](int site, int digit) {
    return values[static_cast<std::size_t>(site)][static_cast<std::size_t>(digit)];
  });
  const bool orbits = basis.symmetries() != nullptr;
  return sums_over_rows(psi, static_cast<std::size_t>(highest) + 1,
                        [&](index_t row, state_t state, double weight,
                            std::vector<Component>& components, std::vector<double>& sums) {
                          // All configurations of an orbit have the same probability.
                          if (orbits)
                            basis.orbit(row, components);
                          else
                            components.assign(1, {state, 1.0});
                          const double share = weight / double(components.size());
                          for (const auto& component : components) {
                            double power = share;
                            const double value = m(component.state);
                            for (double& sum : sums) {
                              sum += power;
                              power *= value;
                            }
                          }
                        });
}

template <Scalar T>
double sum_of_fourth_powers(const StateView<T>& psi) {
  require_fitting(psi, "participation");
  const Basis& basis = psi.basis();
  const bool orbits = basis.symmetries() != nullptr;
  return sums_over_rows(psi, 1,
                        [&](index_t, state_t state, double weight, std::vector<Component>&,
                            std::vector<double>& sums) {
                          // |<configuration|row>|^2 = 1 / configurations of the orbit
                          const double share =
                              orbits ? norm_squared(basis.locate(state).amplitude) : 1;
                          sums[0] += weight * weight * share;
                        })
      .front();
}

#define KRONSOLVE_INSTANTIATE(T)                                                             \
  template std::vector<double> moments_of_sum(const StateView<T>&,                           \
                                              const std::vector<std::vector<double>>&, int); \
  template double sum_of_fourth_powers(const StateView<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::detail
