#pragma once

#include <string>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sectors.hpp>

namespace kronsolve {

/// One of several sectors that share a spectrum, and the conditions of the others.
struct ScannedSector {
  Sector sector;          ///< the one that is solved
  index_t dimension = 0;  ///< number of its states
  /// Conditions of the sectors with the same spectrum.
  std::vector<std::vector<std::string>> images;

  /// Sectors that share this spectrum, itself included.
  int copies() const noexcept { return 1 + static_cast<int>(images.size()); }
};

/// A value that stands for several: `momentum=all`, `sz=0..3`.
KRONSOLVE_EXPORT bool is_scan(const std::vector<std::string>& conditions);

/// The sectors that conditions name which may have several values: `NAME=all` is every value,
/// `NAME=a..b` those from a to b; other conditions are those of `parse_sector`. Local; nothing is
/// listed.
///
/// Every combination with states is there, the smallest first. Where no value of a symmetry goes
/// together with the rest (a reflection at a general momentum), `all` leaves that symmetry out
/// there, so that the sectors of `all` together are the whole space. Sectors that a symmetry of the
/// operator maps on each other (a reflection, a rotation, a spin flip, complex conjugation of a
/// real operator) have the same levels: one stands for them, the others are its `images`.
/// @throws InvalidArgument  as `parse_sector` and `require_respects`; a range without values; no
///                          combination with states
KRONSOLVE_EXPORT std::vector<ScannedSector> scan_sectors(
    const OpSum& op, const Lattice& lattice, const std::vector<std::string>& conditions);

/// The same with every image as a sector of its own: where states are wanted, not levels alone.
KRONSOLVE_EXPORT std::vector<ScannedSector> scan_every_sector(
    const OpSum& op, const Lattice& lattice, const std::vector<std::string>& conditions);

/// The symmetries of a lattice that have names, each with the character 1, and the spin flip: which
/// of them an operator has is another question. Local.
KRONSOLVE_EXPORT const std::vector<std::string>& named_symmetries(const Lattice& lattice);

/// Conditions for `scan_sectors` that reach every level: each charge and each named symmetry of the
/// lattice that the operator has, with all its values. Where total spin is conserved, every
/// multiplet has a state with the least |Sz|, and only that one is asked for. Local.
///
/// @param given  conditions that are asked for; they come first, and what they settle is left out,
///               as is what would lose some of their states: momenta beside `reflection=1`
KRONSOLVE_EXPORT std::vector<std::string> all_sectors(const OpSum& op, const Lattice& lattice,
                                                      const std::vector<std::string>& given = {});

/// The same for states in place of levels: each sector is a part of one that `given` names (it has
/// the conditions of that one and more, `is_part_of`), and together they have all its states. Local.
KRONSOLVE_EXPORT std::vector<std::string> split_sectors(const OpSum& op, const Lattice& lattice,
                                                        const std::vector<std::string>& given = {});

/// It has all conditions of `whole`. Local.
KRONSOLVE_EXPORT bool is_part_of(const Sector& part, const Sector& whole);

/// Whether the operator commutes with every component of the total spin of its spins and electrons;
/// false if it has neither. Local.
KRONSOLVE_EXPORT bool conserves_total_spin(const OpSum& op);

}  // namespace kronsolve
