#include "solvers/linear/correction.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve::linear {

namespace {

void require_finite(double x) {
  if (!std::isfinite(x))
    throw InvalidArgument("a product with the operator gave NaN or infinity; check its entries");
}

}  // namespace

template <Scalar T>
Correction correct_by_cg(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                         index_t limit) {
  const Comm& comm = a.comm();
  const auto n = static_cast<index_t>(r.size());
  Buffer<T> p(n), ap(n);
  std::copy(r.begin(), r.end(), p.data());
  double size = vec::norm<T>(comm, r);
  Correction done;
  while (size > target && done.steps < limit) {
    a.apply(p.span(), ap.span());
    ++done.steps;
    const double curvature =
        real_part(vec::dot<T>(comm, std::as_const(p).span(), std::as_const(ap).span()));
    require_finite(curvature);
    if (!(curvature > 0)) {
      done.broken = true;
      done.note = "the operator is not positive definite; use minres";
      return done;
    }
    const double step = size / curvature * size;
    vec::axpy<T>(T(step), std::as_const(p).span(), x);
    const double next = vec::subtract<T>(comm, T(step), std::as_const(ap).span(), r);
    vec::scale<T>(next / size * (next / size), p.span());
    vec::axpy<T>(T(1), r, p.span());
    size = next;
  }
  return done;
}

/// Lanczos and a QR factorisation of its tridiagonal matrix by plane rotations, in short
/// recurrences.
template <Scalar T>
Correction correct_by_minres(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                             index_t limit) {
  const Comm& comm = a.comm();
  const auto n = static_cast<index_t>(r.size());
  Buffer<T> v(n), v_old(n), w(n), w_old(n);
  double beta = vec::norm<T>(comm, r);
  double eta = beta, scale = 0;
  vec::scaled_copy<T>(1 / beta, r, v.span());
  double cosine = 1, cosine_old = 1, sine = 0, sine_old = 0;
  double coupling = 0;  // beta of this step; 0 in the first, which has no vector before it
  Correction done;
  while (std::abs(eta) > target && done.steps < limit) {
    // v_old becomes A v - coupling v_old - alpha v, then the two change places.
    const double alpha = real_part(a.apply_recurrence(v.span(), coupling, v_old.span()));
    require_finite(alpha);
    ++done.steps;
    const double next = vec::subtract<T>(comm, T(alpha), std::as_const(v).span(), v_old.span());
    scale = std::max({scale, std::abs(alpha), next});
    const double diagonal = cosine * alpha - cosine_old * sine * coupling;
    const double first = sine * alpha + cosine_old * cosine * coupling;
    const double second = sine_old * coupling;
    const double length = std::hypot(diagonal, next);
    if (!(length > 1e-15 * scale)) {
      done.broken = true;
      done.note = "the operator is singular and b is outside its range";
      return done;
    }
    cosine_old = std::exchange(cosine, diagonal / length);
    sine_old = std::exchange(sine, next / length);
    // w_old becomes (v - first w - second w_old) / length.
    vec::scale<T>(-second / length, w_old.span());
    vec::axpy<T>(T(-first / length), std::as_const(w).span(), w_old.span());
    vec::axpy<T>(T(1 / length), std::as_const(v).span(), w_old.span());
    std::swap(w, w_old);
    vec::axpy<T>(T(cosine * eta), std::as_const(w).span(), x);
    eta = -sine * eta;
    if (!(next > 1e-15 * scale)) return done;  // the Krylov space is invariant: d is exact in it
    std::swap(v, v_old);
    vec::scale<T>(1 / next, v.span());
    coupling = next;
  }
  return done;
}

namespace {

/// [c s; -conj(s) c] takes (a, b), b >= 0, to (r, 0).
template <Scalar T>
struct Rotation {
  double c = 1;
  T s{};
  Rotation(T a, double b) {
    const double size = std::abs(a), length = std::hypot(size, b);
    if (size == 0) {
      c = 0;
      s = T(1);
    } else {
      c = size / length;
      s = a / size * (b / length);
    }
  }
  void apply(T& x, T& y) const {
    const T upper = c * x + s * y;
    y = -conj(s) * x + c * y;
    x = upper;
  }
};

}  // namespace

template <Scalar T>
Correction correct_by_gmres(const LinearMap<T>& a, std::span<T> r, std::span<T> x, double target,
                            index_t limit, index_t restart) {
  const Comm& comm = a.comm();
  const index_t most = std::min({restart, limit, a.rows()});
  DistributedVectors<T> v(a.row_partition(), comm.rank(), most + 1, ColumnStorage::together);
  const double start = vec::norm<T>(comm, r);
  vec::scaled_copy<T>(1 / start, r, v.column(0));
  std::vector<std::vector<T>> h;  // columns of the triangular factor
  std::vector<T> g = {T(start)};  // right-hand side of the small problem; |g.back()|: residual
  std::vector<Rotation<T>> rotations;
  Correction done;
  bool invariant = false;
  while (std::abs(g.back()) > target && done.steps < most && !invariant) {
    const index_t j = done.steps;
    const std::span<T> next = v.column(j + 1);
    a.apply(std::as_const(v).column(j), next);
    auto projection = vec::project_out(comm, vec::Columns(v, 0, j + 1), next);
    auto& column = projection.coefficients;
    ++done.steps;
    double size = 0;
    for (const T& c : column) size += norm_squared(c);
    invariant = !(projection.norm > 1e-15 * std::sqrt(size));
    if (!invariant) vec::scale<T>(1 / projection.norm, next);
    for (std::size_t i = 0; i < rotations.size(); ++i) rotations[i].apply(column[i], column[i + 1]);
    if (invariant && !(std::abs(column.back()) > 1e-14 * std::sqrt(size))) {
      done.broken = true;
      done.note = "the operator is singular and b is outside its range";
      break;
    }
    rotations.emplace_back(column.back(), invariant ? 0.0 : projection.norm);
    T nothing(invariant ? 0.0 : projection.norm);
    rotations.back().apply(column.back(), nothing);
    g.push_back(T{});
    rotations.back().apply(g[g.size() - 2], g.back());
    h.push_back(std::move(column));
  }
  const std::size_t m = h.size();
  std::vector<T> y(m);
  for (std::size_t i = m; i-- > 0;) {
    T sum = g[i];
    for (std::size_t j = i + 1; j < m; ++j) sum -= h[j][i] * y[j];
    y[i] = sum / h[i][i];
  }
  vec::add_combination<T>(T(1), vec::Columns(v, 0, static_cast<index_t>(m)), y, x);
  return done;
}

#define KRONSOLVE_INSTANTIATE(T)                                                                 \
  template Correction correct_by_cg(const LinearMap<T>&, std::span<T>, std::span<T>, double,     \
                                    index_t);                                                    \
  template Correction correct_by_minres(const LinearMap<T>&, std::span<T>, std::span<T>, double, \
                                        index_t);                                                \
  template Correction correct_by_gmres(const LinearMap<T>&, std::span<T>, std::span<T>, double,  \
                                       index_t, index_t);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::linear
