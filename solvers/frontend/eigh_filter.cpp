#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/filter.hpp>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

template <Scalar T>
EighResult solve_filter(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const auto solve = [&](const LinearMap<T>& map, const Stopwatch& watch) {
    FilterOptions options{.k = o.k,
                          .sigma = o.sigma.value_or(0),
                          .interval = o.interval,
                          .tol = o.tol,
                          .max_vectors = o.ncv,
                          .seed = o.seed,
                          .certify = o.certify && (o.k > 1 || o.interval),
                          .checkpoint = o.checkpoint};
    // An interval of one point holds what lies within rounding of it.
    if (o.interval) options.interval = with_margin(Tolerance<T>(map, o.tol), *o.interval);
    if (o.progress)
      options.progress = [&](index_t vectors, index_t converged) {
        // How many an interval holds is known at the end.
        const Progress progress{.wanted = o.interval ? converged : o.k,
                                .converged = o.interval ? converged : std::min(o.k, converged),
                                .products = map.products(),
                                .iterations = vectors,
                                .seconds = watch.seconds(),
                                .remaining_seconds = {}};
        tell(*p.comm, o, progress);
      };
    return filter_eigh(map, options);
  };
  return solve_with_map(p, o, Method::filter, form, solve);
}

#define KRONSOLVE_DEFINE(T) \
  template EighResult solve_filter(const EighProblem<T>&, const EighOptions&, OperatorForm);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
