#include <algorithm>
#include <chrono>
#include <cmath>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/lobpcg.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/dense_eigh.hpp"

namespace kronsolve {

namespace {

using vec::Columns;

/// Columns of a small matrix, one after the other.
template <Scalar T>
struct SmallMatrix {
  index_t rows = 0, cols = 0;
  std::vector<T> entries;
  T* column(index_t j) { return entries.data() + j * rows; }
};

/// Makes column j of c orthogonal to the columns before it and normalises it; false if nothing is
/// left of it.
template <Scalar T>
bool orthonormalise_column(SmallMatrix<T>& c, index_t j) {
  T* x = c.column(j);
  const auto norm_of = [&] {
    double sum = 0;
    for (index_t i = 0; i < c.rows; ++i) sum += norm_squared(x[i]);
    return std::sqrt(sum);
  };
  if (!(norm_of() > 1e-13)) return false;  // of columns of an orthogonal matrix
  for (int pass = 0; pass < 2; ++pass) {
    for (index_t l = 0; l < j; ++l) {
      const T* y = c.column(l);
      T overlap{};
      for (index_t i = 0; i < c.rows; ++i) overlap += conj(y[i]) * x[i];
      for (index_t i = 0; i < c.rows; ++i) x[i] -= overlap * y[i];
    }
    const double norm = norm_of();
    if (!(norm > 1e-13)) return false;
    for (index_t i = 0; i < c.rows; ++i) x[i] /= norm;
  }
  return true;
}

/// S = [X P W], orthonormal columns, and H S beside it. X holds the block, P where it came from, W
/// the new residuals.
template <Scalar T>
class Solver {
 public:
  Solver(const LinearMap<T>& map, const LobpcgOptions<T>& options,
         const DistributedVectors<T>& against)
      : map_(map),
        options_(options),
        comm_(map.comm()),
        range_(map.row_range()),
        free_(map.rows() - against.count()),
        block_(std::min(options.block > 0 ? options.block : lobpcg_block(options.k, free_), free_)),
        sign_(options.which == Which::SA ? 1 : -1),
        fixed_(against.count()),
        tolerance_(map, options.tol),
        s_(map.row_partition(), comm_.rank(), fixed_ + std::min(3 * block_, free_),
           ColumnStorage::together),
        hs_(map.row_partition(), comm_.rank(), s_.count(), ColumnStorage::together) {
    for (index_t j = 0; j < fixed_; ++j) vec::copy<T>(against.column(j), s_.column(j));
  }

  Pairs<T> run();

 private:
  struct Ritz {
    double value = 0, residual = 0;
    bool converged = false;
  };

  index_t at(index_t j) const { return fixed_ + j; }  // column j of S in the panels
  Columns<T> basis() const { return {s_, fixed_, size_}; }
  bool append();
  void start();
  void add_residuals();
  void rayleigh_ritz();
  SmallMatrix<T> directions(const LargeVector<T>& vectors) const;
  void residual(index_t j, std::span<T> r) const;
  void refresh();
  bool done() const;
  void report(index_t iteration) const;
  Pairs<T> collect(index_t iterations);

  const LinearMap<T>& map_;
  index_t products_before_ = map_.products();
  const LobpcgOptions<T>& options_;
  const Comm& comm_;
  RowRange range_;
  index_t free_, block_;
  double sign_;  // -1: the highest of H are the lowest of -H
  index_t fixed_;
  Tolerance<T> tolerance_;
  DistributedVectors<T> s_,
      hs_;            // the first `fixed_` columns of s_ are those kept out; hs_ has a gap there
  index_t size_ = 0;  // columns of S
  std::vector<Ritz> ritz_;
  std::uint32_t stream_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

/// Takes the vector behind the basis into it, if something is left of it beside the others, and
/// multiplies it with H.
template <Scalar T>
bool Solver<T>::append() {
  const std::span<T> x = s_.column(at(size_));
  const double before = vec::norm<T>(comm_, x);
  const double left = vec::project_out<T>(comm_, {s_, 0, at(size_)}, x).norm;
  if (!(left > 1e-12 * before)) return false;
  vec::scale<T>(1 / left, x);
  map_.apply(std::as_const(s_).column(at(size_)), hs_.column(at(size_)));
  ++size_;
  return true;
}

template <Scalar T>
void Solver<T>::start() {
  while (size_ < block_) {
    fill_normal(s_.column(at(size_)), range_, options_.seed, stream_++);
    append();
  }
}

template <Scalar T>
void Solver<T>::residual(index_t j, std::span<T> r) const {
  vec::copy<T>(hs_.column(at(j)), r);
  vec::axpy<T>(T(-ritz_[static_cast<std::size_t>(j)].value), s_.column(at(j)), r);
}

/// W: the preconditioned residuals of the columns that have not converged.
template <Scalar T>
void Solver<T>::add_residuals() {
  Buffer<T> r(options_.precondition ? range_.size() : 0);
  for (index_t j = 0; j < block_ && at(size_) < s_.count(); ++j) {
    if (ritz_[static_cast<std::size_t>(j)].converged) continue;
    const std::span<T> w = s_.column(at(size_));
    if (options_.precondition) {
      residual(j, r.span());
      options_.precondition(std::as_const(r).span(), w);
    } else {
      residual(j, w);
    }
    (void)append();
  }
}

/// P in the basis S: what the new block took from P and W, made orthogonal to the block itself. The
/// block's coefficients come first, then those of the directions.
template <Scalar T>
SmallMatrix<T> Solver<T>::directions(const LargeVector<T>& vectors) const {
  SmallMatrix<T> c{size_, block_, {vectors.begin(), vectors.begin() + size_ * block_}};
  c.entries.resize(static_cast<std::size_t>(size_ * 2 * block_));
  const index_t most = std::min(2 * block_, size_);
  for (index_t j = 0; j < block_ && c.cols < most; ++j) {
    if (ritz_[static_cast<std::size_t>(j)].converged) continue;
    std::copy_n(vectors.data() + j * size_, size_, c.column(c.cols));
    std::fill_n(c.column(c.cols), block_, T{});  // the part that came from the old block
    if (orthonormalise_column(c, c.cols)) ++c.cols;
  }
  c.entries.resize(static_cast<std::size_t>(size_ * c.cols));
  return c;
}

template <Scalar T>
void Solver<T>::rayleigh_ritz() {
  const auto inner = vec::inner<T>(comm_, basis(), Columns<T>(hs_, fixed_, size_));
  LargeVector<T> projected(inner.begin(), inner.end());
  for (T& x : projected) {
    if (!std::isfinite(norm_squared(x)))
      throw InvalidArgument("a product with the operator gave NaN or infinity; check its entries");
    x *= sign_;
  }
  const auto eigen =
      dense::dense_eigh<T>(std::move(projected), size_, 0, block_, Eigenvectors::compute);
  ritz_.resize(static_cast<std::size_t>(block_));
  for (std::size_t j = 0; j < ritz_.size(); ++j) ritz_[j].value = sign_ * eigen.values[j];
  const auto c = directions(eigen.vectors);
  vec::rotate<T, T>(s_, size_, c.cols, c.entries, fixed_);
  vec::rotate<T, T>(hs_, size_, c.cols, c.entries, fixed_);
  size_ = c.cols;
  Buffer<T> r(range_.size());
  for (index_t j = 0; j < block_; ++j) {
    residual(j, r.span());
    Ritz& pair = ritz_[static_cast<std::size_t>(j)];
    pair.residual = vec::norm<T>(comm_, r.span());
    // The scale of a level costs a pass: it is asked for where the residual may do.
    pair.converged = pair.residual <= 0.5 * tolerance_.goal(tolerance_.width()) &&
                     pair.residual <= 0.5 * tolerance_.goal(tolerance_.template scale<T>(
                                                pair.value, std::as_const(s_).column(at(j))));
  }
}

/// Products anew for the block, the rest of the basis dropped: rids H S of the rounding errors that
/// many recombinations have added up.
template <Scalar T>
void Solver<T>::refresh() {
  size_ = 0;
  while (size_ < block_) {
    if (append()) continue;
    fill_normal(s_.column(at(size_)), range_, options_.seed, stream_++);
  }
  rayleigh_ritz();
}

/// The wanted ones; the others of the block only help them.
template <Scalar T>
bool Solver<T>::done() const {
  return std::all_of(ritz_.begin(), ritz_.begin() + options_.k,
                     [](const Ritz& r) { return r.converged; });
}

template <Scalar T>
void Solver<T>::report(index_t iteration) const {
  if (!options_.progress) return;
  Progress p;
  p.wanted = options_.k;
  p.iterations = iteration;
  p.products = map_.products();
  p.best_value = ritz_.front().value;
  for (index_t j = 0; j < options_.k; ++j) {
    const Ritz& r = ritz_[static_cast<std::size_t>(j)];
    p.converged += r.converged ? 1 : 0;
    if (!r.converged) p.worst_residual = std::max(p.worst_residual, r.residual);
  }
  p.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
  options_.progress(p);
}

template <Scalar T>
Pairs<T> Solver<T>::collect(index_t iterations) {
  Pairs<T> result;
  result.iterations = iterations;
  result.vectors = DistributedVectors<T>(map_.row_partition(), comm_.rank(), options_.k);
  Buffer<T> r(range_.size());
  for (index_t j = 0; j < options_.k; ++j) {
    // Ascending: the highest come highest first.
    const index_t from = options_.which == Which::SA ? j : options_.k - 1 - j;
    const double value = ritz_[static_cast<std::size_t>(from)].value;
    const auto x = result.vectors.column(j);
    vec::copy<T>(s_.column(at(from)), x);
    map_.apply(x, r.span());
    const double residual = vec::subtract<T>(comm_, T(value), std::span<const T>(x), r.span());
    result.eigenvalues.push_back(value);
    result.residuals.push_back(residual);
  }
  const auto verdict = tolerance_.judge(result.eigenvalues,
                                        std::span<const double>(result.residuals), result.vectors);
  result.converged_pairs = verdict.converged;
  result.converged = result.converged_pairs == options_.k;
  result.products = map_.products() - products_before_;
  result.reason = result.converged
                      ? "every residual is within the tolerance"
                      : detail::concat(options_.k - result.converged_pairs, " of ", options_.k,
                                       " residuals stay above the tolerance after ", iterations,
                                       " steps", verdict.limit.empty() ? "" : "; ", verdict.limit);
  return result;
}

template <Scalar T>
Pairs<T> Solver<T>::run() {
  /// Times that what looked converged is looked at with fresh products.
  constexpr int most_refreshes = 3;
  const index_t limit = options_.max_iterations > 0 ? options_.max_iterations : 2000;
  start();
  rayleigh_ritz();
  index_t iteration = 0;
  for (int refreshes = 0;;) {
    report(iteration);
    const bool stop = done() || iteration >= limit || block_ == free_;
    if (stop) {
      auto result = collect(iteration);
      if (result.converged || !done() || refreshes++ >= most_refreshes) return result;
      refresh();
      continue;
    }
    const index_t old = size_;
    add_residuals();
    ++iteration;
    if (size_ == old) {  // the residuals are in the basis: look elsewhere, if there is anything
      if (at(size_) == s_.count()) return collect(iteration);
      fill_normal(s_.column(at(size_)), range_, options_.seed, stream_++);
      if (!append()) return collect(iteration);
    }
    rayleigh_ritz();
  }
}

}  // namespace

template <Scalar T>
Pairs<T> lobpcg(const LinearMap<T>& map, const LobpcgOptions<T>& options,
                const DistributedVectors<T>& against) {
  if (map.rows() != map.cols())
    throw DimensionError(
        detail::concat("lobpcg: the map must be square, it is ", map.rows(), " x ", map.cols()));
  if (options.which != Which::SA && options.which != Which::LA)
    throw InvalidArgument("lobpcg: which must be SA or LA; use the slepc method for others");
  const index_t n = map.rows() - against.count();
  if (options.k < 1 || options.k > n)
    throw InvalidArgument(detail::concat("lobpcg: k must be in [1, ", n,
                                         "] (rows of the operator), got ", options.k));
  if (options.block != 0 && options.block < options.k)
    throw InvalidArgument(
        detail::concat("lobpcg: block must be at least k = ", options.k, ", got ", options.block));
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(detail::concat("lobpcg: tol must be in (0, 1), got ", options.tol));
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  return Solver<T>(map, options, against).run();
}

#define KRONSOLVE_INSTANTIATE(T)                                         \
  template Pairs<T> lobpcg(const LinearMap<T>&, const LobpcgOptions<T>&, \
                           const DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
