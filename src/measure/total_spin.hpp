#pragma once

#include <string>
#include <vector>

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::detail {

/// sum_i op_i over the sites that have a spin: `Sz`, `S+`, ... of spins and electrons.
inline OpSum spin_total(const std::vector<LocalSpace>& spaces, const std::string& op) {
  OpSum sum(spaces);
  for (int i = 0; i < std::ssize(spaces); ++i) {
    const auto& space = spaces[static_cast<std::size_t>(i)];
    if (space.kind() == LocalSpace::Kind::spin || space.has_electrons()) sum.add(1, {{op, i}});
  }
  return sum;
}

}  // namespace kronsolve::detail
