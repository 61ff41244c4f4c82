#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/level_line.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/hermitian.hpp"
#include "solvers/families/first_pairs.hpp"
#include "solvers/families/operator_line.hpp"

namespace kronsolve {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double unit_roundoff = 0x1p-53;

/// Levels beyond those that are wanted, so that a close pair has a gap behind it.
constexpr index_t more_levels = 2;

/// What Rayleigh-Ritz says of one level.
struct Ritz {
  double value = 0;
  double residual_squared = 0;  ///< from above
  double rounding = 0;          ///< of the value
};

}  // namespace

/// The space that all vectors found so far span, and both operators in it.
class LevelLine::Space {
 public:
  virtual ~Space() = default;
  /// Takes what is new in the vectors, as far as memory allows; returns how many products it took.
  virtual index_t add(const EighResult& result) = 0;
  /// The lowest values of A + t D in it.
  virtual std::vector<Ritz> levels(double t, index_t count) const = 0;
  /// The sum of the lowest vectors: a start for a solve.
  virtual decltype(EighOptions::start) start(double t, index_t count) const = 0;
  virtual void write(CheckpointWriter& writer) const = 0;
  virtual void restore(const CheckpointReader& reader) = 0;
};

template <Scalar T>
class LevelLine::SpaceOf final : public LevelLine::Space {
 public:
  SpaceOf(const Comm& comm, const SectorOperator& a, const OpSum& step)
      : comm_(comm),
        maps_{make_operator_map<T>(comm, a), make_operator_map<T>(comm, {step, a.basis})},
        rows_(maps_[0]->row_partition()),
        vectors_(rows_, comm.rank(), 0),
        products_{DistributedVectors<T>(rows_, comm.rank(), 0),
                  DistributedVectors<T>(rows_, comm.rank(), 0)} {}

  index_t add(const EighResult& result) override {
    const auto bytes = 3 * static_cast<double>(rows_.max_local_rows()) * sizeof(T);
    constexpr double spare = 2;
    const index_t before = vectors_.count();
    std::visit(
        [&](const auto& found) {
          for (index_t j = 0; j < found.count(); ++j)
            if (comm_.all(spare * bytes < static_cast<double>(available_memory())))
              add(found.column(j));
        },
        result.vectors);
    return 2 * (vectors_.count() - before);
  }

  std::vector<Ritz> levels(double t, index_t count) const override {
    const index_t m = vectors_.count();
    const auto pairs = dense::hermitian_eigh(projected(t));
    std::vector<Ritz> levels;
    for (index_t j = 0; j < std::min(count, m); ++j) {
      const T* y = pairs.vectors.column(j);
      const double size =
          std::sqrt(form(grams_[0], y)) + std::abs(t) * std::sqrt(form(grams_[2], y));
      const double square =
          form(grams_[0], y) + 2 * t * form(grams_[1], y) + t * t * form(grams_[2], y);
      const double value = pairs.values[static_cast<std::size_t>(j)];
      // Entries of Gram matrices are sums of products, good to a few roundings.
      const double error = (8 + static_cast<double>(m)) * unit_roundoff * size;
      levels.push_back({value + shifts_[0] + t * shifts_[1],
                        std::max(0.0, square - value * value) + error * size, error});
    }
    return levels;
  }

  decltype(EighOptions::start) start(double t, index_t count) const override {
    const auto pairs = dense::hermitian_eigh(projected(t));
    std::vector<T> sum(static_cast<std::size_t>(vectors_.row_range().size()));
    const index_t m = vectors_.count();
    std::vector<T> weights(static_cast<std::size_t>(m));
    for (index_t j = 0; j < std::min(count, m); ++j)
      for (index_t i = 0; i < m; ++i) weights[static_cast<std::size_t>(i)] += pairs.vectors(i, j);
    const dense::BlasThreads one(1);  // blocks of rows go to our own threads
    vec::add_combination<T>(T(1), vectors_, weights, sum);
    return sum;
  }

  void write(CheckpointWriter& writer) const override {
    const index_t count = vectors_.count();
    writer.numbers("count", std::tie(count));
    writer.vectors<T>("vectors", vectors_, count);
  }
  void restore(const CheckpointReader& reader) override {
    index_t count = 0;
    reader.numbers("count", std::tie(count));
    DistributedVectors<T> saved(rows_, comm_.rank(), count);
    reader.vectors<T>("vectors", saved, count);
    for (index_t j = 0; j < count; ++j) {
      const auto from = std::as_const(saved).column(j);
      std::copy(from.begin(), from.end(), vectors_.add_column().begin());
      take_last();
    }
  }

 private:
  /// Puts a vector in, unless it is there already to rounding.
  template <Scalar X>
  void add(std::span<const X> found) {
    constexpr double nothing_new = 1e-9;
    const auto v = vectors_.add_column();
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = from_complex<T>(found[i]);
    const vec::Columns<T> before(vectors_, 0, vectors_.count() - 1);
    {
      const dense::BlasThreads one(1);  // blocks of rows go to our own threads
      double norm = vec::project_out<T>(comm_, before, v).norm;
      if (!(norm > nothing_new)) return vectors_.drop_last();
      vec::scale<T>(1 / norm, v);
      norm = vec::project_out<T>(comm_, before, v).norm;  // what dividing has brought back
      vec::scale<T>(1 / norm, v);
    }
    take_last();
  }
  /// Multiplies the last vector and puts it into the small matrices.
  void take_last() {
    const auto v = std::as_const(vectors_).column(vectors_.count() - 1);
    const bool first = vectors_.count() == 1;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto y = products_[i].add_column();
      maps_[i]->apply(v, y);
      // Constants that leave small numbers: fewer digits are lost where squares are subtracted.
      if (first) shifts_[i] = real_part(vec::dot<T>(comm_, v, std::as_const(y)));
      vec::axpy<T>(T(-shifts_[i]), v, y);
    }
    const dense::BlasThreads one(1);  // blocks of rows go to our own threads
    const auto of = [&](const DistributedVectors<T>& x, const DistributedVectors<T>& y) {
      return vec::inner<T>(comm_, vec::Columns<T>(x), y.column(y.count() - 1));
    };
    extend(projections_[0], of(vectors_, products_[0]));
    extend(projections_[1], of(vectors_, products_[1]));
    extend(grams_[0], of(products_[0], products_[0]));
    extend(grams_[2], of(products_[1], products_[1]));
    // The Hermitian part of (A V)^H D V is all that is looked at.
    auto mixed = of(products_[0], products_[1]);
    const auto other = of(products_[1], products_[0]);
    for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = (mixed[i] + other[i]) / 2.0;
    extend(grams_[1], mixed);
  }
  /// A Hermitian matrix with one column more.
  static void extend(DenseMatrix<T>& matrix, const std::vector<T>& column) {
    const index_t m = matrix.rows();
    DenseMatrix<T> larger(m + 1, m + 1);
    for (index_t j = 0; j < m; ++j)
      for (index_t i = 0; i < m; ++i) larger(i, j) = matrix(i, j);
    for (index_t i = 0; i <= m; ++i) {
      larger(i, m) = column[static_cast<std::size_t>(i)];
      larger(m, i) = conj(column[static_cast<std::size_t>(i)]);
    }
    matrix = std::move(larger);
  }
  DenseMatrix<T> projected(double t) const {
    auto sum = projections_[0];
    for (index_t j = 0; j < sum.cols(); ++j)
      for (index_t i = 0; i < sum.rows(); ++i) sum(i, j) += t * projections_[1](i, j);
    return sum;
  }
  /// y^H M y
  static double form(const DenseMatrix<T>& matrix, const T* y) {
    T sum = 0;
    for (index_t j = 0; j < matrix.cols(); ++j) {
      T column = 0;
      for (index_t i = 0; i < matrix.rows(); ++i) column += conj(y[i]) * matrix(i, j);
      sum += column * y[j];
    }
    return real_part(sum);
  }

  const Comm& comm_;
  std::array<std::unique_ptr<LinearMap<T>>, 2> maps_;  // A, D
  RowPartition rows_;
  DistributedVectors<T> vectors_;                  // V, orthonormal
  std::array<DistributedVectors<T>, 2> products_;  // (A - shift) V, (D - shift) V
  std::array<double, 2> shifts_ = {};
  std::array<DenseMatrix<T>, 2> projections_;  // V^H A V, V^H D V
  std::array<DenseMatrix<T>, 3> grams_;        // of A V with itself, with D V, of D V
};

LevelLine::LevelLine(const Comm& comm, SectorOperator a, const OpSum& b, const EighOptions& options)
    : comm_(comm), a_(std::move(a)), step_(b - a_.op), options_(options) {
  if (options.which != Which::SA || options.sigma || options.position || options.interval ||
      options.k == EighOptions::all || options.vectors == Eigenvectors::skip || !options.certify)
    throw InvalidArgument(
        "LevelLine: it is about the k lowest pairs, with vectors and certificate; leave which, "
        "sigma, position, interval, vectors and certify as they are");
  if (families::size(step_) == 0)
    throw InvalidArgument("LevelLine: both ends are the same operator; give two that differ");
  const bool real = a_.scalar() == ScalarKind::real && step_.is_real();
  visit_scalar(real ? ScalarKind::real : ScalarKind::complex,
               [&]<Scalar T>() { space_ = std::make_unique<SpaceOf<T>>(comm_, a_, step_); });
}

LevelLine::~LevelLine() = default;

EighResult LevelLine::solve(double t) {
  const SectorOperator h{a_.op + t * OpSum(step_), a_.basis};
  EighOptions options = options_;
  options.k = std::min(options_.k + more_levels, h.dimension());
  constexpr std::size_t enough = 2;  // before that a start knows too little
  // A real operator does not start from a complex vector.
  auto start = sums_.size() < enough ? decltype(options.start)() : space_->start(t, options.k);
  if (h.scalar() == ScalarKind::complex || start.index() < 2) options.start = std::move(start);
  auto result = eigh(comm_, h, options);
  result.products += space_->add(result);
  if (result.converged && result.certified.value_or(result.method == Method::dense)) {
    double residual = 0;
    for (const double r : result.residuals) residual = std::hypot(residual, r);
    const double off = residual + families::certified_within(h.op, options);
    std::vector<double> sums;
    double sum = 0;
    for (const double value : result.eigenvalues) sums.push_back(sum += value - off);
    sums_[t] = std::move(sums);
  }
  families::keep_first(result, options_.k);
  return result;
}

void LevelLine::write(CheckpointWriter& writer) const {
  std::vector<double> all;
  for (const auto& [t, sums] : sums_) {
    all.insert(all.end(), {t, static_cast<double>(sums.size())});
    all.insert(all.end(), sums.begin(), sums.end());
  }
  writer.numbers("sums", all);
  space_->write(writer);
}

void LevelLine::restore(const CheckpointReader& reader) {
  const auto all = reader.numbers("sums");
  for (std::size_t at = 0; at < all.size();) {
    auto& sums = sums_[all[at]];
    sums.resize(static_cast<std::size_t>(all.at(at + 1)));
    at += 2;
    for (double& sum : sums) sum = all.at(at++);
  }
  space_->restore(reader);
}

LevelLine::Levels LevelLine::at(double t) const {
  const auto k = static_cast<std::size_t>(options_.k);
  Levels found{{}, std::vector<double>(k, infinite)};
  const auto ritz = space_->levels(t, options_.k + more_levels);
  for (std::size_t i = 0; i < std::min(k, ritz.size()); ++i) found.values.push_back(ritz[i].value);
  found.values.resize(k, infinite);
  const auto after = sums_.lower_bound(t);
  if (after == sums_.end() || (after == sums_.begin() && after->first != t)) return found;
  const auto before = after->first == t ? after : std::prev(after);
  const double part = before == after ? 0 : (t - before->first) / (after->first - before->first);
  const std::size_t known = std::min({before->second.size(), after->second.size(), ritz.size()});
  // From above: the bound of a level helps the one below it.
  std::vector<double> bounds(known, infinite);
  for (std::size_t j = known; j-- > 0;) {
    double sum = 0, residual = 0, rounding = 0;
    for (std::size_t i = 0; i <= j; ++i) {
      sum += ritz[i].value;
      residual += ritz[i].residual_squared;
      rounding = std::max(rounding, ritz[i].rounding);
    }
    residual = std::sqrt(residual);
    double next = -infinite;  // no level after these lies below
    if (static_cast<index_t>(j) + 1 == a_.dimension()) next = infinite;
    if (j + 1 < known) {
      const double chord = (1 - part) * before->second[j + 1] + part * after->second[j + 1];
      next = std::max(chord - sum, ritz[j + 1].value - bounds[j + 1]);
    }
    const double gap = next - residual - ritz[j].value;
    if (!(gap > 0)) continue;
    for (std::size_t i = 0; i <= j; ++i)
      bounds[i] = std::min(bounds[i], residual * residual / gap + rounding);
  }
  for (std::size_t i = 0; i < std::min(k, known); ++i) found.bounds[i] = bounds[i];
  return found;
}

std::optional<double> place_on_line(const OpSum& a, const OpSum& b, const OpSum& h) {
  if (families::size(b - a) == 0)
    throw InvalidArgument("place_on_line: both ends are the same operator; give two that differ");
  const auto place = families::place_on_line(a, b, h);
  return place ? std::optional(place->t) : std::nullopt;
}

}  // namespace kronsolve
