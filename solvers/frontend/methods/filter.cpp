#include <algorithm>

#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/filter.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

template <Scalar T>
double bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const double k = double(o.interval ? std::min(p.n(), expected_interval_pairs) : o.k);
  const double vectors = o.ncv > 0 ? double(o.ncv) : std::min(double(p.n()), 5 * k + 100);
  return bytes_with(p, form, vectors + 3 * k + 10);
}

template <Scalar T>
EighResult solve(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
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

void check(const EighOptions& o) {
  if (!is_targeted(o))
    throw InvalidArgument(detail::concat(
        "eigh: method filter finds the pairs nearest to a target, TM, TR or SM, or in an interval, "
        "got ",
        to_string(o.which), "; give sigma, or use lanczos"));
  if (o.start.index() != 0)
    throw InvalidArgument("eigh: method filter takes no start vector; give a seed, or use slepc");
}

}  // namespace

constinit const EighMethod filter_method = {
    .method = Method::filter,
    .name = "filter",
    .intervals = true,
    .goes_on = [](const EighOptions&) { return true; },
    .check = check,
    .real = {bytes<double>, solve<double>},
    .complex = {bytes<std::complex<double>>, solve<std::complex<double>>}};

}  // namespace kronsolve::frontend
