#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// The lowest pairs of many operators, one after the other, that differ by coefficients: a solve
/// begins at what the nearest ones before it have found, and never gives another answer than eigh.
///
/// - The start is the nearest vectors, or a polynomial through those on one line of operators, and a
///   small random part, so that no level is dark.
/// - That no level lies below the pairs follows where it can from a neighbour q whose level after the
///   pairs is known: by Weyl's inequality it has moved down by no more than the lowest eigenvalue of
///   H - H_q, which its parts bound (`lower_bound`). Elsewhere `certify_levels` looks, with one pair
///   more, so that the next operators have such a neighbour; or, of a single pair, eigh solves alone,
///   if neighbours have turned out not to help.
///
/// Where eigh takes a dense method, targets, the upper end of the spectrum or no vectors, it is called
/// as it is. Calls are collective; a vector is kept on the ranks that solved, in memory only.
class KRONSOLVE_EXPORT Neighbours {
 public:
  /// @param most_bytes  that the kept vectors may take on a rank, six solves at most
  explicit Neighbours(index_t most_bytes = index_t{256} << 20) : most_bytes_(most_bytes) {}
  /// `certificate` says what was concluded from a neighbour; `products` and `certify_products` count
  /// all that was done for this operator.
  /// @throws as eigh
  EighResult eigh(const Comm& comm, const SectorOperator& h, const EighOptions& options);

 private:
  using Vectors =
      std::variant<DistributedVectors<double>, DistributedVectors<std::complex<double>>>;
  /// What was found of one operator.
  struct Kept {
    OpSum op;
    std::vector<double> values;
    double beyond = 0;  ///< no further level lies below; -inf if that is not known
    Vectors vectors;
  };
  /// What they say of another one.
  struct Guess {
    decltype(EighOptions::start) start;
    double last_value = 0;  ///< of the pairs, probably
    double beyond = 0;      ///< as in Kept, for sure
  };
  void begin(const Comm& comm, const SectorOperator& h, const EighOptions& options);
  Guess guess(const Comm& comm, const OpSum& op) const;
  EighResult solve(const Comm& comm, const SectorOperator& h, const EighOptions& options);
  bool should_look_beyond(index_t k);
  void keep(const OpSum& op, const EighResult& result, double beyond);

  index_t most_bytes_;
  std::string family_;        ///< what all kept ones have in common
  std::uint64_t ranks_ = 0;   ///< names the ranks that hold them together
  std::uint64_t solves_ = 0;  ///< so far, on these ranks
  std::deque<Kept> kept_;
  index_t covered_ = -1;            ///< solves since the level beyond was looked for; -1: never was
  index_t pause_ = 0, longer_ = 4;  ///< solves before that is tried again
};

/// A number that no eigenvalue of a Hermitian sum lies below: the lowest eigenvalues of its parts on
/// equal sites, added up; of parts on many sites their norms. Local.
KRONSOLVE_EXPORT double lower_bound(const OpSum& h);

}  // namespace kronsolve
