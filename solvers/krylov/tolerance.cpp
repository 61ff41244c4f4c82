#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/tolerance.hpp>

namespace kronsolve {

namespace {

constexpr double unit_roundoff = 0x1p-53;
/// How much further than the configurations of the state the width may reach.
constexpr double local_factor = 2;
/// A level may be open by this many times what was asked for before it counts as unknown: rounding
/// seldom adds up to its bound.
constexpr double open_factor = 4;

/// A sum that is smaller than this part of what was added up is nothing but rounding.
constexpr double rounded = 64 * unit_roundoff;

/// One product says enough of many rows; of few rows, signs may cancel in all that matter.
index_t probes_for(index_t n) { return n <= 64 ? 16 : n <= 16384 ? 4 : 1; }

/// +1 or -1 by global row: the same on any number of ranks.
double sign(std::uint64_t stream, index_t row) {
  std::uint64_t z = (static_cast<std::uint64_t>(row) + 1) * 0x9E3779B97F4A7C15u +
                    stream * 0xD1342543DE82EF95u + 0x5ca1eu;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (z ^ (z >> 31)) >> 63 == 0 ? 1 : -1;
}

/// Numbers counted by their exponents: the m-th smallest on all ranks, to a factor of two.
class Exponents {
 public:
  void add(double x) {
    ++counts_[static_cast<std::size_t>(std::clamp(std::ilogb(x) - lowest, 0, bins - 1))];
  }
  std::span<std::int64_t> counts() { return counts_; }
  void add(const Exponents& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  }
  /// 0 if there are none.
  double smallest(std::int64_t m) const {
    std::int64_t sum = 0;
    double found = 0;
    for (std::size_t i = 0; i < counts_.size() && sum < m; ++i) {
      sum += counts_[i];
      if (counts_[i] > 0) found = std::ldexp(1.0, static_cast<int>(i) + lowest);
    }
    return found;
  }

 private:
  static constexpr int lowest = -1074, bins = 2100;
  std::array<std::int64_t, bins> counts_{};
};

}  // namespace

template <Scalar T>
Tolerance<T>::Tolerance(const LinearMap<T>& a, double tol, const LinearMap<T>* b)
    : comm_(&a.comm()), n_(a.rows()), tol_(tol) {
  const auto by = [](const LinearMap<T>* map) {
    return map == nullptr
               ? Multiply()
               : Multiply([map](std::span<const T> x, std::span<T> y) { map->apply(x, y); });
  };
  probe(a.row_range(), by(&a), by(b));
}

template <Scalar T>
Tolerance<T>::Tolerance(index_t n, double tol, const Multiply& a) : n_(n), tol_(tol) {
  probe({0, n}, a, {});
}

template <Scalar T>
void Tolerance<T>::probe(RowRange rows, const Multiply& a, const Multiply& b) {
  rows_ = rows;
  const index_t size = rows.size();
  Buffer<T> signs(size);
  const auto multiply = [&](const Multiply& by) {
    Buffer<T> product(by ? size : 0);
    if (by) by(std::as_const(signs).span(), product.span());
    for (index_t i = 0; i < product.size(); ++i) product.data()[i] *= signs.data()[i];
    return product;
  };
  for (index_t p = 0; p < probes_for(n_); ++p) {
    for (index_t i = 0; i < size; ++i)
      signs.data()[i] = sign(static_cast<std::uint64_t>(p), rows.begin + i);
    Buffer<T> first = multiply(a);
    probes_.push_back({std::move(first), multiply(b)});
  }
  const auto over_entries = [&](auto&& f) {
    for (const Probe& p : probes_)
      for (index_t i = 0; i < size; ++i) f(p.a.data()[i]);
  };
  double mean = 0;
  over_entries([&](T z) {
    norm_ = std::max(norm_, std::abs(z));
    mean += real_part(z) / static_cast<double>(n_);
  });
  if (comm_ != nullptr) {
    norm_ = comm_->all_reduce(norm_, Reduce::max);
    mean = comm_->all_reduce(mean);
  }
  // The mean of the diagonal lies inside the spectrum; the largest distance from it is about half
  // the width.
  mean /= static_cast<double>(probes_.size());
  over_entries([&](T z) { width_ = std::max(width_, std::abs(z - mean)); });
  if (comm_ != nullptr) width_ = comm_->all_reduce(width_, Reduce::max);
  // Of a spectrum that is one point, that point; an operator that is zero has no unit.
  if (!(width_ > rounded * norm_)) width_ = norm_ > 0 ? norm_ : 1;
}

template <Scalar T>
template <Scalar X>
double Tolerance<T>::scale_of(std::complex<double> level, std::span<const X> x) const {
  using Level = std::conditional_t<is_complex<T> || is_complex<X>, std::complex<double>, double>;
  // Squares are taken of parts of the largest: extreme units must not leave the range of a double.
  const double unit = std::max(norm_, std::abs(level));
  if (!(unit > 0) || !std::isfinite(unit)) return width_;
  const Level l = from_complex<Level>(level / unit);
  // An empty row has the level 0, which is found to rounding of the largest.
  const bool zero = std::abs(l) <= rounded;
  constexpr double near = 1e-8;
  Exponents distances;
  double state = 0, weight = 0;
#pragma omp parallel num_threads(num_threads())
  {
    Exponents mine;
#pragma omp for schedule(static) reduction(+ : state, weight)
    for (index_t i = 0; i < rows_.size(); ++i) {
      double square = 0, size = 0, entries = 0;
      for (const Probe& p : probes_) {
        const Level own = p.a.data()[i] / unit;
        const Level other = p.b.size() > 0 ? l * p.b.data()[i] : l;
        square += norm_squared(own - other);
        size += norm_squared(own) + norm_squared(other);
        entries += norm_squared(own);
      }
      // A level is found to rounding of the largest: near a row's own value that is no distance.
      const bool known = square > rounded * rounded * static_cast<double>(probes_.size()) ||
                         square > near * near * size;
      if (known && square > rounded * rounded * size && (entries > 0 || !zero))
        mine.add(square / static_cast<double>(probes_.size()));
      if (!x.empty()) {
        const double part = norm_squared(x[static_cast<std::size_t>(i)]);
        state += part * square;
        weight += part;
      }
    }
#pragma omp critical
    distances.add(mine);
  }
  std::array<double, 2> sums = {state, weight};
  if (comm_ != nullptr) {
    comm_->all_reduce(std::span<double>(sums));
    comm_->all_reduce(distances.counts());
  }
  const auto rank = static_cast<std::int64_t>(std::sqrt(static_cast<double>(n_)));
  const double nearest = std::sqrt(distances.smallest(std::max<std::int64_t>(1, rank))) * unit;
  const double own =
      sums[1] > 0 ? std::sqrt(sums[0] / sums[1] / static_cast<double>(probes_.size())) * unit : 0;
  // Every configuration at the level: the spectrum is one point, known as well as a number is.
  if (nearest == 0 && !(own > rounded * unit)) return norm_;
  return std::min(width_, local_factor * std::max(own, nearest));
}

template <Scalar T>
double Tolerance<T>::rounding() const noexcept {
  return unit_roundoff * norm_;
}

template <Scalar T>
double Tolerance<T>::margin(double level) const {
  constexpr double part = 1e-10;
  return std::max(part * scale(level), 8 * unit_roundoff * std::max(norm_, std::abs(level)));
}

template <Scalar T>
bool Tolerance<T>::reached(double residual, double scale) const noexcept {
  return residual <= goal(scale) && rounding() <= open_factor * goal(scale);
}

template <Scalar T>
std::string Tolerance<T>::limit(double residual, double scale) const {
  /// Rounding errors add up to about so many times that of one number.
  constexpr double adds_up = 1e3;
  if (reached(residual, scale) || goal(scale) > adds_up * rounding() ||
      residual > adds_up * std::max(rounding(), goal(scale)))
    return {};
  const auto brief = [](double x) {
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%.0e", x);
    return std::string(text.data());
  };
  return detail::concat("limited by rounding of |H| = ", brief(norm_), ": residual ",
                        brief(residual), ", levels are known to ", brief(rounding()));
}

#define KRONSOLVE_DEFINE(T) template class Tolerance<T>;
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)
#undef KRONSOLVE_DEFINE

template double Tolerance<double>::scale_of(std::complex<double>, std::span<const double>) const;
template double Tolerance<double>::scale_of(std::complex<double>,
                                            std::span<const std::complex<double>>) const;
template double Tolerance<std::complex<double>>::scale_of(
    std::complex<double>, std::span<const std::complex<double>>) const;

}  // namespace kronsolve
