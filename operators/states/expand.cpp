#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/expand.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/bases/symmetry_lookup.hpp"

namespace kronsolve {

template <Scalar T>
std::optional<ExpandedState<T>> expand(const StateView<T>& psi) {
  const auto* reduced = dynamic_cast<const SymmetryBasis*>(&psi.basis());
  if (reduced == nullptr) return std::nullopt;
  require_fitting(psi, "expand");
  if (!is_complex<T> && reduced->scalar() == ScalarKind::complex)
    throw InvalidArgument("expand: states of this sector are complex; give complex amplitudes");
  ExpandedState<T> result{&psi.comm(), nullptr, {}};
  if (reduced->charges().empty())
    result.basis = std::make_shared<const FullBasis>(reduced->spaces());
  else
    result.basis = std::make_shared<const ChargeBasis>(reduced->spaces(), reduced->charges());
  const RowRange mine = result.basis->partition(psi.comm().size()).range(psi.comm().rank());
  psi.comm().agree([&] { result.owned = Buffer<T>(mine.size()); });

  constexpr index_t batch = 65536;
  const index_t batches = psi.comm().all_reduce((mine.size() + batch - 1) / batch, Reduce::max);
  for (index_t b = 0; b < batches; ++b) {
    const RowRange rows{std::min(mine.end, mine.begin + b * batch),
                        std::min(mine.end, mine.begin + (b + 1) * batch)};
    std::vector<state_t> states(static_cast<std::size_t>(rows.size()));
    std::vector<T> factors(states.size());
    result.basis->states(rows, states);
#pragma omp parallel for schedule(static)
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto [representative, amplitude] = reduced->overlap(states[i]);
      factors[i] = from_complex<T>(std::conj(amplitude));  // <state|row>
      // Orbits without a state of this sector have no row; any other row will do for them.
      states[i] = amplitude == 0.0 ? ~state_t{0} : representative;
    }
    const auto values = detail::ask_owners<T>(*reduced, states, [&](state_t s) {
      const index_t row = s == ~state_t{0} ? -1 : reduced->index(s);
      return row < 0 ? T{}
                     : psi.owned()[static_cast<std::size_t>(row - reduced->row_range().begin)];
    });
    for (std::size_t i = 0; i < states.size(); ++i)
      result.owned[rows.begin - mine.begin + static_cast<index_t>(i)] = factors[i] * values[i];
  }
  return result;
}

template std::optional<ExpandedState<double>> expand(const StateView<double>&);
template std::optional<ExpandedState<std::complex<double>>> expand(
    const StateView<std::complex<double>>&);

}  // namespace kronsolve
