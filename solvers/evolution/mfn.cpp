// The propagator that leaves the exponential to SLEPc.

#include "solvers/functions/mfn.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "solvers/evolution/propagator.hpp"

namespace kronsolve::evolution {

namespace {

using Complex = std::complex<double>;

/// In imaginary time a piece is that long times |H|: its exponential must not leave the range of
/// doubles.
constexpr double longest_piece = 50;

template <Scalar T>
class Mfn final : public Propagator<T> {
 public:
  Mfn(const LinearMap<T>& h, TimeAxis axis, double width, index_t max_products)
      : h_(&h), axis_(axis), width_(width), max_products_(max_products) {}

  Advance advance(DistributedVectors<T>& state, double from, double to, double tol) override {
    const index_t before = h_->products();
    DistributedVectors<T> moved =
        vec::like(state);  // a state stays where it is if it cannot be moved
    vec::copy(state, moved);
    const auto done = move(moved, to - from, tol, before);
    if (!done)
      throw InvalidArgument(detail::concat("evolution: ", h_->products() - before,
                                           " products of method mfn do not reach time ", to,
                                           " from ", from, ", max_products is ", max_products_,
                                           "; take shorter steps, method expm, or raise it"));
    vec::copy(moved, state);
    return *done;
  }

 private:
  /// Nothing if max_products do not suffice.
  std::optional<Advance> move(DistributedVectors<T>& state, double dt, double tol, index_t before) {
    if (axis_ == TimeAxis::real) {
      const double norm = vec::norm(h_->comm(), state);
      if (!step(state, Complex(0, -dt), tol, before)) return std::nullopt;
      // SLEPc gives no error; that it changed the norm is one.
      return Advance{.error = std::max(tol, std::abs(vec::norm(h_->comm(), state) / norm - 1))};
    }
    const auto pieces =
        static_cast<index_t>(std::max(1.0, std::ceil(width_ * std::abs(dt) / longest_piece)));
    const double part = 1 / static_cast<double>(pieces);
    Advance done{.error = tol, .steps = pieces};
    for (index_t piece = 0; piece < pieces; ++piece) {
      if (!step(state, Complex(-dt * part, 0), tol * part, before)) return std::nullopt;
      const double norm = vec::norm(h_->comm(), state);
      vec::scale(1 / norm, state);
      done.log_scale += std::log(norm);
    }
    return done;
  }

  bool step(DistributedVectors<T>& state, Complex t, double tol, index_t before) {
    const index_t left = max_products_ - (h_->products() - before);
    const double size = width_ * std::abs(t);
    if constexpr (is_complex<T>) {
      return exponentiate_mfn_in_pieces<T, T>(*h_, t, size, state.column(0), tol, left).converged();
    } else if (state.count() == 1) {
      return exponentiate_mfn<T, T>(*h_, t.real(), state.column(0), tol, left);
    } else {
      Buffer<Complex> joined(state.row_range().size());
      vec::join(state.column(0), state.column(1), joined.span());
      const bool good =
          exponentiate_mfn_in_pieces<T, Complex>(*h_, t, size, joined.span(), tol, left)
              .converged();
      vec::split(joined.span(), state.column(0), state.column(1));
      return good;
    }
  }

  const LinearMap<T>* h_;
  TimeAxis axis_;
  double width_;
  index_t max_products_;
};

}  // namespace

template <Scalar T>
std::unique_ptr<Propagator<T>> make_mfn(const LinearMap<T>& h, TimeAxis axis, double width,
                                        index_t max_products) {
  return std::make_unique<Mfn<T>>(h, axis, width, max_products);
}

template std::unique_ptr<Propagator<double>> make_mfn(const LinearMap<double>&, TimeAxis, double,
                                                      index_t);
template std::unique_ptr<Propagator<Complex>> make_mfn(const LinearMap<Complex>&, TimeAxis, double,
                                                       index_t);

}  // namespace kronsolve::evolution
