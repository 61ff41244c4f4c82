#pragma once
// Sums over the sites of something that depends on the site's digit, for whole configurations at
// once.

#include <vector>

#include <kronsolve/operators/basis.hpp>

namespace kronsolve::detail {

/// f(state) = sum over sites of value(site, digit), looked up for a few groups of neighbouring
/// sites instead of site by site: one division a group.
template <class V>
class AdditiveTable {
 public:
  AdditiveTable() = default;
  /// @param value  value(site, digit), called once for each
  template <class F>
  AdditiveTable(const DigitCode& code, F&& value) {
    for (int last = code.sites() - 1; last >= 0;) {
      int first = last;
      auto states = static_cast<std::size_t>(code.dim(last));
      while (first > 0 && states * static_cast<std::size_t>(code.dim(first - 1)) <= most_states)
        states *= static_cast<std::size_t>(code.dim(--first));
      Group group{states, std::vector<V>(states, V{})};
      std::size_t stride = 1;
      for (int site = last; site >= first; --site) {
        const auto dim = static_cast<std::size_t>(code.dim(site));
        std::vector<V> values;
        for (int digit = 0; digit < code.dim(site); ++digit) values.push_back(value(site, digit));
        for (std::size_t s = 0; s < states; ++s) group.sums[s] += values[s / stride % dim];
        stride *= dim;
      }
      groups_.push_back(std::move(group));
      last = first - 1;
    }
  }

  V operator()(state_t state) const {
    V sum{};
    for (const auto& group : groups_) {
      const state_t rest = quotient(state, state_t{group.states});
      sum += group.sums[static_cast<std::size_t>(state - rest * group.states)];
      state = rest;
    }
    return sum;
  }

 private:
  static constexpr std::size_t most_states =
      4096;  // a group's table stays in the first-level cache for small V
  struct Group {
    std::size_t states;
    std::vector<V> sums;
  };
  std::vector<Group> groups_;  ///< the last sites first
};

}  // namespace kronsolve::detail
