#include <cmath>

#include <kronsolve/core/error.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

/// "dense, slepc and filter".
std::string names(bool (*has)(const EighMethod&)) {
  std::vector<std::string_view> all;
  for (const Method method : methods())
    if (method != Method::automatic && has(method_of(method))) all.push_back(to_string(method));
  std::string text;
  for (std::size_t i = 0; i < all.size(); ++i)
    text += detail::concat(i == 0 ? "" : i + 1 < all.size() ? ", " : " and ", all[i]);
  return text;
}

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
  if (o.method != Method::automatic && !method_of(o.method).intervals)
    throw InvalidArgument(detail::concat("eigh: the pairs in an interval are for methods ",
                                         names([](const auto& m) { return m.intervals; }), ", got ",
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

void check_factors(const EighOptions& o, bool factorises) {
  const bool targeted = is_targeted(o);
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
}

void check_preconditioner(const EighOptions& o, bool preconditioned) {
  if (o.preconditioner == Preconditioner::automatic || o.preconditioner == Preconditioner::none)
    return;
  if (!preconditioned)
    throw InvalidArgument(detail::concat("eigh: a preconditioner is for methods ",
                                         names([](const auto& m) { return m.preconditioned; }),
                                         ", got ", to_string(o.method), "; leave it out"));
  if (o.which != Which::SA && o.which != Which::LA)
    throw InvalidArgument(
        detail::concat("eigh: a preconditioner is for the ends of the spectrum, SA or LA, got ",
                       to_string(o.which)));
}

/// What a method can do with the options.
void check_method(const EighOptions& o) {
  if (o.method == Method::automatic) {
    check_factors(o, false);
    return check_preconditioner(o, false);
  }
  const EighMethod& method = method_of(o.method);
  if (method.check) method.check(o);
  check_factors(o, method.factorises && method.factorises(o));
  check_preconditioner(o, method.preconditioned);
  if (!o.petsc_options.empty() && !method.engine)
    throw InvalidArgument(detail::concat("eigh: options for PETSc are of no use to method ",
                                         to_string(o.method), "; use slepc"));
}

}  // namespace

void check_options(const EighOptions& options, index_t n) {
  check_k(options, n - count_against(options));
  check_target(options);
  check_interval(options);
  check_numbers(options, n);
  check_method(options);
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
