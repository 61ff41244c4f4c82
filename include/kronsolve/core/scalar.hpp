#pragma once

#include <complex>
#include <concepts>
#include <string_view>
#include <utility>

namespace kronsolve {

/// The two number types that operators and vectors have: double and std::complex<double>.
template <class T>
concept Scalar = std::same_as<T, double> || std::same_as<T, std::complex<double>>;

/// The number type, where it is known at run time only.
enum class ScalarKind { real, complex };

constexpr std::string_view to_string(ScalarKind kind) {
  return kind == ScalarKind::real ? "real" : "complex";
}

/// T is std::complex<double>.
template <Scalar T>
inline constexpr bool is_complex = std::same_as<T, std::complex<double>>;

/// The run-time word for T.
template <Scalar T>
inline constexpr ScalarKind scalar_kind = is_complex<T> ? ScalarKind::complex : ScalarKind::real;

/// Complex conjugate that stays real for real scalars (std::conj(double) is complex).
template <Scalar T>
constexpr T conj(T x) noexcept {
  if constexpr (is_complex<T>)
    return std::conj(x);
  else
    return x;
}

template <Scalar T>
constexpr double real_part(T x) noexcept {  ///< x, or its real part
  if constexpr (is_complex<T>)
    return x.real();
  else
    return x;
}

/// |x|^2.
template <Scalar T>
constexpr double norm_squared(T x) noexcept {
  if constexpr (is_complex<T>)
    return x.real() * x.real() + x.imag() * x.imag();
  else
    return x * x;
}

/// Takes a complex value to T: itself, or its real part where the caller has shown that the rest is
/// zero.
template <Scalar T>
constexpr T from_complex(std::complex<double> z) noexcept {
  if constexpr (is_complex<T>)
    return z;
  else
    return z.real();
}

/// Calls `f.template operator()<T>()` with the type that `kind` names: the one run-time branch on
/// scalars.
template <class F>
decltype(auto) visit_scalar(ScalarKind kind, F&& f) {
  if (kind == ScalarKind::real) return std::forward<F>(f).template operator()<double>();
  return std::forward<F>(f).template operator()<std::complex<double>>();
}

}  // namespace kronsolve

/// Expands M(T) for both scalars: the two explicit instantiations of a template.
#define KRONSOLVE_FOR_EACH_SCALAR(M) \
  M(double)                          \
  M(std::complex<double>)
