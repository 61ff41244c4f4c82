// The propagators that know exp(tA) whole: Chebyshev series and full diagonalisation.

#include <algorithm>
#include <cmath>
#include <limits>

#include <kronsolve/core/memory.hpp>

#include "solvers/dense/from_map.hpp"
#include "solvers/dense/hermitian.hpp"
#include "solvers/evolution/propagator.hpp"
#include "solvers/functions/chebyshev.hpp"

namespace kronsolve::evolution {

namespace {

using Complex = std::complex<double>;

template <Scalar T>
class Chebyshev final : public Propagator<T> {
 public:
  Chebyshev(const LinearMap<T>& h, TimeAxis axis, SpectralBounds bounds, index_t max_products)
      : h_(&h), axis_(axis), bounds_(bounds), max_products_(max_products) {}

  Advance advance(DistributedVectors<T>& state, double from, double to, double tol) override {
    const double dt = to - from;
    const Complex t = axis_ == TimeAxis::real ? Complex(0, -dt) : Complex(-dt, 0);
    const double norm = vec::norm(h_->comm(), state);
    // A few terms more keep the norm to rounding, whatever tol is.
    tol = std::min(tol, 4e-14);
    Exponential e;
    if constexpr (is_complex<T>) {
      e = exponentiate<T>(*h_, t, state.column(0), bounds_, tol, max_products_);
    } else if (state.count() == 2) {
      e = exponentiate_pair(*h_, t, state.column(0), state.column(1), bounds_, tol, max_products_);
    } else {
      e = exponentiate<T>(*h_, t, state.column(0), bounds_, tol, max_products_);
    }
    bounds_ = e.bounds;
    const double after = axis_ == TimeAxis::real ? norm : vec::norm(h_->comm(), state);
    return {.error = e.error / after, .log_scale = e.log_scale};
  }
  std::vector<double> memory() const override { return {bounds_.lower, bounds_.upper}; }
  void remember(const std::vector<double>& memory) override {
    bounds_.lower = memory.at(0);
    bounds_.upper = memory.at(1);
  }

 private:
  const LinearMap<T>* h_;
  TimeAxis axis_;
  SpectralBounds bounds_;
  index_t max_products_;
};

/// Rank 0 holds the eigenvectors; states travel to it and back.
template <Scalar T>
class Dense final : public Propagator<T> {
 public:
  Dense(const LinearMap<T>& h, TimeAxis axis) : h_(&h), axis_(axis) {
    const index_t n = h.rows();
    const index_t bytes =
        checked_multiply(checked_multiply(n, n, "entries of a dense matrix"),
                         4 * static_cast<index_t>(sizeof(T)), "bytes of a dense matrix");
    require_memory(h.comm(), h.comm().is_root() ? bytes : 0,
                   "evolution by full diagonalisation (method solve)");
    const auto entries = dense::gather_matrix<T>(h);
    h.comm().agree([&] {
      if (!h.comm().is_root()) return;
      DenseMatrix<T> matrix(n, n, {entries.begin(), entries.end()});
      dense::require_hermitian(matrix, "evolution");
      eigen_ = dense::hermitian_eigh(std::move(matrix));
    });
  }

  Advance advance(DistributedVectors<T>& state, double from, double to, double) override {
    const Comm& comm = h_->comm();
    std::vector<std::vector<T>> parts;
    for (index_t p = 0; p < state.count(); ++p) parts.push_back(state.gather_to_root(comm, p));
    double log_scale = 0;
    if (comm.is_root()) log_scale = move(parts, to - from);
    comm.broadcast(std::span(&log_scale, 1));
    comm.broadcast(std::span<double>(extreme_));
    const RowRange mine = h_->row_range();
    for (index_t p = 0; p < state.count(); ++p) {
      parts[p].resize(static_cast<std::size_t>(h_->rows()));
      comm.broadcast(std::span(parts[p]));
      std::copy(parts[p].begin() + mine.begin, parts[p].begin() + mine.end,
                state.column(p).begin());
    }
    const double size =
        std::max(std::abs(extreme_[0]), std::abs(extreme_[1])) * std::abs(to - from);
    const double rounding =
        std::numeric_limits<double>::epsilon() * (10 + (axis_ == TimeAxis::real ? size : 1));
    return {.error = rounding, .log_scale = log_scale};
  }

 private:
  /// x := U exp(..) U^H x on rank 0, for all parts.
  double move(std::vector<std::vector<T>>& parts, double dt) {
    const index_t n = h_->rows();
    extreme_[0] = eigen_.values.front();
    extreme_[1] = eigen_.values.back();
    // The largest factor is 1.
    const double reference = dt > 0 ? extreme_[0] : extreme_[1];
    std::vector<std::vector<T>> amplitudes;
    for (const auto& part : parts) amplitudes.push_back(dense::adjoint_times(eigen_.vectors, part));
    for (index_t j = 0; j < n; ++j) {
      const double energy = eigen_.values[j];
      if (axis_ == TimeAxis::imaginary) {
        for (auto& a : amplitudes) a[j] *= std::exp(-(energy - reference) * dt);
        continue;
      }
      const Complex phase = std::polar(1.0, -energy * dt);
      if constexpr (is_complex<T>) {
        amplitudes[0][j] *= phase;
      } else {
        const Complex value = phase * Complex(amplitudes[0][j], amplitudes[1][j]);
        amplitudes[0][j] = value.real();
        amplitudes[1][j] = value.imag();
      }
    }
    for (std::size_t p = 0; p < parts.size(); ++p)
      parts[p] = dense::times(eigen_.vectors, amplitudes[p]);
    return axis_ == TimeAxis::imaginary ? -reference * dt : 0;
  }

  const LinearMap<T>* h_;
  TimeAxis axis_;
  dense::HermitianEigen<T> eigen_;
  double extreme_[2] = {0, 0};
};

}  // namespace

template <Scalar T>
std::unique_ptr<Propagator<T>> make_chebyshev(const LinearMap<T>& h, TimeAxis axis,
                                              SpectralBounds bounds, index_t max_products) {
  return std::make_unique<Chebyshev<T>>(h, axis, bounds, max_products);
}

template <Scalar T>
std::unique_ptr<Propagator<T>> make_dense(const LinearMap<T>& h, TimeAxis axis) {
  return std::make_unique<Dense<T>>(h, axis);
}

#define KRONSOLVE_INSTANTIATE(T)                                                        \
  template std::unique_ptr<Propagator<T>> make_chebyshev(const LinearMap<T>&, TimeAxis, \
                                                         SpectralBounds, index_t);      \
  template std::unique_ptr<Propagator<T>> make_dense(const LinearMap<T>&, TimeAxis);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::evolution
