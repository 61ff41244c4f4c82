#pragma once
// The sites cut in two: which configurations of one part meet which of the other, and with which
// fermion sign.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <kronsolve/operators/basis.hpp>

#include "operators/bases/additive_table.hpp"
#include "operators/bases/digit_layout.hpp"

namespace kronsolve::detail {

/// Occupied fermion modes: bit k is the k-th fermionic site. All up (or spinless) modes precede all
/// down modes.
struct Modes {
  PackedDigits up = 0, down = 0;
  Modes& operator+=(const Modes& other) {
    up += other.up;
    down += other.down;
    return *this;
  }
  friend Modes operator&(Modes a, Modes b) { return {a.up & b.up, a.down & b.down}; }
  friend Modes operator^(Modes a, Modes b) { return {a.up ^ b.up, a.down ^ b.down}; }
  bool odd() const noexcept {
    const PackedDigits both = up ^ down;
    return __builtin_parityll(static_cast<std::uint64_t>(both) ^
                              static_cast<std::uint64_t>(both >> 64)) != 0;
  }
};

/// Which part's operators stand first in |a, b> = (operators of the first part)(operators of the
/// second)|0>.
enum class FermionOrder { system_first, environment_first };

/// A set of sites, the system, and the rest, its environment. In a basis given by additive charges,
/// configurations of the system fall into blocks: all of a block meet the same configurations of
/// the environment, and no others. Where local rules forbid some, those of a block meet no others,
/// and not always all of them.
class Bipartition {
 public:
  /// @param sites  of the system, ascending
  /// @throws NotSupported  a basis of a user's own
  Bipartition(const Basis& basis, std::vector<int> sites, FermionOrder order);

  struct Block {
    std::vector<state_t> parts;  ///< the system's digits as a part of a state, ascending
    /// The system's configuration as a number, its first site the most significant; empty if the
    /// system has too many for density matrices.
    std::vector<index_t> numbers;
    std::vector<Modes>
        signs;  ///< environment modes whose occupation changes the sign; empty without fermions
    double environment = 0;  ///< configurations of the environment that it meets, at most
    index_t size() const noexcept { return static_cast<index_t>(parts.size()); }
  };
  const std::vector<Block>& blocks() const noexcept { return blocks_; }
  /// Configurations of the system, all blocks or none.
  /// @throws InvalidArgument  more than tables can have
  index_t dimension() const;

  struct Place {
    state_t part = 0;    ///< digits of the system in the state
    index_t number = 0;  ///< the same as a number; 0 in systems without numbers
    Modes modes;         ///< occupied ones, of all sites
    Place& operator+=(const Place& other) {
      part += other.part;
      number += other.number;
      modes += other.modes;
      return *this;
    }
  };
  Place place(state_t state) const { return places_(state); }
  struct Member {
    std::int32_t block = -1;  ///< -1: of none
    std::int32_t position = -1;
  };
  Member find(const Place& p) const {
    if (tabled_) return members_[static_cast<std::size_t>(p.number)];
    const auto at = std::lower_bound(parts_.begin(), parts_.end(), p.part);
    return at != parts_.end() && *at == p.part
               ? members_of_parts_[static_cast<std::size_t>(at - parts_.begin())]
               : Member();
  }
  bool has_signs() const noexcept { return has_signs_; }

  /// Largest and total number of matrix entries (block size squared) and the bytes of the tables.
  double largest_block_entries() const;
  double all_block_entries() const;
  index_t table_bytes() const;

 private:
  void add(state_t part, index_t number, int block, const Modes& signs);

  std::vector<int> sites_;
  index_t dimension_ = 0;     ///< 0: too many
  double members_known_ = 0;  ///< configurations that belong to blocks, at most
  std::vector<Block> blocks_;
  bool tabled_ = false;
  std::vector<Member> members_;  ///< by number, if there is that table
  std::vector<state_t> parts_;   ///< of all members, ascending, if there is none
  std::vector<Member> members_of_parts_;
  AdditiveTable<Place> places_;
  bool has_signs_ = false;
};

/// Sum over blocks of (block size)^2 if these sites were the system; without building anything.
double block_entries(const Basis& basis, const std::vector<int>& sites);

/// The other sites, ascending.
std::vector<int> complement(const Basis& basis, const std::vector<int>& sites);

/// @throws InvalidArgument  sites do not ascend strictly or lie outside [0, basis.sites()); `where`
///                          is named
void require_sites(const Basis& basis, const std::vector<int>& sites, const char* where);

/// The sites of both sets, ascending.
/// @throws InvalidArgument  as require_sites; they share a site
std::vector<int> united(const Basis& basis, const std::vector<int>& a, const std::vector<int>& b,
                        const char* where);

}  // namespace kronsolve::detail
