#pragma once
// What the text of an observable means.

#include <array>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/measure/observables.hpp>

namespace kronsolve {

struct Observable::Quantity {
  struct Energy {};
  struct Variance {};
  struct Norm {};
  /// With the reference state.
  struct Overlap {
    bool squared = false;  ///< its modulus: the fidelity
  };
  /// Expectation value of one operator.
  struct Mean {
    OpSum op;
    bool hermitian;
  };
  /// Expectation values of several.
  struct Means {
    std::vector<OpSum> ops;
    bool hermitian;         ///< all of them
    std::string axis = {};  ///< what numbers them, if not sites
    index_t cols = 1;       ///< of a matrix, by rows
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
  /// Means of correlations over the pairs of each distance.
  struct ByDistance {
    Correlations pairs;
    std::vector<int> distances;  ///< [i * sites + j]; -1: no way
  };
  struct StructureFactor {
    Correlations pairs;
    std::vector<std::array<double, 2>> positions;  ///< in units of the lattice vectors
    std::vector<int> size;                         ///< cells along each of them
    bool hermitian;                                ///< B is the adjoint of A
  };
  struct TotalSpin {
    OpSum square;
    enum class Show { square, spin } show;
  };
  struct Ratio {
    OpSum over, under;
  };
  /// Of a diagonal operator that is a sum over sites: <m^power>, or with power 0 Binder's ratio.
  struct Moment {
    std::vector<std::vector<double>> values;  ///< by site and digit
    int power;
  };
  struct Participation {};
  struct Entropy {
    std::vector<int> sites;
    double alpha;
    bool cuts = false;  ///< in place of these sites the first 0, 1, 2 ... of all
  };
  struct Schmidt {
    std::vector<int> sites;
  };
  /// Of two sets of sites.
  struct Shared {
    std::vector<int> a, b;
    enum class What { information, negativity } what;
  };
  struct Amplitude {
    std::vector<int> digits;
  };
  std::variant<Energy, Variance, Norm, Overlap, Mean, Means, Profile, Correlations, ByDistance,
               StructureFactor, TotalSpin, Ratio, Moment, Participation, Entropy, Schmidt, Shared,
               Amplitude>
      meaning;
};

}  // namespace kronsolve
