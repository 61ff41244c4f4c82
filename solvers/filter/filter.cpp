#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/density_of_states.hpp>
#include <kronsolve/solvers/filter.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/hermitian.hpp"
#include "solvers/filter/missed_pairs.hpp"
#include "solvers/filter/window.hpp"
#include "solvers/functions/chebyshev.hpp"

namespace kronsolve {

using namespace filter;

namespace {

/// A Krylov space of this size costs next to nothing, and a wide window of a small operator may
/// need all of it.
constexpr index_t small_space = 400;
/// Block Lanczos on the polynomial of the operator.
template <Scalar T>
class FilteredLanczos {
 public:
  FilteredLanczos(const LinearMap<T>& a, const SpectralBounds& bounds, const Window& window,
                  const FilterOptions& options)
      : a_(&a),
        bounds_(bounds),
        window_(&window),
        options_(&options),
        basis_(a.row_partition(), a.comm().rank(), 0, ColumnStorage::together) {
    tolerance_ = polynomial_tolerance(options);
  }
  index_t krylov() const noexcept { return basis_.count(); }
  index_t leading() const noexcept { return leading_; }
  /// The most there was.
  index_t memory_bytes() const noexcept { return memory_bytes_; }
  bool bounds_failed() const noexcept { return bounds_failed_; }

  /// True if all pairs above the threshold have converged (their number is leading()).
  bool run(index_t max_vectors) {
    CheckpointStage stage(options_->checkpoint, "space",
                          [&](CheckpointWriter& writer) { write(writer); });
    if (const auto* saved = stage.saved())
      restore(*saved);
    else
      start();
    while (true) {
      stage.step();
      const index_t width = basis_.count() - done_;
      if (!extend(done_, width)) return false;
      done_ += width;
      const bool full = basis_.count() == done_;  // nothing left: the whole space
      if (done_ < std::min(next_check_, max_vectors) && !full) {
        if (options_->progress) options_->progress(done_, converged_);
        continue;
      }
      const index_t before = leading_;
      const bool converged = check(done_, full);
      if (options_->progress) options_->progress(done_, converged_);
      // Once more with a larger space: nothing may have come up.
      confirmed_ = converged && leading_ == before ? confirmed_ + 1 : 0;
      if (converged && (full || confirmed_ > 0)) return true;
      if (done_ >= max_vectors || full) return false;
      next_check_ = done_ + std::max<index_t>(2 * options_->block, done_ / 20);
    }
  }

  /// Orthonormal vectors of the leading pairs. The space is gone then.
  DistributedVectors<T> take_leading_vectors() {
    auto x = block(leading_);
    const std::span<const T> chosen(ritz_.vectors.column(krylov_checked_ - leading_),
                                    static_cast<std::size_t>(krylov_checked_ * leading_));
    vec::add_combinations<T>(1, {basis_, 0, krylov_checked_}, chosen, x, 0, leading_);
    basis_ = {};
    return x;
  }

 private:
  DistributedVectors<T> block(index_t columns) const {
    return {a_->row_partition(), a_->comm().rank(), columns, ColumnStorage::together};
  }

  void start() {
    append_start();
    append_random(std::min(options_->block, a_->rows()) - basis_.count());
    first_draws_ = draws_;
    // Fewer vectors than this have never been enough; a check costs the cube of their number.
    next_check_ = static_cast<index_t>(1.6 * window_->expected) + 12 * options_->block;
  }

  auto numbers_of_place() {
    return std::tie(done_, next_check_, confirmed_, leading_, converged_, draws_, first_draws_,
                    memory_bytes_, width_before_);
  }
  void write(CheckpointWriter& writer) {
    writer.numbers("place", numbers_of_place());
    writer.numbers("vectors", std::vector<double>{double(basis_.count())});
    writer.numbers("blocks", std::vector<double>{double(columns_.size())});
    for (std::size_t i = 0; i < columns_.size(); ++i)
      write_matrix(writer, detail::concat("columns ", i), columns_[i]);
    write_matrix(writer, "coupling", coupling_);
    writer.vectors("basis", basis_, basis_.count());
  }
  void restore(const CheckpointReader& reader) {
    reader.numbers("place", numbers_of_place());
    for (auto count = reader.numbers("vectors").at(0); count > 0; --count)
      (void)basis_.add_column();
    for (auto left = reader.numbers("blocks").at(0); left > 0; --left)
      columns_.push_back(read_matrix(reader, detail::concat("columns ", columns_.size())));
    coupling_ = read_matrix(reader, "coupling");
    reader.vectors("basis", basis_, basis_.count());
  }

  /// Its columns, then the entries with their parts one after the other.
  static void write_matrix(CheckpointWriter& writer, const std::string& name,
                           const DenseMatrix<T>& matrix) {
    std::vector<double> all = {static_cast<double>(matrix.cols())};
    for (index_t i = 0; i < matrix.rows() * matrix.cols(); ++i) {
      const std::complex<double> entry = matrix.data()[i];
      all.push_back(entry.real());
      if constexpr (is_complex<T>) all.push_back(entry.imag());
    }
    writer.numbers(name, all);
  }
  static DenseMatrix<T> read_matrix(const CheckpointReader& reader, const std::string& name) {
    constexpr index_t parts = is_complex<T> ? 2 : 1;
    const auto all = reader.numbers(name);
    const auto cols = static_cast<index_t>(all.at(0));
    DenseMatrix<T> matrix(cols == 0 ? 0 : (std::ssize(all) - 1) / parts / cols, cols);
    for (index_t i = 0; i < matrix.rows() * cols; ++i) {
      const double* entry = all.data() + 1 + i * parts;
      matrix.data()[i] = from_complex<T>({entry[0], entry[parts - 1]});
    }
    return matrix;
  }

  void append_start() {
    const auto* const* given = std::get_if<const DistributedVectors<T>*>(&options_->start);
    if (given == nullptr) return;
    for (index_t j = 0; j < (*given)->count(); ++j) {
      vec::copy<T>((*given)->column(j), basis_.add_column());
      const double norm = vec::norm<T>(a_->comm(), basis_.column(j));
      if (!(orthonormalise(j) > 1e-3 * norm))
        throw InvalidArgument(detail::concat("filter: start vector ", j,
                                             " is zero, not finite or depends on those before it"));
    }
  }

  /// `width` random columns, orthonormal to all there are.
  void append_random(index_t width) {
    for (index_t j = 0; j < width; ++j) {
      const auto v = basis_.add_column();
      for (double norm = 0; !(norm > 1e-3);) {
        fill_normal(v, a_->row_range(), options_->seed,
                    narrow<std::uint32_t>(0x10000 + draws_++, "random vectors"));
        vec::scale<T>(1 / vec::norm<T>(a_->comm(), v), v);
        norm = orthonormalise(basis_.count() - 1);
      }
    }
  }

  /// Column j made orthogonal to those before it, twice, and normalised; returns its norm before.
  double orthonormalise(index_t j) {
    const auto v = basis_.column(j);
    for (int pass = 0; pass < 2; ++pass) {
      const vec::Columns<T> before(basis_, 0, j);
      vec::add_combination<T>(-1, before, vec::inner<T>(a_->comm(), before, v), v);
    }
    const double norm = vec::norm<T>(a_->comm(), v);
    if (norm > 0) vec::scale<T>(1 / norm, v);
    return norm;
  }

  /// Applies the polynomial to the last `width` columns, adds their column of the projected matrix
  /// and the next block.
  bool extend(index_t first, index_t width) {
    const index_t count = basis_.count();
    auto w = block(width);
    std::vector<std::span<const T>> inputs;
    std::vector<std::span<T>> outputs;
    for (index_t j = 0; j < width; ++j) {
      inputs.push_back(basis_.column(first + j));
      outputs.push_back(w.column(j));
    }
    if (!chebyshev_columns<T>(*a_, bounds_, window_->polynomial.coefficients, inputs, outputs)) {
      bounds_failed_ = true;
      return false;
    }
    // The projected matrix is block tridiagonal while no random vector was put in: what the two
    // last blocks leave overlaps with the others by rounding only, and one pass over all will do.
    const index_t recent = draws_ > first_draws_ ? 0 : std::max<index_t>(0, first - width_before_);
    DenseMatrix<T> c(count, width);
    for (const index_t from : {recent, index_t{0}}) {
      const auto taken = take_out(from, count, w);
      for (index_t j = 0; j < width; ++j)
        for (index_t i = from; i < count; ++i)
          c(i, j) += taken[static_cast<std::size_t>(j * (count - from) + i - from)];
    }
    columns_.push_back(std::move(c));
    width_before_ = width;
    memory_bytes_ = std::max(memory_bytes_, basis_.memory_bytes());
    next_block(w, width, count);
    return true;
  }

  /// w -= V V^H w for the vectors first <= i < end of the basis; returns V^H w. Collective.
  std::vector<T> take_out(index_t first, index_t end, DistributedVectors<T>& w) {
    const vec::Columns<T> v(basis_, first, end - first);
    auto c = vec::inner<T>(a_->comm(), v, w);
    vec::add_combinations<T>(-1, v, c, w, 0, w.count());
    return c;
  }

  /// Columns of w, orthogonal to the first `count` vectors, as the next block: w = Q R. What is in
  /// the space already is replaced by a fresh random vector, as long as there is room for one.
  void next_block(DistributedVectors<T>& w, index_t width, index_t count) {
    // Less than this part left by the others of the block: orthogonal to the space no longer.
    constexpr double cancelled = 0.01, tiny = 1e-10;
    coupling_ = DenseMatrix<T>(width, width);
    for (index_t j = 0; j < width; ++j) {
      const auto from = w.column(j);
      const double before = vec::norm<T>(a_->comm(), from);
      for (int pass = 0; pass < 2; ++pass)
        for (index_t i = count; i < basis_.count(); ++i) {
          const T overlap = vec::dot<T>(a_->comm(), basis_.column(i), from);
          vec::axpy<T>(-overlap, basis_.column(i), from);
          coupling_(i - count, j) += overlap;
        }
      if (basis_.count() == a_->rows()) continue;
      const double left = vec::norm<T>(a_->comm(), from);
      if (left > 1e-13) {
        vec::scaled_copy<T>(1 / left, from, basis_.add_column());
        const index_t here = basis_.count() - 1;
        coupling_(here - count, j) = left;
        if (left > cancelled * before && left > tiny) continue;
        if (orthonormalise(here) > 1e-3) continue;
        basis_.drop_last();
      }
      append_random(1);
    }
  }

  bool check(index_t m, bool full) {
    DenseMatrix<T> projected(m, m);
    index_t column = 0;
    for (const auto& c : columns_)
      for (index_t j = 0; j < c.cols(); ++j, ++column)
        for (index_t i = 0; i < std::min(m, c.rows()); ++i) {
          projected(i, column) = c(i, j);
          projected(column, i) = conj(c(i, j));
        }
    ritz_ = dense::hermitian_eigh(std::move(projected));
    krylov_checked_ = m;
    leading_ = converged_ = 0;
    for (index_t j = m; j-- > 0 && ritz_.values[j] >= window_->collected;) {
      ++leading_;
      converged_ += full || ritz_residual(m, j) <= tolerance_ ? 1 : 0;
    }
    if (converged_ < leading_) return false;
    if (full) return true;
    // The first pair that does not count must have settled where it does not count: else the next
    // ones may yet rise above.
    if (leading_ == m) return false;
    const double next = ritz_residual(m, m - 1 - leading_);
    return next <= 0.02 && ritz_.values[m - 1 - leading_] + next < window_->collected;
  }

  /// Residual of Ritz pair j under the polynomial: the part of A V y outside the space.
  double ritz_residual(index_t m, index_t j) const {
    const index_t width = columns_.back().cols();
    double square = 0;
    for (index_t i = 0; i < coupling_.rows(); ++i) {
      T sum{};
      for (index_t l = 0; l < width; ++l) sum += coupling_(i, l) * ritz_.vectors(m - width + l, j);
      square += norm_squared(sum);
    }
    return std::sqrt(square);
  }

  const LinearMap<T>* a_;
  SpectralBounds bounds_;
  const Window* window_;
  const FilterOptions* options_;
  DistributedVectors<T> basis_;
  std::vector<DenseMatrix<T>> columns_;
  DenseMatrix<T> coupling_;
  dense::HermitianEigen<T> ritz_;
  double tolerance_ = 0;
  index_t done_ = 0;        ///< columns the polynomial has been applied to
  index_t next_check_ = 0;  ///< not before so many
  int confirmed_ = 0;       ///< checks that have found nothing new
  index_t leading_ = 0, converged_ = 0, krylov_checked_ = 0;
  index_t draws_ = 0, first_draws_ = 0;
  index_t memory_bytes_ = 0;
  index_t width_before_ = 0;  ///< columns of the block before the last
  bool bounds_failed_ = false;
};

template <Scalar T>
void check(const LinearMap<T>& a, const FilterOptions& o) {
  vec::require_square("filter", a);
  const auto refuse = [](const auto&... parts) {
    throw InvalidArgument(detail::concat("filter: ", parts...));
  };
  if (!(o.tol > 0 && o.tol < 1)) refuse("tol must be in (0, 1), got ", o.tol);
  if (o.block < 1) refuse("block must be at least 1, got ", o.block);
  if (o.start.index() != 0) {
    const auto* const* start = std::get_if<const DistributedVectors<T>*>(&o.start);
    if (start == nullptr) refuse("the start vectors must be ", to_string(scalar_kind<T>));
    const auto& given = **start;
    if (!a.comm().all(given.partition() == a.row_partition()))
      throw DimensionError("filter: the start vectors must be dealt like the operator's rows");
    if (given.count() > std::min(o.block, a.rows()))
      refuse("at most ", std::min(o.block, a.rows()),
             " start vectors are taken (block, rows), got ", given.count());
  }
  if (o.max_vectors < 0) refuse("max_vectors must not be negative, got ", o.max_vectors);
  if (o.interval) {
    if (!(o.interval->first < o.interval->second) || !std::isfinite(o.interval->first) ||
        !std::isfinite(o.interval->second))
      refuse("the interval must be finite and not empty, got [", o.interval->first, ", ",
             o.interval->second, "]");
    return;
  }
  if (o.k < 1 || o.k > a.rows())
    refuse("k must be in [1, ", a.rows(), "] (rows of the operator), got ", o.k);
  if (!std::isfinite(o.sigma)) refuse("sigma must be finite, got ", o.sigma);
}

/// Positions of the pairs wanted among those found; ascending.
template <Scalar T>
std::vector<index_t> wanted_pairs(const FilterResult<T>& found, const Window& window,
                                  const FilterOptions& o) {
  std::vector<index_t> chosen;
  for (std::size_t j = 0; j < found.eigenvalues.size(); ++j)
    if (found.eigenvalues[j] >= window.lower && found.eigenvalues[j] <= window.upper)
      chosen.push_back(static_cast<index_t>(j));
  if (o.interval || static_cast<index_t>(chosen.size()) <= o.k) return chosen;
  std::stable_sort(chosen.begin(), chosen.end(), [&](index_t x, index_t y) {
    return std::abs(found.eigenvalues[x] - o.sigma) < std::abs(found.eigenvalues[y] - o.sigma);
  });
  chosen.resize(static_cast<std::size_t>(o.k));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

template <Scalar T>
void keep(FilterResult<T>& r, const std::vector<index_t>& chosen) {
  std::vector<double> values, residuals;
  for (const index_t j : chosen) {
    values.push_back(r.eigenvalues[j]);
    residuals.push_back(r.residuals[j]);
  }
  r.eigenvalues = std::move(values);
  r.residuals = std::move(residuals);
  r.vectors.keep(chosen);
}

/// One request, from the density of states to the certificate, and what a checkpoint keeps of it.
template <Scalar T>
class FilterSolve {
 public:
  FilterSolve(const LinearMap<T>& a, const FilterOptions& options)
      : a_(a),
        options_(options),
        before_(a.products()),
        k_(static_cast<double>(options.k)),
        // k nearest: the window must hold that many, and its count is a random average.
        wanted_(k_ + 2 * std::sqrt(2 * k_ / samples) + 3),
        stage_(options.checkpoint, "filter", [&](CheckpointWriter& writer) { write(writer); }) {
    if (const auto* saved = stage_.saved())
      restore(*saved);
    else
      bounds_ = options.bounds ? *options.bounds : spectral_bounds(a, {.seed = options.seed});
  }

  FilterResult<T> run() {
    for (;; ++attempt_, part_ = Part::states) {
      if (part_ == Part::states) look();
      const double half = options_.interval ? 0 : half_width_for(states_, options_.sigma, wanted_);
      const Window window =
          options_.interval
              ? make_window(states_, options_.interval->first, options_.interval->second)
              : make_window(states_, options_.sigma - half, options_.sigma + half, options_.sigma);
      if (part_ == Part::space && !fill_space(window)) continue;
      if (complete_ && options_.certify) certify_window(a_, bounds_, window, options_, found_);
      certify_products_ += found_.certify_products;
      const auto chosen = wanted_pairs(found_, window, options_);
      if (has_enough(std::ssize(chosen))) return finish(window, chosen);
    }
  }

 private:
  static constexpr index_t samples = 16;
  enum class Part { states, space, check };

  auto numbers_of_place(index_t& products, index_t& pairs) {
    return std::tie(part_, attempt_, wanted_, bounds_.lower, bounds_.upper, certify_products_,
                    complete_, krylov_, space_bytes_, found_.memory_bytes, products, pairs);
  }
  void write(CheckpointWriter& writer) {
    index_t products = a_.products() - before_;
    index_t pairs = part_ == Part::check ? found_.vectors.count() : 0;
    writer.numbers("place", numbers_of_place(products, pairs));
    writer.numbers("moments", states_.moments);
    writer.numbers("values", found_.eigenvalues);
    writer.numbers("residuals", found_.residuals);
    writer.vectors("pairs", found_.vectors, pairs);
  }
  void restore(const CheckpointReader& reader) {
    index_t products = 0, pairs = 0;
    reader.numbers("place", numbers_of_place(products, pairs));
    before_ -= products;
    states_.bounds = bounds_;
    states_.dimension = a_.rows();
    states_.moments = reader.numbers("moments");
    found_.eigenvalues = reader.numbers("values");
    found_.residuals = reader.numbers("residuals");
    found_.vectors = DistributedVectors<T>(a_.row_partition(), a_.comm().rank(), pairs);
    reader.vectors("pairs", found_.vectors, pairs);
  }

  void look() {
    states_ = density_of_states(a_, {.moments = 128,
                                     .samples = samples,
                                     .bounds = bounds_,
                                     .seed = options_.seed,
                                     .checkpoint = options_.checkpoint});
    bounds_ = states_.bounds;
    part_ = Part::space;
  }

  /// The pairs of the window, with their residuals; false if the bounds have turned out too narrow.
  bool fill_space(const Window& window) {
    const index_t n = a_.rows();
    const index_t limit =
        std::min(n, options_.max_vectors > 0
                        ? options_.max_vectors
                        : std::max(static_cast<index_t>(4 * window.expected) + 20 * options_.block,
                                   small_space));
    require_memory(a_.comm(), (limit + 4) * a_.row_range().size() * static_cast<index_t>(sizeof(T)),
                   detail::concat("filter: ", limit, " vectors for about ",
                                  std::llround(window.expected), " pairs"));
    FilteredLanczos<T> lanczos(a_, bounds_, window, options_);
    complete_ = lanczos.run(limit);
    krylov_ = lanczos.krylov();
    space_bytes_ = lanczos.memory_bytes();
    if (lanczos.bounds_failed()) {
      if (attempt_ > 40)
        throw InvalidArgument(
            "filter: the vectors of the Chebyshev series grow on every interval tried; the "
            "operator is not Hermitian");
      bounds_ = widened(bounds_);
      return false;
    }
    found_ = rayleigh_ritz(a_, lanczos.take_leading_vectors());
    part_ = Part::check;
    return true;
  }

  /// The density of states may have promised more than there were: then the window is widened.
  bool has_enough(index_t found) {
    if (options_.interval || !complete_ || found >= options_.k || attempt_ >= 20) return true;
    wanted_ *= std::max(1.2, 1.1 * k_ / static_cast<double>(std::max<index_t>(found, 1)));
    wanted_ = std::min(wanted_, 2.0 * static_cast<double>(a_.rows()));
    found_ = {};
    return false;
  }

  FilterResult<T> finish(const Window& window, const std::vector<index_t>& chosen) {
    FilterResult<T>& result = found_;
    const auto found = std::ssize(chosen);
    keep(result, chosen);
    const auto verdict =
        Tolerance<T>(a_, options_.tol).judge(result.eigenvalues, result.residuals, result.vectors);
    const bool within = verdict.converged == found;
    result.converged_pairs = verdict.converged;
    result.converged = complete_ && within && (options_.interval || found == options_.k);
    result.lower = window.lower;
    result.upper = window.upper;
    result.expected = window.expected;
    result.degree = std::ssize(window.polynomial.coefficients) - 1;
    result.iterations = krylov_;
    result.memory_bytes = std::max(result.memory_bytes, space_bytes_);
    result.products = a_.products() - before_ - certify_products_;
    result.certify_products = certify_products_;
    result.reason =
        detail::concat("filter of degree ", result.degree, " on [", window.lower, ", ",
                       window.upper, "], about ", std::llround(window.expected),
                       " pairs expected, ", found, " returned, Krylov space of ", krylov_,
                       complete_ ? (within ? "" : ": a residual is above tol")
                                 : ": not all pairs converged; raise max_vectors",
                       verdict.limit.empty() ? "" : "; ", verdict.limit);
    return std::move(found_);
  }

  const LinearMap<T>& a_;
  const FilterOptions& options_;
  index_t before_;
  double k_, wanted_;
  int attempt_ = 0;
  Part part_ = Part::states;
  SpectralBounds bounds_;
  DensityOfStates states_;
  bool complete_ = false;  ///< the space has shown all of the window
  index_t krylov_ = 0, space_bytes_ = 0, certify_products_ = 0;
  FilterResult<T> found_;
  CheckpointStage stage_;
};

}  // namespace

template <Scalar T>
FilterResult<T> filter_eigh(const LinearMap<T>& a, const FilterOptions& options) {
  check(a, options);
  const dense::BlasThreads one(1);  // blocks of rows go to our own threads
  return FilterSolve<T>(a, options).run();
}

template FilterResult<double> filter_eigh(const LinearMap<double>&, const FilterOptions&);
template FilterResult<std::complex<double>> filter_eigh(const LinearMap<std::complex<double>>&,
                                                        const FilterOptions&);

}  // namespace kronsolve
