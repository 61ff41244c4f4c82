#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/sector_scan.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// A level of one sector.
struct KRONSOLVE_EXPORT Level {
  double energy = 0;                   ///< eigenvalue of H
  double residual = 0;                 ///< 2-norm of Hx - lx
  std::size_t sector = 0;              ///< its place in SectorLevels::sectors
  std::optional<double> s2;            ///< <S^2>, where the operator conserves total spin
  std::vector<double> measured;        ///< by SectorLevelsOptions::measure
  std::optional<double> spin() const;  ///< S of S(S+1) = s2, as spin_of
  template <class Archive>
  void serialize(Archive& archive) {
    archive(energy, residual, sector, s2, measured);
  }
};

/// How one sector was solved.
struct SectorSolve {
  bool converged = false;  ///< every pair within its tolerance
  bool complete = false;   ///< all its levels are there
  /// No level is missing below the highest found; nothing where it was not checked.
  std::optional<bool> certified;
  ScalarKind scalar = ScalarKind::real;         ///< of the arithmetic
  Method method = Method::automatic;            ///< what solved it
  OperatorForm form = OperatorForm::automatic;  ///< of the operator
  index_t products = 0;                         ///< with the operator of this sector
  double seconds = 0;                           ///< it took, on the wall
  template <class Archive>
  void serialize(Archive& archive) {
    archive(converged, complete, certified, scalar, method, form, products, seconds);
  }
};

/// The lowest levels of several sectors.
struct KRONSOLVE_EXPORT SectorLevels {
  std::vector<ScannedSector> sectors;  ///< the smallest first
  std::vector<SectorSolve> solves;     ///< of each sector
  std::vector<Level> levels;           ///< of all sectors, by energy
  /// Up to this energy no level is missing: the least of the highest levels found in the sectors of
  /// which some are left out. Nothing if all are there.
  std::optional<double> complete_below;

  bool converged() const;  ///< of every sector
  /// Nothing where no sector was checked.
  std::optional<bool> certified() const;
};

/// How each sector is solved and what is asked of its levels.
struct SectorLevelsOptions {
  /// Of each sector; k at most, fewer where a sector has fewer states. A checkpoint keeps the sectors
  /// that are done, and what one of them needs that all ranks solve together.
  EighOptions solve = {};
  bool spins = true;  ///< find S of each level, where it is conserved
  /// Numbers about the eigenvector in that column of a result, for `Level::measured`; called on all
  /// ranks of `comm`.
  std::function<std::vector<double>(const Comm& comm, const SectorOperator& op,
                                    const EighResult& result, index_t column)>
      measure = {};
  /// Called on rank 0: sectors that are done, and all.
  std::function<void(index_t done, index_t all)> progress = {};
};

/// What `sector_levels` does, with a life of its own: as long as it is there a checkpoint keeps the
/// sectors that are done, so that a solve that follows goes on without them.
class KRONSOLVE_EXPORT SectorScan {
 public:
  /// Collective on `comm`, which, like `h`, must outlive it.
  /// @throws InvalidArgument  as `sector_levels`; a checkpoint of other sectors, or with `measure`
  SectorScan(const Comm& comm, const OpSum& h, std::vector<ScannedSector> sectors,
             const SectorLevelsOptions& options);
  ~SectorScan();
  SectorScan(const SectorScan&) = delete;
  SectorScan& operator=(const SectorScan&) = delete;

  /// Once. Collective.
  /// @throws Stopped  as `CheckpointStage::step`
  SectorLevels run();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

/// Solves the sectors that `conditions` name (`scan_sectors`), one for each set with equal levels.
/// Collective on `comm`. Small sectors are dealt to the ranks, which solve them alone; all ranks
/// together solve each large one.
///
/// Levels of one sector that agree to rounding are mixtures of their total spins; their spins are
/// the eigenvalues of S^2 among them.
/// @throws InvalidArgument  as `scan_sectors` and `eigh`; a target or an interval
KRONSOLVE_EXPORT SectorLevels sector_levels(const Comm& comm, const OpSum& h,
                                            const Lattice& lattice,
                                            const std::vector<std::string>& conditions,
                                            const SectorLevelsOptions& options = {});
/// The same of a list of sectors, the smallest first.
KRONSOLVE_EXPORT SectorLevels sector_levels(const Comm& comm, const OpSum& h,
                                            std::vector<ScannedSector> sectors,
                                            const SectorLevelsOptions& options = {});

/// Total S^2 of the spins and electrons.
/// @throws InvalidArgument  no site has a spin
KRONSOLVE_EXPORT OpSum total_spin_squared(const std::vector<LocalSpace>& spaces);

/// S of S(S+1), rounded to a half if it is one but for the errors of an eigenvector. Local.
KRONSOLVE_EXPORT double spin_of(double square);
/// "1/2"; what is no half with four digits. Local.
KRONSOLVE_EXPORT std::string spin_text(double spin);

}  // namespace kronsolve
