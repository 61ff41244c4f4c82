#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/expm.hpp>

#include "solvers/dense/tridiagonal.hpp"
#include "solvers/functions/lanczos_process.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Function = std::function<Complex(double)>;

/// f(T_m) e_1, complex.
std::vector<Complex> small_function(const Function& f, std::span<const double> alpha,
                                    std::span<const double> beta) {
  const auto eigen = dense::tridiagonal_eigh(alpha, beta);
  const std::size_t m = alpha.size();
  std::vector<Complex> y(m, 0);
  for (std::size_t j = 0; j < m; ++j) {
    const Complex value = f(eigen.values[j]);
    if (!std::isfinite(value.real()) || !std::isfinite(value.imag()))
      throw InvalidArgument(detail::concat("apply_function: f is not finite at ", eigen.values[j],
                                           ", which the spectrum of the operator reaches"));
    for (std::size_t i = 0; i < m; ++i)
      y[i] += eigen.component(i, j) * value * eigen.component(0, j);
  }
  return y;
}

double distance(std::span<const Complex> longer, std::span<const Complex> shorter) {
  double square = 0;
  for (std::size_t i = 0; i < longer.size(); ++i)
    square += std::norm(longer[i] - (i < shorter.size() ? shorter[i] : 0.0));
  return std::sqrt(square);
}

double length(std::span<const Complex> y) { return distance(y, {}); }

/// How one Krylov run went.
struct Run {
  double error = 0, norm = 0;
  index_t steps = 0;
  bool converged = false;
};

/// V y for the stored vectors, the rest of V by running the recurrence again.
template <Scalar T, class Add>
void combine(const LinearMap<T>& a, std::span<const T> v, const std::vector<Buffer<T>>& stored,
             std::size_t steps, Add&& add) {
  for (std::size_t j = 0; j < std::min(steps, stored.size()); ++j) add(j, stored[j].span());
  if (steps <= stored.size()) return;
  LanczosProcess<T> again(a, v);
  for (std::size_t j = 0; j < steps; ++j) {
    if (j >= stored.size()) add(j, again.vector());
    if (j + 1 < steps) again.step();
  }
}

/// Calls output(c_j, v_j) for w = sum_j c_j v_j. `floor` is a norm that the error may be compared
/// with instead of |w|.
template <Scalar T, class Output>
Run krylov(const LinearMap<T>& a, const Function& f, std::span<const T> v,
           const FunctionOptions& options, double floor, Output&& output) {
  LanczosProcess<T> lanczos(a, v);
  Run run;
  if (lanczos.exhausted()) {  // v = 0
    run.converged = true;
    return run;
  }
  std::vector<Buffer<T>> stored;
  std::vector<Complex> y, before;
  std::size_t next_check = 4;
  int small = 0;
  while (true) {
    if (static_cast<index_t>(stored.size()) < options.stored) {
      stored.emplace_back(vec::length(v));
      vec::copy<T>(lanczos.vector(), stored.back().span());
    }
    lanczos.step();
    const std::size_t m = lanczos.steps();
    const bool last = lanczos.exhausted() || static_cast<index_t>(m) >= options.max_steps;
    if (m < next_check && !last) continue;
    next_check = m + 2 + m / 10;
    before = std::exchange(y, small_function(f, lanczos.alpha(), lanczos.beta()));
    run.error =
        lanczos.start_norm() * (lanczos.exhausted() ? 1e-15 * length(y) : distance(y, before));
    run.norm = lanczos.start_norm() * length(y);
    // Twice in a row: convergence may stand still for a while before it sets in.
    small = run.error <= options.tol * std::max(run.norm, floor) ? small + 1 : 0;
    if (small >= 2 || (lanczos.exhausted() && small >= 1)) run.converged = true;
    if (run.converged || last) break;
  }
  run.steps = static_cast<index_t>(lanczos.steps());
  combine(a, v, stored, lanczos.steps(), [&](std::size_t j, std::span<const T> vector) {
    output(lanczos.start_norm() * y[j], vector);
  });
  return run;
}

template <Scalar T>
void check(const LinearMap<T>& a, const FunctionOptions& options) {
  vec::require_square("apply_function", a);
  if (!(options.tol > 0 && options.tol < 1) || options.max_steps < 1 || options.stored < 1)
    throw InvalidArgument(detail::concat(
        "apply_function: tol must be in (0, 1), max_steps and stored at least 1, got ", options.tol,
        ", ", options.max_steps, ", ", options.stored));
}

template <Scalar V>
void finish(FunctionResult<V>& result, double error, index_t steps, index_t products,
            bool converged) {
  result.error = error;
  result.converged = converged;
  result.products = products;
  result.degree = steps - 1;
  result.reason = detail::concat("Krylov space of dimension ", steps, ", last change ", error,
                                 converged ? " within tol" : " above tol at max_steps");
}

}  // namespace

template <Scalar T>
FunctionResult<T> apply_function(const LinearMap<T>& a, const std::function<double(double)>& f,
                                 VectorArgument<T> v, const FunctionOptions& options) {
  check(a, options);
  vec::require_vector("apply_function", a, v);
  FunctionResult<T> result{.vectors = DistributedVectors<T>(a.row_partition(), a.comm().rank(), 1)};
  const index_t before = a.products();
  const auto w = result.vectors.column(0);
  const auto run = krylov<T>(
      a, [&f](double x) { return Complex(f(x)); }, v, options, 0,
      [&](Complex c, std::span<const T> x) { vec::axpy<T>(c.real(), x, w); });
  finish(result, run.error, run.steps, a.products() - before, run.converged);
  return result;
}

template <Scalar T>
FunctionResult<Complex> apply_complex_function(const LinearMap<T>& a, const Function& f,
                                               std::span<const Complex> v,
                                               const FunctionOptions& options) {
  check(a, options);
  vec::require_vector("apply_function", a, v);
  FunctionResult<Complex> result{
      .vectors = DistributedVectors<Complex>(a.row_partition(), a.comm().rank(), 1)};
  const index_t before = a.products();
  const auto w = result.vectors.column(0);
  if constexpr (is_complex<T>) {
    const auto run = krylov<T>(a, f, v, options, 0,
                               [&](Complex c, std::span<const T> x) { vec::axpy<T>(c, x, w); });
    finish(result, run.error, run.steps, a.products() - before, run.converged);
  } else {
    Buffer<double> re(vec::length(v)), im(vec::length(v));
    vec::split(v, re.span(), im.span());
    const auto add = [&](Complex factor) {
      return [&w, factor](Complex c, std::span<const double> x) {
        const Complex scaled = factor * c;
        const index_t n = vec::length(x);
#pragma omp parallel for simd num_threads(num_threads()) \
    schedule(static) if (n >= vec::parallel_rows)
        for (index_t i = 0; i < n; ++i) w[i] += scaled * x[i];
      };
    };
    const auto one = krylov<double>(a, f, re.span(), options, 0, add(1));
    const auto two = krylov<double>(a, f, im.span(), options, one.norm, add({0, 1}));
    finish(result, std::hypot(one.error, two.error), std::max(one.steps, two.steps),
           a.products() - before, one.converged && two.converged);
  }
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                            \
  template FunctionResult<T> apply_function(const LinearMap<T>&,                            \
                                            const std::function<double(double)>&,           \
                                            std::span<const T>, const FunctionOptions&);    \
  template FunctionResult<Complex> apply_complex_function(                                  \
      const LinearMap<T>&, const std::function<Complex(double)>&, std::span<const Complex>, \
      const FunctionOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
