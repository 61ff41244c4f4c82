#pragma once

#include <memory>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve {

/// Conditions on states that all hold together: charges, local rules and symmetries with their
/// characters. A small value; nothing is listed.
struct Sector {
  std::vector<LocalSpace> spaces;             ///< local space of each site
  std::vector<Charge> charges;                ///< values that conserved quantities have
  std::vector<SymmetryGenerator> generators;  ///< symmetries and their characters
  std::vector<std::string> conditions;        ///< as asked, momenta reduced to [0, length)
  std::vector<LocalRule> rules = {};          ///< what configurations there are

  /// No condition at all.
  bool is_full() const noexcept { return charges.empty() && rules.empty() && generators.empty(); }
};

/// From the conditions of the command line: `sz=0`, `n=4`, `nup=2`, `ndown=2`, `parity=1`;
/// `momentum=1` (k = 2 pi m/N, translation i -> i+1; on two-dimensional lattices `momentum=mx,my`,
/// or `momentum-x=1`), `reflection=-1` (i -> N-1-i; two dimensions: `reflection-x`,
/// `reflection-y`, and `reflection-d`, which exchanges x and y), `rotation=m` (exp(-2 pi i m/n)
/// under the smallest rotation of the lattice, n of which are a full turn), `spinflip=1`; any
/// permutation of the sites, site i to the i-th number, with its phase as a part of a turn:
/// `permutation=1,2,0:1/3`. Rules about configurations are those of `LocalRule::parse`: `blockade`,
/// `max-run=2`, `forbid=101`. Local.
/// @throws InvalidArgument  unknown or repeated condition, a value that is not allowed, a symmetry
///                          the lattice does not have, characters that contradict each other (with
///                          the relation that breaks them), symmetries that break a rule
KRONSOLVE_EXPORT Sector parse_sector(const std::vector<LocalSpace>& spaces, const Lattice& lattice,
                                     const std::vector<std::string>& conditions);

/// A sector with one more rule, such as one that is made of a function (`LocalRule::make`). Local.
/// @throws InvalidArgument  a symmetry of the sector breaks it
KRONSOLVE_EXPORT Sector with_rule(Sector sector, LocalRule rule);

/// States of a sector, without listing them. Local; within a second for 36 sites.
KRONSOLVE_EXPORT index_t sector_size(const Sector& sector);

/// @throws InvalidArgument  `op` does not respect the sector: names the term and the condition
KRONSOLVE_EXPORT void require_respects(const OpSum& op, const Sector& sector);

/// The basis of a sector: full, charges, or symmetries. Collective on `comm` (which must outlive
/// it) if the sector has symmetries, local otherwise.
/// @throws InvalidArgument  the sector is empty: names those that are not
KRONSOLVE_EXPORT std::shared_ptr<const Basis> make_basis(const Comm& comm, const Sector& sector);
std::shared_ptr<const Basis> make_basis(const Comm&&, const Sector&) = delete;

/// A sector with symmetries by its size alone, which takes milliseconds where listing takes
/// minutes: what a plan needs. It names no state.
class KRONSOLVE_EXPORT CountedBasis final : public Basis {
 public:
  /// @throws InvalidArgument  the sector is empty: names those that are not
  explicit CountedBasis(const Sector& sector);
  index_t size() const override { return size_; }
  /// @throws InvalidArgument  always: no state is known
  state_t state(index_t i) const override;
  index_t index(state_t state) const override;
  ScalarKind scalar() const override { return group_.scalar(); }
  std::vector<std::string> sector() const override { return sector_.conditions; }
  const std::vector<Charge>& charges() const override { return sector_.charges; }
  const std::vector<LocalRule>& rules() const override { return sector_.rules; }
  const SymmetryGroup* symmetries() const override { return &group_; }
  bool is_listed() const override { return false; }

 private:
  Sector sector_;
  SymmetryGroup group_;
  index_t size_;
};

/// As in_sector, but states of symmetries are counted, not listed: for `plan_eigh`. Local.
/// @throws InvalidArgument  as require_respects and make_basis
KRONSOLVE_EXPORT SectorOperator in_counted_sector(OpSum op, const Sector& sector);

/// The conditions that a basis was made of. Local.
/// @throws NotSupported  a basis of a user's own
KRONSOLVE_EXPORT Sector sector_of(const Basis& basis);

/// An operator in a sector, checked. Collective as make_basis.
/// @throws InvalidArgument  as require_respects and make_basis
KRONSOLVE_EXPORT SectorOperator in_sector(const Comm& comm, OpSum op, const Sector& sector);

}  // namespace kronsolve
