#include <algorithm>

#include <kronsolve/core/error.hpp>

#include "solvers/frontend/methods/method.hpp"

namespace kronsolve::frontend {

namespace {

template <Scalar T>
constexpr MethodRun<T> run = {space_bytes<T>,
                              [](const EighProblem<T>& p, const EighOptions& o, OperatorForm form) {
                                return solve_engine(p, o, form);
                              }};

void check(const EighOptions& o) {
  if (is_targeted(o))
    throw InvalidArgument(detail::concat("eigh: method ", to_string(o.method),
                                         " finds SA, LA or LM, not a target; use slepc"));
}

std::string too_small(const EighOptions& o, index_t rows) {
  if (rows > std::max(2 * o.k, o.k + 15)) return {};
  return detail::concat("the search space of ", to_string(o.method), " would be the whole space");
}

constexpr EighMethod davidson(Method method, std::string_view name) {
  return {.method = method,
          .name = name,
          .engine = true,
          .preconditioned = true,
          .fragile = true,
          .too_small = too_small,
          .check = check,
          .real = run<double>,
          .complex = run<std::complex<double>>};
}

}  // namespace

constinit const EighMethod jd_method = davidson(Method::jd, "jd");
constinit const EighMethod gd_method = davidson(Method::gd, "gd");

}  // namespace kronsolve::frontend
