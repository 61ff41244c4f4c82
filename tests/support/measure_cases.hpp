#pragma once
// Random states and operators on small systems of every kind of site, in the full space and in
// charge sectors, and the same things as dense vectors on the full space.

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/states.hpp>

#include "support/dense_oracle.hpp"

namespace kronsolve::test {

struct MeasureCase {
  std::string name;
  std::shared_ptr<const Basis> basis;
};

inline std::vector<MeasureCase> measure_cases() {
  using Spaces = std::vector<LocalSpace>;
  const Spaces spins(6), spin1(4, LocalSpace::spin(2)), fermions(6, LocalSpace::fermion()),
      electrons(3, LocalSpace::electron());
  const Spaces mixed = {LocalSpace::spin(1), LocalSpace::electron(), LocalSpace::boson(3),
                        LocalSpace::fermion(), LocalSpace::plain(3)};
  const auto full = [](const Spaces& spaces) { return std::make_shared<const FullBasis>(spaces); };
  const auto sector = [](const Spaces& spaces, std::vector<Charge> charges) {
    return std::make_shared<const ChargeBasis>(spaces, std::move(charges));
  };
  return {{"spins", full(spins)},
          {"spins sz=0", sector(spins, {Charge::sz(spins, 0)})},
          {"spin-1 sz=1", sector(spin1, {Charge::sz(spin1, 2)})},
          {"fermions", full(fermions)},
          {"fermions n=3", sector(fermions, {Charge::particles(fermions, 3)})},
          {"fermions parity=1", sector(fermions, {Charge::parity(fermions, 1)})},
          {"electrons", full(electrons)},
          {"electrons nup=2 ndown=1",
           sector(electrons, {Charge::up(electrons, 2), Charge::down(electrons, 1)})},
          {"mixed", full(mixed)},
          {"mixed n=3", sector(mixed, {Charge::particles(mixed, 3)})}};
}

/// The owned amplitudes of a random state.
template <Scalar T>
Buffer<T> random_on(const Comm& comm, const Basis& basis, std::uint64_t seed) {
  return make_state<T>(comm, basis, random_state(basis.spaces(), seed));
}

/// The state as a vector on the full space, the same on every rank; made without the ranks.
template <Scalar T>
Eigen::VectorXcd dense_random(const Basis& basis, std::uint64_t seed) {
  const auto psi = random_on<T>(Comm::serial(), basis, seed);
  Eigen::VectorXcd v =
      Eigen::VectorXcd::Zero(static_cast<Eigen::Index>(FullBasis(basis.spaces()).size()));
  for (index_t i = 0; i < basis.size(); ++i) v[static_cast<Eigen::Index>(basis.state(i))] = psi[i];
  return v;
}

/// op v on the full space, one site matrix after the other.
inline Eigen::VectorXcd apply(const OpSum& op, const Eigen::VectorXcd& v) {
  const DigitCode code(op.spaces());
  Eigen::VectorXcd sum = Eigen::VectorXcd::Zero(v.size());
  for (const auto& term : op.product_terms()) {
    Eigen::VectorXcd product = term.coefficient * v;
    for (const auto& [site, matrix] : term.factors) {
      const Eigen::VectorXcd before = std::exchange(product, Eigen::VectorXcd::Zero(v.size()));
      const auto stride = static_cast<Eigen::Index>(code.stride(site));
      for (Eigen::Index s = 0; s < v.size(); ++s) {
        const int col = code.digit(static_cast<state_t>(s), site);
        for (int row = 0; row < matrix.dim(); ++row)
          if (matrix(row, col) != 0.0)
            product[s + (row - col) * stride] += matrix(row, col) * before[s];
      }
    }
    sum += product;
  }
  return sum;
}

/// A sum of `terms` random products of one to four named operators.
inline OpSum random_operator(const std::vector<LocalSpace>& spaces, std::mt19937& random,
                             int terms = 8) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  std::normal_distribution<double> normal;
  OpSum op(spaces);
  for (int t = 0; t < terms; ++t) {
    std::vector<OpFactor> factors;
    for (int f = pick(4); f >= 0; --f) {
      const int site = pick(op.sites());
      const auto names = spaces[static_cast<std::size_t>(site)].operator_names();
      factors.push_back(
          {names[static_cast<std::size_t>(pick(static_cast<int>(names.size())))], site});
    }
    op.add({normal(random), normal(random)}, std::move(factors));
  }
  return op;
}

}  // namespace kronsolve::test
