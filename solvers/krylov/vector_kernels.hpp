#pragma once

#include <span>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>

namespace kronsolve::krylov {

/// Global <x, y>. Collective.
template <Scalar T>
T dot(const Comm& comm, std::span<const T> x, std::span<const T> y);

/// Global |x|^2. Collective.
template <Scalar T>
double norm_squared(const Comm& comm, std::span<const T> x);

/// y -= a x; returns the global |y|^2 of the result. Collective; one pass.
template <Scalar T>
double subtract(const Comm& comm, T a, std::span<const T> x, std::span<T> y);

/// x *= a. Local.
template <Scalar T>
void scale(double a, std::span<T> x);

/// y += a x. Local.
template <Scalar T>
void add(T a, std::span<const T> x, std::span<T> y);

}  // namespace kronsolve::krylov
