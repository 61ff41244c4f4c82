#pragma once
// What is made of a matrix of correlations. Local.

#include <array>
#include <complex>
#include <span>
#include <vector>

namespace kronsolve::detail {

/// Means of pairs[i * n + j] over the pairs of each distance; -1 is none.
std::vector<std::complex<double>> by_distance(std::span<const std::complex<double>> pairs,
                                              std::span<const int> distances);

/// sum_ij exp(iq(r_i - r_j)) pairs[i * n + j] / n for q = 2 pi (m_1/L_1, m_2/L_2), the last m
/// fastest; positions in units of the lattice vectors.
std::vector<std::complex<double>> structure_factor(std::span<const std::complex<double>> pairs,
                                                   std::span<const std::array<double, 2>> positions,
                                                   std::span<const int> size);

}  // namespace kronsolve::detail
