#include "solvers/frontend/real_on_complex.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "solvers/frontend/rows.hpp"
#include "solvers/functions/complex_view.hpp"

namespace kronsolve::frontend {

namespace {

using Complex = std::complex<double>;

constexpr const char* note = "; on the complex engine: no real one is installed";

std::vector<Complex> lifted(std::span<const double> x) { return {x.begin(), x.end()}; }

DistributedVectors<Complex> lifted(const DistributedVectors<double>& v) {
  DistributedVectors<Complex> result(v.partition(), v.rank(), v.count());
  for (index_t j = 0; j < v.count(); ++j)
    std::copy(v.column(j).begin(), v.column(j).end(), result.column(j).begin());
  return result;
}

DistributedVectors<double> real_parts(const DistributedVectors<Complex>& v) {
  DistributedVectors<double> result(v.partition(), v.rank(), v.count());
  for (index_t j = 0; j < v.count(); ++j)
    std::transform(v.column(j).begin(), v.column(j).end(), result.column(j).begin(),
                   [](Complex z) { return z.real(); });
  return result;
}

std::optional<Lazy<Complex>> lifted(const Lazy<double>* rows) {
  return rows == nullptr ? std::nullopt : std::optional(as_complex(*rows));
}

double dot(const Comm& comm, std::span<const double> x, std::span<const double> y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return comm.all_reduce(sum);
}

/// Takes out of x what lies along the first `count` columns, twice; its norm afterwards.
double leave_out(const Comm& comm, const DistributedVectors<double>& v, index_t count,
                 std::span<double> x) {
  for (int pass = 0; pass < 2; ++pass)
    for (index_t j = 0; j < count; ++j) {
      const double overlap = dot(comm, v.column(j), x);
      for (std::size_t i = 0; i < x.size(); ++i) x[i] -= overlap * v.column(j)[i];
    }
  return std::sqrt(dot(comm, x, x));
}

/// Real eigenvectors from complex ones of a real operator. Real and imaginary part of each are
/// eigenvectors themselves; the one is taken of which more is left beside those before it.
DistributedVectors<double> real_vectors(const Comm& comm, const DistributedVectors<Complex>& v) {
  DistributedVectors<double> result(v.partition(), v.rank(), v.count());
  std::vector<double> imaginary(static_cast<std::size_t>(v.row_range().size()));
  for (index_t j = 0; j < v.count(); ++j) {
    const auto from = v.column(j);
    const auto real = result.column(j);
    Complex square{};
    for (const Complex z : from) square += z * z;
    std::array<double, 2> parts = {square.real(), square.imag()};
    comm.all_reduce(std::span<double>(parts));
    const Complex phase = std::polar(1.0, -0.5 * std::arg(Complex(parts[0], parts[1])));
    for (std::size_t i = 0; i < real.size(); ++i) {
      const Complex z = phase * from[i];
      real[i] = z.real();
      imaginary[i] = z.imag();
    }
    double norm = leave_out(comm, result, j, real);
    const double other = leave_out(comm, result, j, imaginary);
    if (other > norm) {
      std::copy(imaginary.begin(), imaginary.end(), real.begin());
      norm = other;
    }
    if (norm > 0)
      for (double& x : real) x /= norm;
  }
  return result;
}

}  // namespace

EnginePairs<double> RealOnComplex::eigh(const EngineEigh<double>& problem) {
  const ComplexView map(*problem.map);
  const auto rows = lifted(problem.rows), b_rows = lifted(problem.b_rows);
  const auto deflate =
      problem.deflate == nullptr ? DistributedVectors<Complex>() : lifted(*problem.deflate);
  const auto diagonal = lifted(problem.diagonal), start = lifted(problem.start);
  decltype(EngineEigh<Complex>::restarted) restarted;
  if (problem.restarted)
    restarted = [&](index_t iterations, const auto& state) {
      problem.restarted(iterations, [&] {
        const auto complex = state();
        EngineRestart<double> real{.converged = real_vectors(map.comm(), complex.converged),
                                   .start = {},
                                   .solves = complex.solves};
        for (const Complex z : complex.start) real.start.push_back(z.real());
        return real;
      });
    };
  auto found = complex_->eigh({.map = &map,
                               .rows = rows ? &*rows : nullptr,
                               .b_rows = b_rows ? &*b_rows : nullptr,
                               .deflate = problem.deflate == nullptr ? nullptr : &deflate,
                               .solver = problem.solver,
                               .preconditioner = problem.preconditioner,
                               .shift = problem.shift,
                               .diagonal = diagonal,
                               .k = problem.k,
                               .which = problem.which,
                               .sigma = problem.sigma,
                               .interval = problem.interval,
                               .factors = problem.factors,
                               .tol = problem.tol,
                               .scale = problem.scale,
                               .max_iterations = problem.max_iterations,
                               .ncv = problem.ncv,
                               .start = start,
                               .petsc_options = problem.petsc_options,
                               .monitor = problem.monitor,
                               .restarted = restarted});
  return {.values = std::move(found.values),
          .vectors = real_vectors(map.comm(), found.vectors),
          .iterations = found.iterations,
          .solves = found.solves,
          .subspace = found.subspace,
          .limit_reached = found.limit_reached,
          .reason = found.reason + note};
}

EngineGeneralPairs RealOnComplex::eig(const EngineEig<double>& problem) {
  const ComplexView map(*problem.map);
  const auto rows = lifted(problem.rows);
  const auto start = lifted(problem.start);
  auto found = complex_->eig({.map = &map,
                              .rows = rows ? &*rows : nullptr,
                              .k = problem.k,
                              .which = problem.which,
                              .sigma = problem.sigma,
                              .tol = problem.tol,
                              .scale = problem.scale,
                              .max_iterations = problem.max_iterations,
                              .ncv = problem.ncv,
                              .start = start,
                              .petsc_options = problem.petsc_options});
  found.reason += note;
  return found;
}

std::vector<index_t> RealOnComplex::count_below(const Comm&, const Lazy<double>&,
                                                const RowPartition&, std::span<const double>) {
  throw NotSupported(
      "engine: counting levels needs the inertia of real factors; install the real engine");
}

DistributedVectors<double> RealOnComplex::solve(const Comm& comm, const Lazy<double>& rows,
                                                const DistributedVectors<double>& b,
                                                Factors factors) {
  return real_parts(complex_->solve(comm, as_complex(rows), lifted(b), factors));
}

EngineSolutions<double> RealOnComplex::solve_krylov(const EngineKrylov<double>& problem,
                                                    const DistributedVectors<double>& b) {
  const ComplexView map(*problem.map);
  const auto rows = lifted(problem.rows);
  const auto diagonal = lifted(problem.diagonal);
  std::vector<EngineKrylov<Complex>::Limits> limits;
  for (const auto& l : problem.limits) limits.push_back({l.relative, l.steps});
  auto found = complex_->solve_krylov({.map = &map,
                                       .method = problem.method,
                                       .preconditioner = problem.preconditioner,
                                       .rows = rows ? &*rows : nullptr,
                                       .diagonal = diagonal,
                                       .restart = problem.restart,
                                       .limits = std::move(limits),
                                       .petsc_options = problem.petsc_options},
                                      lifted(b));
  return {
      .x = real_parts(found.x), .steps = std::move(found.steps), .notes = std::move(found.notes)};
}

EngineExponential<double> RealOnComplex::expm_multiply(const LinearMap<double>& map, double t,
                                                       std::span<const double> v, double tol,
                                                       index_t max_products) {
  const ComplexView view(map);
  const auto found = complex_->expm_multiply(view, t, lifted(v), tol, max_products / 2);
  EngineExponential<double> result{.w = {}, .converged = found.converged};
  for (const Complex z : found.w) result.w.push_back(z.real());
  return result;
}

}  // namespace kronsolve::frontend
