#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/symmetry_group.hpp>

namespace kronsolve {

namespace detail {
class GroupAction;
class SortedIndex;
class Stabilisers;
}  // namespace detail

/// The states of a symmetry sector: orbits of configurations under a group, each known by its least
/// configuration, its representative. Rows ascend by representative; row i is the normalised
///
///     |i> = sqrt(|G| / |Stab_i|) P |representative_i>,
///     P = 1/|G| sum over g of conj(character(g)) U_g.
///
/// Spread over the ranks of a communicator in contiguous ranges of equal size; each rank holds the
/// representatives of its own rows (8 bytes each: configurations of more than 64 bits are refused),
/// and `state` and `index` know these only. The communicator must outlive the basis. Where the spin
/// flip is all there is, nothing is listed: the representatives are paths, every rank knows them
/// all, and ranks divide them as those of charges.
/// Source: A. W. Sandvik, AIP Conf. Proc. 1297, 135 (2010), doi:10.1063/1.3518900, section 4.
class KRONSOLVE_EXPORT SymmetryBasis final : public Basis {
 public:
  /// What a rank needs for each of its states while they are listed.
  static constexpr index_t listing_bytes = 24;

  /// Lists the representatives. Collective on `comm`; each is found by one rank, in a tree whose
  /// branches are given up where nothing behind them can be the least of its orbit.
  /// @throws InvalidArgument  no states, configurations of more than 64 bits, charges that a spin
  ///                          flip of the group changes, rules that a symmetry of it breaks
  SymmetryBasis(const Comm& comm, SymmetryGroup group, std::vector<Charge> charges,
                std::vector<std::string> sector, std::vector<LocalRule> rules = {});
  SymmetryBasis(const Comm&&, SymmetryGroup, std::vector<Charge>, std::vector<std::string>,
                std::vector<LocalRule> = {}) = delete;  ///< it would be gone
  /// Without a list: local, and the same on any number of ranks.
  /// @param mirror  see flip_mirror
  /// @throws InvalidArgument  as above
  SymmetryBasis(SymmetryGroup group, std::vector<Charge> charges, std::vector<std::string> sector,
                const MirrorRule& mirror, std::vector<LocalRule> rules = {});
  ~SymmetryBasis() override;

  index_t size() const override { return partition_.rows(); }  ///< states, on all ranks together
  /// Representative of an owned row.
  /// @throws InvalidArgument  another rank has the row
  state_t state(index_t i) const override;
  /// Row of an owned representative, -1 if the configuration is none.
  /// @throws InvalidArgument  another rank would know
  index_t index(state_t state) const override;
  void indices(std::span<const state_t> states, std::span<index_t> indices) const override;
  ScalarKind scalar() const override { return group_.scalar(); }
  RowPartition partition(int ranks) const override;
  std::vector<std::string> sector() const override { return sector_; }

  /// Keys are representatives.
  void locate(std::span<const state_t> states, std::span<index_t> keys,
              std::span<std::complex<double>> amplitudes) const override;
  using Basis::locate;
  int owner(index_t key, const RowPartition& rows) const override {
    return listed_ ? owner(static_cast<name_t>(key)) : rows.owner(row(key));
  }
  index_t row(index_t key) const override { return index(static_cast<name_t>(key)); }
  void orbit(index_t row, std::vector<Component>& components) const override;
  const Basis& configurations() const override { return *configurations_; }
  const std::vector<Charge>& charges() const noexcept override { return charges_; }
  const std::vector<LocalRule>& rules() const noexcept override { return rules_; }
  const SymmetryGroup* symmetries() const noexcept override { return &group_; }
  const SymmetryBasis* orbits() const noexcept override { return this; }
  /// Of the representatives, where they are not listed.
  const DigitPaths* paths() const noexcept override { return listed_ ? nullptr : &paths_; }

  /// Whose ranks know the representatives together; this process alone where they are not listed,
  /// and its rows are all there are.
  const Comm& comm() const noexcept { return *comm_; }
  /// Rows of this rank of comm().
  RowRange row_range() const { return partition_.range(comm_->rank()); }
  std::span<const name_t> representatives() const noexcept {
    return states_;
  }  ///< of the owned rows, where they are listed
  /// Rank that has a representative, if any has it. O(log ranks).
  int owner(name_t representative) const noexcept;
  /// Row of each, -1 of what represents no orbit of the sector; their places in memory are fetched
  /// beforehand.
  /// @throws InvalidArgument  another rank has one
  void rows_of(std::span<const name_t> representatives, std::span<index_t> rows) const;
  /// The symmetries, with the character.
  const SymmetryGroup& group() const noexcept { return group_; }
  /// Its elements as operations on configurations.
  const detail::GroupAction& action() const noexcept { return *action_; }
  /// Elements of the group that leave the representative of an owned row where it is.
  int stabiliser(index_t row) const;
  /// The same by local row, where representatives are listed.
  const detail::Stabilisers& stabilisers() const noexcept { return *stabilisers_; }
  index_t memory_bytes() const noexcept;  ///< of what this rank holds for the basis

 private:
  void list_states();
  void count_stabilisers();
  void require_owned(name_t representative) const;

  void make_configurations();

  const Comm* comm_;
  bool listed_;
  SymmetryGroup group_;
  std::vector<Charge> charges_;
  std::vector<LocalRule> rules_;
  std::vector<std::string> sector_;
  std::unique_ptr<const Basis> configurations_;
  std::unique_ptr<const detail::GroupAction> action_;
  RowPartition partition_;
  DigitPaths paths_;
  PathIndex index_;
  LargeVector<name_t> states_;
  std::unique_ptr<const detail::SortedIndex> positions_;  ///< in states_
  std::unique_ptr<const detail::Stabilisers> stabilisers_;
  std::vector<name_t>
      firsts_;  ///< first representative of each rank; ranks without rows repeat that of the next
};

/// The representatives under a group as strings below their mirror image, if the group is a spin
/// flip and nothing else; not where electrons stand among spinless fermions, whose signs know more
/// than digits.
KRONSOLVE_EXPORT std::optional<MirrorRule> flip_mirror(const SymmetryGroup& group);

/// @throws InvalidArgument  a spin flip of the group leads out of the sector of a charge, or a
///                          symmetry from configurations that obey the rules to others
KRONSOLVE_EXPORT void require_compatible(const SymmetryGroup& group,
                                         const std::vector<Charge>& charges,
                                         const std::vector<LocalRule>& rules = {});

/// @throws InvalidArgument  `op` changes under a generator of the group; the text names the term
///                          and the generator
KRONSOLVE_EXPORT void require_symmetric(const OpSum& op, const SymmetryGroup& group);

}  // namespace kronsolve
