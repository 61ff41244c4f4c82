#include "solvers/frontend/end_preconditioner.hpp"

#include <algorithm>
#include <cmath>

#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/frontend/rows.hpp"

namespace kronsolve::frontend {

namespace {

Preconditioner choose(const EighOptions& o) {
  if (o.which != Which::SA && o.which != Which::LA) return Preconditioner::none;
  if (o.preconditioner != Preconditioner::automatic) return o.preconditioner;
  return o.method == Method::lobpcg ? Preconditioner::none : Preconditioner::jacobi;
}

/// Beyond the wanted end of the spectrum by about what a few Lanczos steps leave open.
template <Scalar T>
double shift_beyond(const LinearMap<T>& map, const EighOptions& o) {
  constexpr index_t steps = 12;
  double opposite = 0, bound = 0;
  LanczosOptions search{.which = o.which,
                        .tol = 1e-2,
                        .scale = 0,
                        .max_iterations = steps,
                        .seed = o.seed + 2,
                        .vectors = Eigenvectors::skip};
  search.stop = [&](const LanczosOptions::Ritz& ritz) {
    opposite = ritz.opposite_value;
    bound = ritz.bound;
    return false;
  };
  const double end = lanczos<T>(map, search).eigenvalues.front();
  double beyond = std::max({bound, 0.02 * std::abs(opposite - end), 1e-3 * std::abs(end)});
  if (!(beyond > 0)) beyond = 1;  // an operator that is zero
  return o.which == Which::SA ? end - beyond : end + beyond;
}

}  // namespace

template <Scalar T>
EndPreconditioner<T> end_preconditioner(const EighProblem<T>& p, const EighOptions& o,
                                        const LinearMap<T>& map) {
  EndPreconditioner<T> result;
  result.kind = choose(o);
  const bool ends = o.which == Which::SA || o.which == Which::LA;
  if (result.kind != Preconditioner::none || (ends && o.method == Method::jd))
    result.shift = shift_beyond(map, o);
  if (result.kind == Preconditioner::none) return result;
  result.note =
      detail::concat("; preconditioner ", to_string(result.kind), " of H - ", result.shift);
  if (result.kind != Preconditioner::jacobi) return result;
  p.comm->agree([&] { result.diagonal = owned_diagonal(p.rows, p.owned()); });
  double largest = 0;
  for (T& d : result.diagonal) {
    d = T(real_part(d) - result.shift);
    largest = std::max(largest, std::abs(d));
  }
  largest = p.comm->all_reduce(largest, Reduce::max);
  // Diagonal entries lie within the spectrum: all differences have one sign, up to the estimate.
  const double least = 1e-3 * (largest > 0 ? largest : 1), sign = o.which == Which::SA ? 1 : -1;
  for (T& d : result.diagonal) d = T(sign * std::max(sign * real_part(d), least));
  return result;
}

#define KRONSOLVE_DEFINE(T)                                                                   \
  template EndPreconditioner<T> end_preconditioner(const EighProblem<T>&, const EighOptions&, \
                                                   const LinearMap<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
