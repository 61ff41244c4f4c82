#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include <kronsolve/operators/distributed_vectors.hpp>

namespace kronsolve::krylov {

/// Pairs in ascending order of their values, with a flag that each of them has. Local.
template <Scalar T>
void sort_pairs(std::vector<double>& values, std::vector<double>& residuals,
                std::vector<bool>& flags, DistributedVectors<T>& vectors) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return values[a] < values[b]; });
  const auto sort = [&](auto& list) {
    auto sorted = list;
    for (std::size_t i = 0; i < order.size(); ++i) sorted[i] = list[order[i]];
    list = std::move(sorted);
  };
  sort(values);
  sort(residuals);
  sort(flags);
  vectors.permute(order);
}

}  // namespace kronsolve::krylov
