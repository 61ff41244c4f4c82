#pragma once
// Every pair (bra row, ket amplitude) that a list of operators joins, visited once.

#include <algorithm>
#include <span>
#include <vector>

#include <omp.h>

#include <kronsolve/core/threads.hpp>

#include "operators/rows/operator_moves.hpp"
#include "operators/states/amplitudes.hpp"

namespace kronsolve::detail {

/// Walks over the owned rows of `bra_basis` and calls visit(thread, i, move, digits, amplitude) for
/// every owned row i (counted from the first owned one) and every move that leads from it to a row
/// of ket; digits are the bra's. Collective.
///
/// In a bra basis of orbits rows stand for their representatives, and amplitudes come multiplied so
/// that sums over the visited elements are <row|O|ket> if O takes ket into that sector. Calls for one row come from one thread. `visit` must not throw.
template <Scalar T, Scalar C, class Visit>
class ElementWalk {
 public:
  ElementWalk(const Basis& bra_basis, const OperatorMoves<C>& moves, const StateView<T>& ket,
              Visit visit)
      : bra_(bra_basis),
        moves_(moves),
        ket_(ket),
        visit_(std::move(visit)),
        comm_(ket.comm()),
        mine_(bra_basis.partition(comm_.size()).range(comm_.rank())),
        lists_(static_cast<std::size_t>(num_threads())) {}

  index_t rows_per_round() const {
    const auto moves = static_cast<index_t>(moves_.moves().size());
    return std::max(least_rows, most_elements / std::max<index_t>(1, moves));
  }
  /// @param after_round  called on each rank with the owned rows [begin, end) that are finished
  template <class AfterRound>
  void run(AfterRound&& after_round) {
    const index_t round_rows = rows_per_round();
    const index_t rounds =
        comm_.all_reduce((mine_.size() + round_rows - 1) / round_rows, Reduce::max);
    for (index_t round = 0; round < rounds; ++round) {
      const RowRange rows{std::min(mine_.size(), round * round_rows),
                          std::min(mine_.size(), (round + 1) * round_rows)};
      walk(rows);
      finish();
      after_round(rows);
    }
  }

 private:
  static constexpr index_t most_elements = index_t{1} << 22;
  static constexpr index_t least_rows = 1024;
  static constexpr index_t chunk_rows = 256;
  /// An element whose ket amplitude another rank holds.
  struct Pending {
    index_t key;
    index_t row;
    std::size_t move;
    PackedDigits digits;
    T factor;
  };

  void walk(RowRange rows) {
    const index_t chunks = (rows.size() + chunk_rows - 1) / chunk_rows;
#pragma omp parallel for schedule(static) num_threads(static_cast <int>(lists_.size()))
    for (index_t chunk = 0; chunk < chunks; ++chunk)
      walk_chunk({rows.begin + chunk * chunk_rows,
                  std::min(rows.end, rows.begin + (chunk + 1) * chunk_rows)});
  }

  void walk_chunk(RowRange rows) {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    const auto n = static_cast<std::size_t>(rows.size());
    std::vector<state_t> states(n), targets;
    std::vector<std::pair<std::size_t, std::size_t>> origins;  // row of the chunk, move
    std::vector<PackedDigits> digits(n);
    bra_.states({mine_.begin + rows.begin, mine_.begin + rows.end}, states);
    const auto& moves = moves_.moves();
    for (std::size_t i = 0; i < n; ++i) {
      digits[i] = moves_.digits(states[i]);
      for (std::size_t m = 0; m < moves.size(); ++m)
        if ((digits[i] & moves[m].mask) == moves[m].value) {
          targets.push_back(states[i] + moves[m].step);
          origins.emplace_back(i, m);
        }
    }
    std::vector<index_t> keys(targets.size());
    std::vector<T> factors(targets.size());
    ket_.locate(targets, keys, factors);
    const auto weights = bra_weights(states);
    for (std::size_t e = 0; e < targets.size(); ++e) {
      const auto [i, m] = origins[e];
      if (factors[e] == T{}) continue;  // leads out of the ket's sector
      const index_t row = rows.begin + static_cast<index_t>(i);
      const T factor = weights.empty() ? factors[e] : weights[i] * factors[e];
      if (ket_.owns(keys[e]))
        visit_(static_cast<int>(thread), row, moves[m], digits[i], factor * ket_.owned(keys[e]));
      else
        lists_[thread].push_back({keys[e], row, m, digits[i], factor});
    }
  }

  /// <row|O|psi> over <representative|O|psi>; none if rows are configurations.
  std::vector<T> bra_weights(std::span<const state_t> representatives) const {
    std::vector<T> weights;
    if (bra_.symmetries() == nullptr) return weights;
    for (const state_t state : representatives)
      weights.push_back(from_complex<T>(1.0 / std::conj(bra_.locate(state).amplitude)));
    return weights;
  }

  void finish() {
    if (comm_.size() == 1) return;
    std::vector<index_t> wanted;
    for (const auto& list : lists_)
      for (const auto& pending : list) wanted.push_back(pending.key);
    const auto values = ket_.fetch(wanted);
    std::vector<std::size_t> first(lists_.size() + 1, 0);
    for (std::size_t t = 0; t < lists_.size(); ++t) first[t + 1] = first[t] + lists_[t].size();
    const int threads = static_cast<int>(lists_.size());
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int thread = 0; thread < threads; ++thread) {
      const auto t = static_cast<std::size_t>(thread);
      for (std::size_t i = 0; i < lists_[t].size(); ++i) {
        const Pending& p = lists_[t][i];
        visit_(thread, p.row, moves_.moves()[p.move], p.digits, p.factor * values[first[t] + i]);
      }
      lists_[t].clear();
    }
  }

  const Basis& bra_;
  const OperatorMoves<C>& moves_;
  Amplitudes<T> ket_;
  Visit visit_;
  const Comm& comm_;
  RowRange mine_;
  std::vector<std::vector<Pending>> lists_;  ///< by thread
};

}  // namespace kronsolve::detail
