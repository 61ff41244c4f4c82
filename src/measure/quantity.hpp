#pragma once
// What the text of an observable means.

#include <string>
#include <variant>
#include <vector>

#include <kronsolve/measure/observables.hpp>

namespace kronsolve {

struct Observable::Quantity {
  struct Energy {};
  struct Variance {};
  struct Norm {};
  struct Overlap {};
  /// Expectation value of one operator.
  struct Mean {
    OpSum op;
    bool hermitian;
  };
  struct Profile {
    std::string op;
    bool hermitian;  ///< on every site
    bool real;
  };
  struct Correlations {
    std::string a, b;
    bool hermitian;  ///< every product A_i B_j
    bool real;
  };
  struct Entropy {
    std::vector<int> sites;
    double alpha;
  };
  struct Schmidt {
    std::vector<int> sites;
  };
  struct Amplitude {
    std::vector<int> digits;
  };
  std::variant<Energy, Variance, Norm, Overlap, Mean, Profile, Correlations, Entropy, Schmidt,
               Amplitude>
      meaning;
};

}  // namespace kronsolve
