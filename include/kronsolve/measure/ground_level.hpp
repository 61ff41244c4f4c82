#pragma once

#include <complex>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// Ground states of one sector.
struct GroundStates {
  std::vector<std::string> conditions;  ///< of the sector
  std::shared_ptr<const Basis> basis;   ///< states that the amplitudes belong to
  /// Owned rows, a column each.
  std::variant<DistributedVectors<double>, DistributedVectors<std::complex<double>>> vectors;

  index_t count() const {  ///< of these states, which are orthonormal
    return std::visit([](const auto& x) { return x.count(); }, vectors);
  }
};

/// The lowest level with all its states.
struct KRONSOLVE_EXPORT GroundLevel {
  double energy = 0;           ///< of the level
  double residual = 0;         ///< largest 2-norm of Hx - lx
  std::optional<double> spin;  ///< S of the lowest multiplet, where total spin is conserved
  index_t sectors = 0;         ///< that were looked at
  bool converged = false;      ///< all its pairs reached their tolerance
  /// No level lies below and none is missing; nothing where it was not checked.
  std::optional<bool> certified;
  std::vector<GroundStates> states;  ///< one for each sector that has any

  index_t degeneracy() const;  ///< number of states of the level, of all sectors together
};

/// Finds the lowest level of the sectors that `conditions` name (`scan_sectors`) and its states in
/// each of them. Where total spin is conserved and Sz is asked for as `all_sectors` does, all states
/// of the lowest multiplets are found. Collective on `comm`, which must outlive the result.
/// @param options   k counts for nothing
/// @param progress  called on rank 0: sectors that are done, and all
/// @throws InvalidArgument  as `sector_levels`; more than 64 states: a ferromagnet without a field
/// Cost: two levels of every sector, then the vectors of those that hold ground states.
KRONSOLVE_EXPORT GroundLevel
ground_level(const Comm& comm, const OpSum& h, const Lattice& lattice,
             const std::vector<std::string>& conditions, const EighOptions& options = {},
             const std::function<void(index_t done, index_t all)>& progress = {});
GroundLevel ground_level(const Comm&&, const OpSum&, const Lattice&,
                         const std::vector<std::string>&, const EighOptions& = {},
                         const std::function<void(index_t, index_t)>& = {}) = delete;

}  // namespace kronsolve
