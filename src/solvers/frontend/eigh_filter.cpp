#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/filter.hpp>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

template <Scalar T>
EighResult solve_filter(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  EighResult result;
  result.method = Method::filter;
  result.form = form;
  const Stopwatch setup;
  const auto map = make_map(p, form);
  result.setup_seconds = setup.seconds();
  const Stopwatch solve;
  FilterOptions options{
      .k = o.k, .sigma = o.sigma.value_or(0), .tol = o.tol, .max_vectors = o.ncv, .seed = o.seed};
  if (o.progress)
    options.progress = [&](index_t vectors, index_t converged) {
      const Progress progress{.wanted = o.k,
                              .converged = std::min(o.k, converged),
                              .products = map->products(),
                              .iterations = vectors,
                              .seconds = solve.seconds(),
                              .remaining_seconds = {}};
      tell(*p.comm, o, progress);
    };
  auto found = filter_eigh(*map, options);
  take_values(found, o, result);
  result.iterations = found.krylov;
  take_vectors(*p.comm, found.vectors, o, result);
  result.solve_seconds = solve.seconds();
  return result;
}

#define KRONSOLVE_DEFINE(T) \
  template EighResult solve_filter(const EighProblem<T>&, const EighOptions&, OperatorForm);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
