#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/expand.hpp>

#include "operators/states/amplitudes.hpp"

namespace kronsolve {

template <Scalar T>
std::optional<ExpandedState<T>> expand(const StateView<T>& psi) {
  const Basis& basis = psi.basis();
  if (basis.symmetries() == nullptr) return std::nullopt;
  require_fitting(psi, "expand");
  if (!is_complex<T> && basis.scalar() == ScalarKind::complex)
    throw InvalidArgument("expand: states of this sector are complex; give complex amplitudes");
  ExpandedState<T> result{&psi.comm(), nullptr, {}};
  if (basis.charges().empty() && basis.rules().empty())
    result.basis = std::make_shared<const FullBasis>(basis.spaces());
  else
    result.basis =
        std::make_shared<const ChargeBasis>(basis.spaces(), basis.charges(), basis.rules());
  const RowRange mine = result.basis->partition(psi.comm().size()).range(psi.comm().rank());
  psi.comm().agree([&] { result.owned = Buffer<T>(mine.size()); });

  const detail::Amplitudes<T> amplitudes(psi);
  constexpr index_t batch = 65536;
  const index_t batches = psi.comm().all_reduce((mine.size() + batch - 1) / batch, Reduce::max);
  for (index_t b = 0; b < batches; ++b) {
    const RowRange rows{std::min(mine.end, mine.begin + b * batch),
                        std::min(mine.end, mine.begin + (b + 1) * batch)};
    std::vector<state_t> states(static_cast<std::size_t>(rows.size()));
    result.basis->states(rows, states);
    const auto values = amplitudes.read(states);
    std::copy(values.begin(), values.end(),
              result.owned.span().begin() + (rows.begin - mine.begin));
  }
  return result;
}

template std::optional<ExpandedState<double>> expand(const StateView<double>&);
template std::optional<ExpandedState<std::complex<double>>> expand(
    const StateView<std::complex<double>>&);

}  // namespace kronsolve
