#include "operators/states/moved_state.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <kronsolve/core/threads.hpp>

#include "operators/states/amplitudes.hpp"

namespace kronsolve::detail {

namespace {

int inverse_of(const SymmetryGroup& group, const SitePermutation& image) {
  SitePermutation back(image.size());
  for (std::size_t i = 0; i < image.size(); ++i)
    back[static_cast<std::size_t>(image[i])] = static_cast<int>(i);
  const auto& all = group.elements();
  const auto at =
      std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.image == back; });
  return static_cast<int>(at - all.begin());
}

}  // namespace

SiteMove::SiteMove(const Basis& basis, const SitePermutation& image)
    : group_(basis.spaces(), {{"permutation", image, SpinFlip::no, 0, 1}}),
      action_(group_),
      inverse_(inverse_of(group_, image)) {
  KRONSOLVE_ASSERT(basis.symmetries() == nullptr);
}

template <Scalar T>
void SiteMove::operator()(const StateView<T>& psi, std::span<T> to) const {
  // <s|U psi> = sign psi(U^-1 s), and U^-1 gives s the sign that U gives U^-1 s.
  const Basis& basis = psi.basis();
  const RowRange mine = psi.partition().range(psi.comm().rank());
  const Amplitudes<T> amplitudes(psi);
  constexpr index_t batch = 1 << 20;
  constexpr std::size_t piece = 1024;
  const index_t batches = psi.comm().all_reduce((mine.size() + batch - 1) / batch, Reduce::max);
  std::vector<index_t> rows;
  for (index_t b = 0; b < batches; ++b) {
    const index_t begin = std::min(mine.end, mine.begin + b * batch);
    const auto out =
        to.subspan(static_cast<std::size_t>(begin - mine.begin),
                   static_cast<std::size_t>(std::min(mine.end, begin + batch) - begin));
    rows.resize(out.size());
#pragma omp parallel for num_threads(num_threads()) schedule(static)
    for (std::size_t i = 0; i < out.size(); i += piece) {
      const std::size_t n = std::min(piece, out.size() - i);
      std::array<state_t, piece> states;
      const auto some = std::span(states).first(n);
      const index_t first = begin + static_cast<index_t>(i);
      basis.states({first, first + static_cast<index_t>(n)}, some);
      for (std::size_t k = 0; k < n; ++k) {
        const auto [from, phase] = action_.image_of(inverse_, static_cast<name_t>(some[k]));
        some[k] = from;
        out[i + k] = T(group_.phase_value(phase).real());
      }
      basis.indices(some, std::span(rows).subspan(i, n));
      if (psi.comm().size() == 1)
        for (std::size_t k = 0; k < n; ++k) out[i + k] *= amplitudes.owned(rows[i + k]);
    }
    if (psi.comm().size() == 1) continue;
    const auto values = amplitudes.fetch(rows);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= values[i];
  }
}

template void SiteMove::operator()(const StateView<double>&, std::span<double>) const;
template void SiteMove::operator()(const StateView<std::complex<double>>&,
                                   std::span<std::complex<double>>) const;

}  // namespace kronsolve::detail
