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
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve::test {

struct MeasureCase {
  std::string name;
  std::shared_ptr<const Basis> basis;  ///< on the ranks of the test
  std::shared_ptr<const Basis> alone;  ///< the same on this process
};

inline const Comm& alone() {
  static const Comm comm;
  return comm;
}

/// Bases whose states T can hold.
template <Scalar T>
std::vector<MeasureCase> measure_cases() {
  using Spaces = std::vector<LocalSpace>;
  const Spaces spins(6), spin1(4, LocalSpace::spin(2)), fermions(6, LocalSpace::fermion()),
      electrons(3, LocalSpace::electron());
  const Spaces mixed = {LocalSpace::spin(1), LocalSpace::electron(), LocalSpace::boson(3),
                        LocalSpace::fermion(), LocalSpace::plain(3)};
  std::vector<MeasureCase> cases;
  const auto add = [&](std::string name, const Spaces& spaces,
                       std::vector<std::string> conditions) {
    const auto lattice = Lattice::chain(static_cast<int>(spaces.size()), Cyclic::all);
    const Sector sector = parse_sector(spaces, lattice, conditions);
    for (const auto& condition : conditions) name += " " + condition;
    MeasureCase next{std::move(name), make_basis(world(), sector), make_basis(alone(), sector)};
    if (is_complex<T> || next.basis->scalar() == ScalarKind::real) cases.push_back(std::move(next));
  };
  add("spins", spins, {});
  add("spins", spins, {"sz=0"});
  add("spin-1", spin1, {"sz=1"});
  add("fermions", fermions, {});
  add("fermions", fermions, {"n=3"});
  add("fermions", fermions, {"parity=1"});
  add("electrons", electrons, {});
  add("electrons", electrons, {"nup=2", "ndown=1"});
  add("mixed", mixed, {});
  add("mixed", mixed, {"n=3"});
  add("spins", spins, {"sz=0", "momentum=0", "reflection=1", "spinflip=1"});
  add("spins", spins, {"sz=0", "spinflip=-1"});
  add("spin-1", spin1, {"sz=0", "spinflip=1"});
  add("electrons", electrons, {"n=2", "spinflip=1"});
  add("spins", spins, {"momentum=1"});
  add("spin-1", spin1, {"sz=0", "momentum=2", "spinflip=1"});
  add("fermions", fermions, {"n=3", "momentum=2"});
  add("fermions", fermions, {"parity=0", "reflection=-1"});
  add("electrons", electrons, {"nup=1", "ndown=1", "momentum=0", "spinflip=-1"});
  const Spaces atoms(7, LocalSpace::boson(2));
  add("atoms", atoms, {"blockade"});
  add("atoms", atoms, {"n=2", "blockade"});
  add("atoms", atoms, {"blockade", "momentum=2"});
  add("fermions", fermions, {"n=1,3", "max-run=2"});
  add("electrons", electrons, {"parity=0", "forbid=33;12", "momentum=0"});
  add("spins", spins, {"sz=-1,1", "spinflip=-1"});
  add("spins", spins, {"forbid=000;111", "spinflip=1"});
  return cases;
}

/// The owned amplitudes of a random state.
template <Scalar T>
Buffer<T> random_on(const Comm& comm, const Basis& basis, std::uint64_t seed) {
  return make_state<T>(comm, basis, random_state(basis.spaces(), seed));
}

/// The state as a vector on the full space, the same on every rank; made without the ranks.
template <Scalar T>
Eigen::VectorXcd dense_random(const MeasureCase& c, std::uint64_t seed) {
  const Basis& basis = *c.alone;
  const auto psi = random_on<T>(alone(), basis, seed);
  const index_t configurations = FullBasis(basis.spaces()).size();
  Eigen::VectorXcd v = Eigen::VectorXcd::Zero(static_cast<Eigen::Index>(configurations));
  std::vector<Component> components;
  for (index_t i = 0; i < basis.size(); ++i) {
    basis.orbit(i, components);
    for (const auto& [state, amplitude] : components)
      v[static_cast<Eigen::Index>(state)] += amplitude * psi[i];
  }
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
