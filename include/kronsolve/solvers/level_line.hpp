#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

class CheckpointReader;
class CheckpointWriter;

/// The lowest levels of H(t) = A + t (B - A), 0 <= t <= 1, everywhere from solves at a few t, with
/// bounds on what they are off.
///
/// Values are those of H(t) in the space that the vectors found so far span (Rayleigh-Ritz). They are
/// never too low. How much too high they can be follows from the residuals R of the lowest j + 1 of
/// them and from a number b that level j + 1 does not lie below: |R|^2 / (b - |R| - value j), for all
/// levels up to j. Sums of lowest levels are concave along t, so that between two solves the chord is
/// a lower bound of them, which gives b. So the bounds hold for the levels by their number, whatever
/// crosses; they take for granted that solves have missed no level, which is certified there with a
/// probability of 1e-9 to be wrong, and include rounding.
///
/// `at` needs no vectors: Gram matrices of A V and (B - A) V say all.
/// Memory: 3 (k + 2) vectors for each solve, two products.
/// Sources: eigenvector continuation, Frame et al. 2018, doi:10.1103/PhysRevLett.121.032501; reduced
/// bases of spin systems, Herbst et al. 2022, doi:10.1103/PhysRevE.105.045303; the quadratic bound,
/// Li and Li 2005, doi:10.1016/j.laa.2004.08.026; sums of levels, Fan 1949,
/// doi:10.1073/pnas.35.11.652.
class KRONSOLVE_EXPORT LevelLine {
 public:
  /// @param a, b     the ends; a's basis is that of all of them
  /// @param options  of the solves; the lowest k pairs, with vectors and certificate. A checkpoint
  ///                 is of the solve under way; who keeps the line opens a stage around it
  /// @throws InvalidArgument  options that are not; the ends are the same operator
  LevelLine(const Comm& comm, SectorOperator a, const OpSum& b, const EighOptions& options);
  LevelLine(const Comm&&, SectorOperator, const OpSum&, const EighOptions&) = delete;
  ~LevelLine();

  /// Solves for the k lowest pairs of H(t), from what is known, and learns from them. Collective.
  /// @throws as eigh
  EighResult solve(double t);

  /// What solves have taught, into a checkpoint. Collective.
  void write(CheckpointWriter& writer) const;
  /// And from one. Collective. Takes two products for each vector.
  void restore(const CheckpointReader& reader);

  index_t dimension() const { return a_.dimension(); }  ///< rows of the operators

  /// The levels somewhere on the line, and how far off they may be.
  struct Levels {
    std::vector<double> values;  ///< k, ascending
    std::vector<double> bounds;  ///< level i is in [value - bound, value]; infinite: not known
  };
  /// Local, the same on every rank; O(solves^3).
  Levels at(double t) const;

 private:
  class Space;
  template <Scalar T>
  class SpaceOf;
  std::unique_ptr<Space> space_;
  const Comm& comm_;
  SectorOperator a_;
  OpSum step_;
  EighOptions options_;
  /// Lower bounds of the sums of the lowest 1, 2, ... levels, at the t of the solves.
  std::map<double, std::vector<double>> sums_;
};

/// The t for which an operator is a + t (b - a); nothing if it is not on that line. Local.
/// @throws InvalidArgument  a and b are the same
KRONSOLVE_EXPORT std::optional<double> place_on_line(const OpSum& a, const OpSum& b,
                                                     const OpSum& h);

}  // namespace kronsolve
