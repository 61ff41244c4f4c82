#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

#include "operators/vectors/blas.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"
#include "solvers/frontend/eigh_problem.hpp"
#include "solvers/frontend/rows.hpp"

namespace kronsolve::frontend {

namespace {

/// What rank 0 found, before it is dealt out.
template <Scalar T>
struct RootPairs {
  std::vector<double> values, residuals;
  LargeVector<T> vectors;  ///< n x count
  index_t converged = 0;
  std::string limit;  ///< what rounding leaves open
};

/// |A x - l x| of every pair by our own product with the matrix as it was.
template <Scalar T>
std::vector<double> residuals(const LargeVector<T>& a, index_t n, const LargeVector<T>& x,
                              std::span<const double> values) {
  constexpr index_t batch = 64;
  std::vector<double> result;
  LargeVector<T> y(static_cast<std::size_t>(n * batch));
  const auto count = static_cast<index_t>(values.size());
  for (index_t first = 0; first < count; first += batch) {
    const index_t columns = std::min(batch, count - first);
    dense::hermitian_multiply(a.data(), n, x.data() + first * n, columns, y.data());
    for (index_t j = 0; j < columns; ++j) {
      double square = 0;
      const double value = values[static_cast<std::size_t>(first + j)];
      for (index_t i = 0; i < n; ++i)
        square += norm_squared(y[static_cast<std::size_t>(j * n + i)] -
                               value * x[static_cast<std::size_t>((first + j) * n + i)]);
      result.push_back(std::sqrt(square));
    }
  }
  return result;
}

template <Scalar T>
double row_sum_norm(const LargeVector<T>& a, index_t n) {
  std::vector<double> sums(static_cast<std::size_t>(n), 0.0);
  for (index_t j = 0; j < n; ++j)
    for (index_t i = 0; i < n; ++i)
      sums[static_cast<std::size_t>(i)] += std::abs(a[static_cast<std::size_t>(j * n + i)]);
  return *std::max_element(sums.begin(), sums.end());
}

/// a := P a P + level v v^H with P = 1 - v v^H; v is n x m. The level is beyond what is sought.
template <Scalar T>
void project_out(LargeVector<T>& a, index_t n, const LargeVector<T>& v, const EighOptions& o) {
  using dense::Op;
  const index_t m = static_cast<index_t>(v.size()) / n;
  const double norm = row_sum_norm(a, n);
  const double beyond = 2 * (norm > 0 ? norm : 1) + 2 * std::abs(o.sigma.value_or(0));
  const double level = o.which == Which::LA ? -beyond : o.which == Which::LM ? 0 : beyond;
  LargeVector<T> part(static_cast<std::size_t>(n * m));
  dense::gemm<T>(Op::adjoint, Op::none, m, n, n, 1, v.data(), n, a.data(), n, 0, part.data(), m);
  dense::gemm<T>(Op::none, Op::none, n, n, m, -1, v.data(), n, part.data(), m, 1, a.data(), n);
  // part := level v - a v, so that one product finishes both.
  std::copy(v.begin(), v.end(), part.begin());
  dense::gemm<T>(Op::none, Op::none, n, m, n, -1, a.data(), n, v.data(), n, level, part.data(), n);
  dense::gemm<T>(Op::none, Op::adjoint, n, n, m, 1, part.data(), n, v.data(), n, 1, a.data(), n);
}

template <Scalar T>
RootPairs<T> solve_on_root(LargeVector<T> a, index_t n, index_t k, const EighOptions& o) {
  const bool from_below = o.which == Which::SA,
             partial = !o.interval && (from_below || o.which == Which::LA);
  // Two threads gain nothing below 1000 rows (60 and 57 ms), and wait for each other in a spin:
  // beside other work that took a hundred times as long.
  const dense::BlasThreads threads(partial && n <= 1000 ? 1 : num_threads());
  const index_t first = from_below || !partial ? 0 : n - k, count = partial ? k : n;
  RootPairs<T> root;
  const bool wanted = o.vectors == Eigenvectors::compute;
  LargeVector<T> kept;
  if (wanted) kept = a;
  // Without vectors: the bound n eps |A| of the backward error of the reduction to tridiagonal
  // form.
  const double bound = wanted ? 0 : double(n) * 2.2e-16 * row_sum_norm(a, n);
  const Tolerance<T> tolerance(n, o.tol, [&](std::span<const T> x, std::span<T> y) {
    dense::hermitian_multiply(a.data(), n, x.data(), 1, y.data());
  });
  auto found = dense::dense_eigh(std::move(a), n, first, count, o.vectors);
  std::vector<index_t> chosen;
  if (o.interval) {
    const auto [low, high] = with_margin(tolerance, *o.interval);
    for (index_t i = 0; i < k; ++i)
      if (found.values[static_cast<std::size_t>(i)] >= low &&
          found.values[static_cast<std::size_t>(i)] <= high)
        chosen.push_back(i);
  } else if (!partial) {
    chosen = select(found.values, o.which, o.sigma, k);
  }
  if (partial) {
    root.values = std::move(found.values);
    root.vectors = std::move(found.vectors);
  } else {
    root.vectors.resize(wanted ? static_cast<std::size_t>(n) * chosen.size() : 0);
    for (std::size_t c = 0; c < chosen.size(); ++c) {
      root.values.push_back(found.values[static_cast<std::size_t>(chosen[c])]);
      if (wanted)
        std::copy_n(found.vectors.begin() + chosen[c] * n, n,
                    root.vectors.begin() + static_cast<std::ptrdiff_t>(c) * n);
    }
  }
  if (wanted)
    root.residuals = residuals(kept, n, root.vectors, root.values);
  else
    root.residuals.assign(root.values.size(), bound);
  for (std::size_t i = 0; i < root.values.size(); ++i) {
    const double scale = wanted ? tolerance.template scale<T>(
                                      root.values[i], std::span<const T>(root.vectors)
                                                          .subspan(i * static_cast<std::size_t>(n),
                                                                   static_cast<std::size_t>(n)))
                                : tolerance.scale(root.values[i]);
    if (tolerance.reached(root.residuals[i], scale))
      ++root.converged;
    else
      root.limit = tolerance.limit(root.residuals[i], scale);
  }
  return root;
}

}  // namespace

template <Scalar T>
EighResult solve_dense(const EighProblem<T>& p, const EighOptions& o) {
  const index_t n = p.n();
  // Of an interval all pairs are computed, and those inside kept.
  index_t k = o.interval ? n - count_against(o) : wanted_pairs(o, n);
  EighResult result;
  result.method = Method::dense;
  result.form = OperatorForm::assembled;
  const Stopwatch setup;
  auto a = gather_dense(*p.comm, p.rows, p.partition, p.entries_per_row);
  LargeVector<T> given;
  if (const auto* v = against<T>(o))
    for (index_t j = 0; j < v->count(); ++j) {
      const auto column = v->gather_to_root(*p.comm, j);
      given.insert(given.end(), column.begin(), column.end());
    }
  result.setup_seconds = setup.seconds();
  const Stopwatch solve;
  RootPairs<T> root;
  p.comm->agree([&] {
    if (!p.comm->is_root()) return;
    if (!given.empty()) project_out(a, n, given, o);
    root = solve_on_root(std::move(a), n, k, o);
  });
  k = static_cast<index_t>(root.values.size());
  p.comm->broadcast(std::span(&k, 1));
  result.eigenvalues.resize(static_cast<std::size_t>(k));
  result.residuals.resize(static_cast<std::size_t>(k));
  if (p.comm->is_root()) {
    result.eigenvalues = std::move(root.values);
    result.residuals = std::move(root.residuals);
  }
  p.comm->broadcast(std::span<double>(result.eigenvalues));
  p.comm->broadcast(std::span<double>(result.residuals));
  p.comm->broadcast(std::span(&root.converged, 1));
  root.limit = p.comm->broadcast(std::move(root.limit));
  if (o.vectors == Eigenvectors::compute) {
    auto vectors = vec::deal<T>(*p.comm, p.partition, root.vectors, 0, k);
    vec::fix_phases(*p.comm, vectors);
    result.vectors = std::move(vectors);
    result.products = k;
  } else {
    result.residual_kind = ResidualKind::bound;
  }
  result.solve_seconds = solve.seconds();
  result.reason = root.limit.empty() ? "LAPACK" : "LAPACK; " + root.limit;
  result.converged_pairs = root.converged;
  result.converged = root.converged == k;
  if ((k > 1 || o.interval) && result.converged) {
    result.certified = true;
    result.certificate = "LAPACK numbers all levels";
  }
  return result;
}

template EighResult solve_dense(const EighProblem<double>&, const EighOptions&);
template EighResult solve_dense(const EighProblem<std::complex<double>>&, const EighOptions&);

}  // namespace kronsolve::frontend
