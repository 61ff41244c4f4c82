#pragma once
// Chains written out by hand, so that tests of solvers do not lean on the models.

#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::test {

/// sum S.S over neighbours.
inline OpSum heisenberg(int n, bool cyclic, int twice_spin = 1) {
  OpSum h(n, LocalSpace::spin(twice_spin));
  for (int i = 0; i + (cyclic ? 0 : 1) < n; ++i) {
    const int j = (i + 1) % n;
    h.add(1, {{"Sz", i}, {"Sz", j}})
        .add(0.5, {{"S+", i}, {"S-", j}})
        .add(0.5, {{"S-", i}, {"S+", j}});
  }
  return h;
}

}  // namespace kronsolve::test
