#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

#include "operators/vectors/blas.hpp"
#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"
#include "solvers/frontend/methods/method.hpp"
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

/// Pairs of one block of the matrix, the candidates for those asked for.
template <Scalar T>
struct BlockPairs {
  std::vector<index_t> rows;
  std::vector<double> values, residuals;
  LargeVector<T> vectors;   ///< rows.size() x values.size()
  std::vector<bool> known;  ///< within the tolerance, and not limited by rounding
  std::vector<std::string> limits;
  double rounding = 0;       ///< what it leaves open of a level
  double low = 0, high = 0;  ///< ends of the interval asked for, with the margin of this block

  std::span<const T> vector(index_t j) const {
    return std::span<const T>(vectors).subspan(static_cast<std::size_t>(j) * rows.size(),
                                               rows.size());
  }
};

bool is_partial(const EighOptions& o) {
  return !o.interval && (o.which == Which::SA || o.which == Which::LA);
}

/// Of an end of the spectrum the k outermost pairs, else all of them.
template <Scalar T>
BlockPairs<T> solve_block(LargeVector<T> a, std::vector<index_t> rows, index_t k,
                          const EighOptions& o) {
  const auto n = std::ssize(rows);
  const bool wanted = o.vectors == Eigenvectors::compute;
  const index_t count = is_partial(o) ? std::min(k, n) : n;
  const index_t first = is_partial(o) && o.which == Which::LA ? n - count : 0;
  LargeVector<T> kept;
  if (wanted) kept = a;
  // Without vectors: the bound n eps |A| of the backward error of the reduction to tridiagonal
  // form.
  const double bound = wanted ? 0 : double(n) * 2.2e-16 * row_sum_norm(a, n);
  const Tolerance<T> tolerance(n, o.tol, [&](std::span<const T> x, std::span<T> y) {
    dense::hermitian_multiply(a.data(), n, x.data(), 1, y.data());
  });
  auto found = dense::dense_eigh(std::move(a), n, first, count, o.vectors);
  BlockPairs<T> block;
  block.rows = std::move(rows);
  block.values = std::move(found.values);
  block.vectors = std::move(found.vectors);
  block.rounding = tolerance.rounding();
  if (o.interval) std::tie(block.low, block.high) = with_margin(tolerance, *o.interval);
  if (wanted)
    block.residuals = residuals(kept, n, block.vectors, block.values);
  else
    block.residuals.assign(block.values.size(), bound);
  for (std::size_t i = 0; i < block.values.size(); ++i) {
    const double value = block.values[i], residual = block.residuals[i];
    const double scale =
        wanted ? tolerance.template scale<T>(value, block.vector(static_cast<index_t>(i)))
               : tolerance.scale(value);
    block.known.push_back(tolerance.reached(residual, scale));
    block.limits.push_back(tolerance.limit(residual, scale));
  }
  return block;
}

/// Blocks that nothing joins are solved one by one: a huge coupling in one leaves the others exact.
template <Scalar T>
std::vector<BlockPairs<T>> solve_blocks(LargeVector<T> a, index_t n, index_t k,
                                        const EighOptions& o) {
  auto groups = dense::diagonal_blocks(a.data(), n);
  std::vector<BlockPairs<T>> blocks;
  if (groups.size() == 1) {
    blocks.push_back(solve_block(std::move(a), std::move(groups.front()), k, o));
    return blocks;
  }
  for (auto& rows : groups) {
    LargeVector<T> part;
    for (const index_t j : rows)
      for (const index_t i : rows) part.push_back(a[static_cast<std::size_t>(j * n + i)]);
    blocks.push_back(solve_block(std::move(part), std::move(rows), k, o));
  }
  return blocks;
}

struct Candidate {
  double value = 0;
  std::size_t block = 0;
  index_t pair = 0;
};

/// How far a level is from being asked for first.
double order(double value, const EighOptions& o) {
  switch (o.which) {
    case Which::SA:
      return value;
    case Which::LA:
      return -value;
    case Which::LM:
      return -std::abs(value);
    default:
      return std::abs(value - o.sigma.value_or(0));
  }
}

/// The candidates, those asked for first and ascending; their number.
template <Scalar T>
std::size_t choose(const std::vector<BlockPairs<T>>& blocks, index_t k, const EighOptions& o,
                   std::vector<Candidate>& all) {
  for (std::size_t b = 0; b < blocks.size(); ++b)
    for (std::size_t i = 0; i < blocks[b].values.size(); ++i)
      all.push_back({blocks[b].values[i], b, static_cast<index_t>(i)});
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& x, const Candidate& y) { return x.value < y.value; });
  if (o.interval)
    return static_cast<std::size_t>(std::stable_partition(all.begin(), all.end(),
                                                          [&](const Candidate& c) {
                                                            return c.value >= blocks[c.block].low &&
                                                                   c.value <= blocks[c.block].high;
                                                          }) -
                                    all.begin());
  std::vector<double> values;
  for (const auto& c : all) values.push_back(c.value);
  std::vector<bool> asked(all.size(), false);
  for (const index_t i : select(values, o.which, o.sigma, k))
    asked[static_cast<std::size_t>(i)] = true;
  std::vector<Candidate> ordered;
  for (const bool now : {true, false})
    for (std::size_t i = 0; i < all.size(); ++i)
      if (asked[i] == now) ordered.push_back(all[i]);
  all = std::move(ordered);
  return static_cast<std::size_t>(k);
}

/// Rounding may leave open whether a level that was left out belongs to the answer. Pairs from this
/// place in the order on are then uncertain; infinity if none are.
template <Scalar T>
double open_from(const std::vector<BlockPairs<T>>& blocks, const std::vector<Candidate>& all,
                 std::size_t count, const EighOptions& o, std::string& limit) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = count; i < all.size(); ++i) {
    const auto& block = blocks[all[i].block];
    const auto pair = static_cast<std::size_t>(all[i].pair);
    if (block.known[pair] || block.limits[pair].empty()) continue;
    const double open = 4 * block.rounding;
    const bool inside = o.interval && all[i].value + open >= o.interval->first &&
                        all[i].value - open <= o.interval->second;
    constexpr double nowhere = std::numeric_limits<double>::infinity();
    const double from = o.interval ? (inside ? -nowhere : nowhere) : order(all[i].value, o) - open;
    if (from < least) limit = block.limits[pair];
    least = std::min(least, from);
  }
  return least;
}

template <Scalar T>
RootPairs<T> solve_on_root(LargeVector<T> a, index_t n, index_t k, const EighOptions& o) {
  // Two threads gain nothing below 1000 rows (60 and 57 ms), and wait for each other in a spin:
  // beside other work that took a hundred times as long. Whole spectra gain from 300 rows on.
  const dense::BlasThreads threads(n <= (is_partial(o) ? 1000 : 300) ? 1 : num_threads());
  auto blocks = solve_blocks(std::move(a), n, k, o);
  std::vector<Candidate> all;
  const std::size_t count = choose(blocks, k, o, all);
  RootPairs<T> root;
  const double open = open_from(blocks, all, count, o, root.limit);
  const bool whole = blocks.size() == 1 && count == blocks.front().values.size();
  if (o.vectors == Eigenvectors::compute && !whole)
    root.vectors.assign(static_cast<std::size_t>(n) * count, T{});
  for (std::size_t c = 0; c < count; ++c) {
    const auto& block = blocks[all[c].block];
    const auto pair = static_cast<std::size_t>(all[c].pair);
    root.values.push_back(all[c].value);
    root.residuals.push_back(block.residuals[pair]);
    if (block.known[pair] && order(all[c].value, o) < open)
      ++root.converged;
    else if (!block.known[pair])
      root.limit = block.limits[pair];
    if (root.vectors.empty()) continue;
    const auto vector = block.vector(all[c].pair);
    for (std::size_t i = 0; i < block.rows.size(); ++i)
      root.vectors[c * static_cast<std::size_t>(n) + static_cast<std::size_t>(block.rows[i])] =
          vector[i];
  }
  if (whole) root.vectors = std::move(blocks.front().vectors);
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
  p.prepare_rows();
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

namespace {

template <Scalar T>
double bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm) {
  const double local = double(p.partition.max_local_rows()), value = sizeof(T), n = double(p.n());
  const index_t k = o.k == EighOptions::all || o.interval ? p.n() : o.k;
  const double pairs = o.vectors == Eigenvectors::compute ? double(k) : 0;
  const bool full = o.which == Which::SA || o.which == Which::LA ? k == p.n() : true;
  const double lapack = double(dense::dense_eigh_bytes<T>(p.n(), full ? p.n() : k, o.vectors));
  const double check = o.vectors == Eigenvectors::skip ? 0 : n * n * value + 2 * 64 * n * value;
  return lapack + check + pairs * local * value + 40 * p.entries_per_row * n;
}

template <Scalar T>
constexpr MethodRun<T> run = {bytes<T>, [](const EighProblem<T>& p, const EighOptions& o,
                                           OperatorForm) { return solve_dense(p, o); }};

void check(const EighOptions& o) {
  if (o.form == OperatorForm::matrix_free)
    throw InvalidArgument(
        "eigh: method dense stores the matrix, got operator matrix-free; use assembled");
}

}  // namespace

constinit const EighMethod dense_method = {.method = Method::dense,
                                           .name = "dense",
                                           .stores = true,
                                           .intervals = true,
                                           .check = check,
                                           .real = run<double>,
                                           .complex = run<std::complex<double>>};

}  // namespace kronsolve::frontend
