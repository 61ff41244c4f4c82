#include "measure/value_numbers.hpp"

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/operators/vector_operations.hpp>

namespace kronsolve::detail {

std::vector<double> flat(std::span<const ObservableValue> shapes,
                         std::span<const ObservableValue> values) {
  std::vector<double> numbers;
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (const auto& value : values[i].values) {
      numbers.push_back(value.real());
      if (shapes[i].scalar == ScalarKind::complex) numbers.push_back(value.imag());
    }
  return numbers;
}

std::size_t numbers_of(std::span<const ObservableValue> shapes) {
  std::size_t count = 0;
  for (const auto& shape : shapes)
    count += shape.values.size() * (shape.scalar == ScalarKind::complex ? 2 : 1);
  return count;
}

std::vector<ObservableValue> shaped(std::vector<ObservableValue> shapes,
                                    std::span<const double> numbers) {
  std::size_t at = 0;
  for (auto& shape : shapes)
    for (auto& value : shape.values) {
      const double real = numbers[at++];
      value = {real, shape.scalar == ScalarKind::complex ? numbers[at++] : 0.0};
    }
  return shapes;
}

template <Scalar T>
std::vector<ObservableValue> shapes_of(const Comm& comm, const OpSum& h, const Basis& basis,
                                       std::span<const Observable> observables) {
  const auto rows = basis.partition(comm.size()).range(comm.rank());
  Buffer<T> first(rows.size());
  vec::set_zero<T>(first.span());
  if (rows.begin == 0 && rows.size() > 0) first[0] = 1;
  return evaluate<T>(observables, StateView<T>(comm, basis, first.span()), {.hamiltonian = &h});
}

template std::vector<ObservableValue> shapes_of<double>(const Comm&, const OpSum&, const Basis&,
                                                        std::span<const Observable>);
template std::vector<ObservableValue> shapes_of<std::complex<double>>(const Comm&, const OpSum&,
                                                                      const Basis&,
                                                                      std::span<const Observable>);

}  // namespace kronsolve::detail
