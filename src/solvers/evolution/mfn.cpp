// The propagator that leaves the exponential to SLEPc.

#include "solvers/functions/mfn.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

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
  Mfn(const LinearMap<T>& h, TimeAxis axis, double width) : h_(&h), axis_(axis), width_(width) {}

  Advance advance(StateParts<T>& state, double from, double to, double tol) override {
    const double dt = to - from;
    if (axis_ == TimeAxis::real) {
      const double before = state.norm(h_->comm());
      step(state, Complex(0, -dt), tol);
      // SLEPc gives no error; that it changed the norm is one.
      const double drift = std::abs(state.norm(h_->comm()) / before - 1);
      return {.error = std::max(tol, drift)};
    }
    const auto pieces =
        static_cast<index_t>(std::max(1.0, std::ceil(width_ * std::abs(dt) / longest_piece)));
    Advance done{.error = tol, .steps = pieces};
    for (index_t piece = 0; piece < pieces; ++piece) {
      step(state, Complex(-dt / static_cast<double>(pieces), 0), tol / static_cast<double>(pieces));
      const double norm = state.norm(h_->comm());
      state.scale(1 / norm);
      done.log_scale += std::log(norm);
    }
    return done;
  }

 private:
  void step(StateParts<T>& state, Complex t, double tol) {
    if constexpr (is_complex<T>) {
      exponentiate_mfn_in_pieces<T, T>(*h_, t, width_ * std::abs(t), state.part(0), tol);
    } else if (state.parts() == 1) {
      exponentiate_mfn<T, T>(*h_, t.real(), state.part(0), tol);
    } else {
      Buffer<Complex> joined(state.rows());
      vec::join(state.part(0), state.part(1), joined.span());
      exponentiate_mfn_in_pieces<T, Complex>(*h_, t, width_ * std::abs(t), joined.span(), tol);
      vec::split(joined.span(), state.part(0), state.part(1));
    }
  }

  const LinearMap<T>* h_;
  TimeAxis axis_;
  double width_;
};

}  // namespace

template <Scalar T>
std::unique_ptr<Propagator<T>> make_mfn(const LinearMap<T>& h, TimeAxis axis, double width) {
  return std::make_unique<Mfn<T>>(h, axis, width);
}

template std::unique_ptr<Propagator<double>> make_mfn(const LinearMap<double>&, TimeAxis, double);
template std::unique_ptr<Propagator<Complex>> make_mfn(const LinearMap<Complex>&, TimeAxis, double);

}  // namespace kronsolve::evolution
