#include <cmath>

#include <kronsolve/core/error.hpp>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

namespace {

void check_k(const EighOptions& o, index_t n) {
  if (n < 1)
    throw InvalidArgument(
        count_against(o) == 0
            ? "eigh: the operator has no rows; choose another sector"
            : "eigh: the vectors to stay orthogonal to are as many as the rows; nothing is left");
  if (o.k == EighOptions::all) {
    if (o.method != Method::automatic && o.method != Method::dense)
      throw InvalidArgument(detail::concat("eigh: k = all is for method dense, got ",
                                           to_string(o.method),
                                           "; ask for fewer pairs or leave the method to choose"));
    return;
  }
  if (o.k < 1 || o.k > n)
    throw InvalidArgument(detail::concat("eigh: k must be in [1, ", n,
                                         "] (rows of the operator), got ", o.k,
                                         "; ask for k = all to get the full spectrum"));
}

void check_target(const EighOptions& o) {
  const bool targeted = o.which == Which::TM || o.which == Which::TR;
  if (o.position && !(*o.position >= 0 && *o.position <= 1))
    throw InvalidArgument(detail::concat(
        "eigh: the position must be in [0, 1] (0 the lowest value, 1 the highest), got ",
        *o.position));
  if (o.position && o.sigma)
    throw InvalidArgument("eigh: sigma and a position are two targets; give one");
  if (o.sigma && !std::isfinite(*o.sigma))
    throw InvalidArgument(detail::concat("eigh: sigma must be finite, got ", *o.sigma));
  if ((o.sigma || o.position) && !targeted)
    throw InvalidArgument(detail::concat("eigh: with ", o.sigma ? "sigma" : "a position",
                                         ", which must be TM or TR (nearest to it), got ",
                                         to_string(o.which)));
  if (targeted && !o.sigma && !o.position)
    throw InvalidArgument(
        detail::concat("eigh: which = ", to_string(o.which), " needs a target; give sigma"));
}

void check_interval(const EighOptions& o) {
  if (!o.interval) return;
  const auto [low, high] = *o.interval;
  if (!std::isfinite(low) || !std::isfinite(high) || low > high)
    throw InvalidArgument(detail::concat("eigh: the interval must be finite and ascending, got [",
                                         low, ", ", high, "]"));
  if (o.k != 1 || o.which != Which::SA || o.sigma || o.position)
    throw InvalidArgument(
        "eigh: an interval says which pairs are wanted; leave out k, which and sigma");
  const bool can = o.method == Method::automatic || o.method == Method::dense ||
                   o.method == Method::slepc || o.method == Method::filter ||
                   o.method == Method::ciss;
  if (!can)
    throw InvalidArgument(detail::concat(
        "eigh: the pairs in an interval are for methods dense, slepc (shift-and-invert), filter "
        "and ciss, got ",
        to_string(o.method)));
  if (o.start.index() != 0)
    throw InvalidArgument("eigh: an interval takes no start vector; give a seed");
}

void check_numbers(const EighOptions& o, index_t n) {
  if (!(o.tol > 0 && o.tol < 1))
    throw InvalidArgument(detail::concat("eigh: tol must be in (0, 1), got ", o.tol));
  if (o.max_iterations < 0)
    throw InvalidArgument(
        detail::concat("eigh: max_iterations must be >= 0 (0: chosen), got ", o.max_iterations));
  const index_t k = o.k == EighOptions::all ? n : o.k;
  const index_t least = std::min(k + 1, n);
  if (o.ncv != 0 && (o.ncv < least || o.ncv > n))
    throw InvalidArgument(detail::concat("eigh: ncv must be in [", least, ", ", n, "] for k = ", k,
                                         ", got ", o.ncv, "; leave it out and it is chosen"));
}

void check_combination(const EighOptions& o) {
  const bool targeted = o.sigma || o.position || o.which == Which::SM || o.interval;
  if (o.method == Method::filter && !targeted)
    throw InvalidArgument(detail::concat(
        "eigh: method filter finds the pairs nearest to a target, TM, TR or SM, or in an interval, "
        "got ",
        to_string(o.which), "; give sigma, or use lanczos"));
  if (o.method == Method::filter && o.start.index() != 0)
    throw InvalidArgument("eigh: method filter takes no start vector; give a seed, or use slepc");
  if (o.method == Method::ciss && !o.interval)
    throw InvalidArgument(
        "eigh: method ciss finds every pair in an interval; give an interval, or use slepc");
  const bool factorises = (o.method == Method::slepc && targeted) || o.method == Method::ciss;
  if (o.factors != Factors::automatic &&
      !(factorises || (o.method == Method::automatic && targeted)))
    throw InvalidArgument(detail::concat(
        "eigh: factors ", to_string(o.factors),
        " are of use to slepc with a target or an interval and to ciss, got method ",
        to_string(o.method), targeted ? "" : " without a target", "; leave factors to choose"));
  if (factorises && o.form == OperatorForm::matrix_free)
    throw InvalidArgument(
        "eigh: slepc with a target (sigma, an interval, or which = SM) factorises the matrix, "
        "which matrix-free does not have; use assembled, or method filter");
  if (factorises && o.interval && count_against(o) > 0)
    throw InvalidArgument(
        "eigh: an interval orthogonal to given vectors is for methods dense and filter");
  const bool ends_only = o.method == Method::lanczos || o.method == Method::lobpcg;
  if (ends_only && o.which != Which::SA && o.which != Which::LA)
    throw InvalidArgument(detail::concat("eigh: method ", to_string(o.method),
                                         " finds the ends of the spectrum, SA or LA, got ",
                                         to_string(o.which), "; use slepc or dense"));
  if (o.method == Method::lobpcg && o.start.index() != 0)
    throw InvalidArgument(
        "eigh: method lobpcg takes no start vector; give a seed, or use lanczos or slepc");
  if (o.method == Method::dense && o.form == OperatorForm::matrix_free)
    throw InvalidArgument(
        "eigh: method dense stores the matrix, got operator matrix-free; use assembled");
  const bool davidson = o.method == Method::jd || o.method == Method::gd;
  if (davidson && targeted)
    throw InvalidArgument(detail::concat("eigh: method ", to_string(o.method),
                                         " finds SA, LA or LM, not a target; use slepc"));
  const bool real_one =
      o.preconditioner != Preconditioner::automatic && o.preconditioner != Preconditioner::none;
  if (real_one && !davidson && o.method != Method::lobpcg)
    throw InvalidArgument(
        detail::concat("eigh: a preconditioner is for methods jd, gd and lobpcg, got ",
                       to_string(o.method), "; leave it out"));
  if (real_one && o.which != Which::SA && o.which != Which::LA)
    throw InvalidArgument(
        detail::concat("eigh: a preconditioner is for the ends of the spectrum, SA or LA, got ",
                       to_string(o.which)));
  if (o.method == Method::lobpcg && real_one && o.preconditioner != Preconditioner::jacobi)
    throw InvalidArgument(
        detail::concat("eigh: method lobpcg takes preconditioner jacobi or none, got ",
                       to_string(o.preconditioner), "; use jd or gd"));
  if (!o.petsc_options.empty() && (o.method == Method::dense || ends_only))
    throw InvalidArgument(detail::concat("eigh: options for PETSc are of no use to method ",
                                         to_string(o.method), "; use slepc"));
}

}  // namespace

void check_options(const EighOptions& options, index_t n) {
  check_k(options, n - count_against(options));
  check_target(options);
  check_interval(options);
  check_numbers(options, n);
  check_combination(options);
}

template <Scalar T>
void check_start(const Comm& comm, const EighOptions& options, RowRange owned) {
  const auto check = [&](const auto& vector) {
    if (static_cast<index_t>(vector.size()) != owned.size())
      throw DimensionError(detail::concat("eigh: the start vector has ", vector.size(),
                                          " entries on rank ", comm.rank(), ", which owns ",
                                          owned.size(), " rows"));
    for (std::size_t i = 0; i < vector.size(); ++i)
      if (!std::isfinite(std::abs(vector[i])))
        throw InvalidArgument(detail::concat("eigh: the start vector is not finite at row ",
                                             owned.begin + static_cast<index_t>(i), ": ",
                                             vector[i]));
  };
  if (options.start.index() == 0) return;
  double norm = 0;
  comm.agree([&] {
    if (const auto* real = std::get_if<1>(&options.start)) {
      check(*real);
      for (const double x : *real) norm += x * x;
    } else {
      const auto& complex = std::get<2>(options.start);
      if (!is_complex<T>)
        throw InvalidArgument(
            "eigh: the start vector is complex, the operator is real; give a real one");
      check(complex);
      for (const auto& x : complex) norm += norm_squared(x);
    }
  });
  if (!(comm.all_reduce(norm) > 0)) throw InvalidArgument("eigh: the start vector is zero");
}

template void check_start<double>(const Comm&, const EighOptions&, RowRange);
template void check_start<std::complex<double>>(const Comm&, const EighOptions&, RowRange);

}  // namespace kronsolve::frontend
