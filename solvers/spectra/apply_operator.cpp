#include <algorithm>
#include <cmath>

#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

namespace kronsolve {

namespace {

/// Calls found(state, value) for every configuration that the term makes of `state`.
template <class Found>
void images(const ProductTerm& term, const DigitCode& code, state_t state, std::size_t factor,
            std::complex<double> value, Found&& found) {
  if (factor == term.factors.size()) {
    found(state, value);
    return;
  }
  const auto& [site, matrix] = term.factors[factor];
  const int digit = code.digit(state, site);
  for (int to = 0; to < matrix.dim(); ++to) {
    const auto element = matrix(to, digit);
    if (element == 0.0) continue;
    const state_t moved = state - static_cast<state_t>(digit) * code.stride(site) +
                          static_cast<state_t>(to) * code.stride(site);
    images(term, code, moved, factor + 1, value * element, found);
  }
}

/// Terms that each change every additive charge by a definite amount: Sx Sx + Sy Sy leaves no
/// sector, its two terms do.
std::vector<ProductTerm> charge_terms(const OpSum& op) {
  std::vector<ProductTerm> terms;
  const CanonicalForm& form = op.canonical_form();
  for (const auto& canonical : form.terms) {
    ProductTerm term{canonical.coefficient, {}};
    for (const auto& factor : canonical.factors)
      term.factors.push_back({factor.site, form[factor].matrix()});
    terms.push_back(std::move(term));
  }
  return terms;
}

}  // namespace

template <Scalar T>
DistributedVectors<T> apply_operator(const Comm& comm, const OpSum& op, const Basis& from,
                                     std::span<const T> psi, const Basis& to) {
  if (op.spaces() != from.spaces() || op.spaces() != to.spaces())
    throw DimensionError(
        "apply_operator: the operator and both bases must be about the same sites");
  if (!is_complex<T> && !op.is_real())
    throw InvalidArgument("apply_operator: the operator is complex; give a complex state");
  const RowPartition in = from.partition(comm.size()), out = to.partition(comm.size());
  const RowRange mine = in.range(comm.rank()), target = out.range(comm.rank());
  if (!comm.all(vec::length(psi) == mine.size()))
    throw DimensionError(detail::concat("apply_operator: the state must have the owned length, ",
                                        mine.size(), " on rank ", comm.rank(), ", got ",
                                        psi.size()));
  const auto terms = charge_terms(op);
  DistributedVectors<T> result(out, comm.rank(), 1);
  const auto w = result.column(0);
  // In pieces, so that what is on its way stays small; all ranks make the same number of them.
  constexpr index_t piece = 1 << 16;
  const index_t pieces = comm.all_reduce((mine.size() + piece - 1) / piece, Reduce::max);
  for (index_t p = 0; p < pieces; ++p) {
    std::vector<std::vector<index_t>> rows(static_cast<std::size_t>(comm.size()));
    std::vector<std::vector<T>> values(rows.size());
    comm.agree([&] {
      for (index_t i = p * piece; i < std::min(mine.size(), (p + 1) * piece); ++i) {
        if (psi[i] == T{}) continue;
        const state_t state = from.state(mine.begin + i);
        for (const auto& term : terms)
          images(term, from.code(), state, 0, term.coefficient,
                 [&](state_t image, std::complex<double> value) {
                   const index_t row = to.index(image);
                   if (row < 0)
                     throw InvalidArgument(detail::concat(
                         "apply_operator: the operator leads from ", from.code().text(state),
                         " to ", from.code().text(image), ", which is not in the target sector"));
                   const auto owner = static_cast<std::size_t>(out.owner(row));
                   rows[owner].push_back(row);
                   values[owner].push_back(from_complex<T>(value) * psi[i]);
                 });
      }
    });
    const auto got_rows = comm.all_to_all_v(rows);
    const auto got_values = comm.all_to_all_v(values);
    for (std::size_t r = 0; r < got_rows.size(); ++r)
      for (std::size_t e = 0; e < got_rows[r].size(); ++e)
        w[got_rows[r][e] - target.begin] += got_values[r][e];
  }
  return result;
}

template DistributedVectors<double> apply_operator(const Comm&, const OpSum&, const Basis&,
                                                   std::span<const double>, const Basis&);
template DistributedVectors<std::complex<double>> apply_operator(
    const Comm&, const OpSum&, const Basis&, std::span<const std::complex<double>>, const Basis&);

}  // namespace kronsolve
