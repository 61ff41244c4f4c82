#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

template <Scalar T>
double bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const double vector = double(p.partition.max_local_rows()) * sizeof(T);
  const LanczosOptions lanczos{
      .k = o.k, .which = o.which, .vectors = o.vectors, .distinct = o.certify};
  const bool keeps = (o.vectors == Eigenvectors::compute || o.k > 1) &&
                     lanczos_fewest_kept * vector <= double(lanczos.keep_bytes);
  const double kept = keeps ? std::min(double(lanczos.keep_bytes), 300 * vector) : 0;
  // The certificate has 4 vectors beside the pairs, when those of the solve are gone.
  const double more = !o.certify ? 0 : o.k == 2 ? 1 : o.k == 1 && o.start.index() != 0 ? 2 : 0;
  return bytes_with(p, form, more) + lanczos_memory<T>(p.partition.max_local_rows(), lanczos) +
         kept;
}

template <Scalar T>
EighResult solve(const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
  const auto find = [&](const LinearMap<T>& map, const Stopwatch&) {
    const bool guessed = o.start.index() != 0;
    LanczosOptions options{
        .k = o.k,
        .which = o.which,
        .tol = o.tol,
        .max_iterations = o.max_iterations,
        .seed = o.seed,
        .vectors = o.certify && (o.k > 1 || guessed) ? Eigenvectors::compute : o.vectors,
        .distinct = o.certify || guessed};
    if (const auto* real = std::get_if<1>(&o.start)) options.start = std::span(*real);
    if (const auto* complex = std::get_if<2>(&o.start)) options.start = std::span(*complex);
    if (o.progress) options.progress = [&](const Progress& now) { tell(*p.comm, o, now); };
    options.checkpoint = o.checkpoint;
    Pairs<T> found;
    solve_and_certify(p, map, o, found, found.vectors, [&] {
      found = lanczos(map, options);
      if (!found.converged && o.method == Method::lanczos &&
          found.reason.find("limited") == std::string::npos)
        found.reason +=
            "; a crowded end of the spectrum is easier for method slepc and a target "
            "(sigma) a little beyond it";
    });
    return found;
  };
  return solve_with_map(p, o, Method::lanczos, form, find);
}

}  // namespace

constinit const EighMethod lanczos_method = {
    .method = Method::lanczos,
    .name = "lanczos",
    .goes_on = [](const EighOptions&) { return true; },
    .check = require_end,
    .real = {bytes<double>, solve<double>},
    .complex = {bytes<std::complex<double>>, solve<std::complex<double>>}};

}  // namespace kronsolve::frontend
