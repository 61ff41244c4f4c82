#pragma once
// The products of a map against the rows of its operator.

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve::test {

/// Rounding of sums of products, relative to the sum of their moduli.
inline constexpr double product_tolerance = 1e-13;

/// Product and recurrence of the map against assembled rows, of a vector in this memory.
template <Scalar T>
void expect_product(const SectorOperator& h, const LinearMap<T>& map, Placement place) {
  const Comm& comm = world();
  const index_t n = h.basis->size();
  const RowRange mine = map.row_range();
  std::vector<T> x(static_cast<std::size_t>(n)), old(x.size());
  fill_normal<T>(x, {0, n}, 1);
  fill_normal<T>(old, {0, n}, 2);
  const auto rows = build_rows<T>(h.op, *h.basis, mine);
  const auto own = [&](const std::vector<T>& v) {
    return std::span(v).subspan(static_cast<std::size_t>(mine.begin),
                                static_cast<std::size_t>(mine.size()));
  };
  // NaN before: whatever is not written shows.
  std::vector<T> y(static_cast<std::size_t>(mine.size()), T(std::nan("")));
  std::vector<T> z(own(old).begin(), own(old).end());
  constexpr double beta = 0.75;
  Buffer<T> in(mine.size(), place);
  std::copy(own(x).begin(), own(x).end(), in.data());

  map.apply(in.span(), y);
  const T overlap = map.apply_recurrence(in.span(), beta, z);

  constexpr double alpha = -0.5, weight = 3;
  std::vector<T> known(own(old).begin(), own(old).end());
  std::vector<T> total(own(x).begin(), own(x).end());
  map.apply_known_step(in.span(), alpha, beta, known, weight, total);

  T expected_overlap{};
  double scale = 0;
  index_t wrong = 0;
  // Diagonal functions that add up to nothing leave the rounding of their coefficients.
  double largest = 0;
  for (const auto& term : h.op.canonical_form().terms)
    largest = std::max(largest, std::abs(term.coefficient));
  for (index_t i = mine.begin; i < mine.end; ++i) {
    T sum{};
    double size = largest * std::abs(x[static_cast<std::size_t>(i)]);
    const auto columns = rows.row_columns(i);
    const auto values = rows.row_values(i);
    for (std::size_t e = 0; e < columns.size(); ++e) {
      sum += values[e] * x[static_cast<std::size_t>(columns[e])];
      size += std::abs(values[e] * x[static_cast<std::size_t>(columns[e])]);
    }
    const auto at = static_cast<std::size_t>(i - mine.begin);
    const T recurrence = sum - beta * old[static_cast<std::size_t>(i)];
    size += std::abs(old[static_cast<std::size_t>(i)]);
    if (!(std::abs(y[at] - sum) <= product_tolerance * size) ||
        !(std::abs(z[at] - recurrence) <= product_tolerance * size))
      ++wrong;
    const T step = recurrence - alpha * x[static_cast<std::size_t>(i)];
    const T added = x[static_cast<std::size_t>(i)] + weight * step;
    const double size_of_step = weight * (size + 2 * std::abs(x[static_cast<std::size_t>(i)]));
    if (!(std::abs(known[at] - step) <= product_tolerance * size_of_step) ||
        !(std::abs(total[at] - added) <= product_tolerance * size_of_step))
      ++wrong;
    expected_overlap += conj(x[static_cast<std::size_t>(i)]) * recurrence;
    scale += std::abs(x[static_cast<std::size_t>(i)]) * size;
  }
  EXPECT_EQ(wrong, 0) << "of " << mine.size() << " rows";
  expected_overlap = comm.all_reduce(expected_overlap);
  scale = comm.all_reduce(scale);
  EXPECT_LE(std::abs(overlap - expected_overlap), product_tolerance * scale);
}

}  // namespace kronsolve::test
