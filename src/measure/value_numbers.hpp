#pragma once

#include <span>
#include <vector>

#include <kronsolve/measure/observables.hpp>

namespace kronsolve::detail {

/// Values of observables as one list, for means over many states: real parts and, where a value is
/// complex, imaginary parts, one observable after the other.
/// @param shapes  of the values: what is complex there is complex here
std::vector<double> flat(std::span<const ObservableValue> shapes,
                         std::span<const ObservableValue> values);
/// How many numbers `flat` makes of values of these shapes.
std::size_t numbers_of(std::span<const ObservableValue> shapes);
/// The numbers as values of these shapes.
std::vector<ObservableValue> shaped(std::vector<ObservableValue> shapes,
                                    std::span<const double> numbers);
/// The observables as they come, with numbers that mean nothing: of the first configuration.
/// Collective.
template <Scalar T>
std::vector<ObservableValue> shapes_of(const Comm& comm, const OpSum& h, const Basis& basis,
                                       std::span<const Observable> observables);

}  // namespace kronsolve::detail
