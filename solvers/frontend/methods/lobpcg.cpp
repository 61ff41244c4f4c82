#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/lobpcg.hpp>

#include "solvers/frontend/end_preconditioner.hpp"
#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

template <Scalar T>
double bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  return bytes_with(p, form, 7 * double(o.k) + 40);
}

template <Scalar T>
EighResult solve(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const auto find = [&](const LinearMap<T>& map, const Stopwatch&) {
    LobpcgOptions<T> options{.k = o.k,
                             .which = o.which,
                             .tol = o.tol,
                             .max_iterations = o.max_iterations,
                             .seed = o.seed};
    if (o.progress) options.progress = [&](const Progress& now) { tell(*p.comm, o, now); };
    const auto preconditioner = end_preconditioner(p, o, map);
    if (preconditioner.kind == Preconditioner::jacobi)
      options.precondition = [&](std::span<const T> r, std::span<T> w) {
        for (std::size_t i = 0; i < w.size(); ++i)
          w[i] = r[i] / std::abs(preconditioner.diagonal[i]);
      };
    const index_t before = map.products();
    auto found = lobpcg(map, options);
    found.products += before;
    found.reason += preconditioner.note;
    certify_copies(map, found.vectors, o, found);
    return found;
  };
  return solve_with_map(p, o, Method::lobpcg, form, find);
}

void check(const EighOptions& o) {
  require_end(o);
  if (o.start.index() != 0)
    throw InvalidArgument(
        "eigh: method lobpcg takes no start vector; give a seed, or use lanczos or slepc");
  if (o.preconditioner != Preconditioner::automatic && o.preconditioner != Preconditioner::none &&
      o.preconditioner != Preconditioner::jacobi)
    throw InvalidArgument(
        detail::concat("eigh: method lobpcg takes preconditioner jacobi or none, got ",
                       to_string(o.preconditioner), "; use jd or gd"));
}

}  // namespace

constinit const EighMethod lobpcg_method = {
    .method = Method::lobpcg,
    .name = "lobpcg",
    .preconditioned = true,
    .check = check,
    .real = {bytes<double>, solve<double>},
    .complex = {bytes<std::complex<double>>, solve<std::complex<double>>}};

}  // namespace kronsolve::frontend
