#pragma once
// The matrix psi(system, environment) of a state, column by column, each column on one rank.

#include <algorithm>
#include <span>
#include <vector>

#include <omp.h>

#include <kronsolve/core/threads.hpp>

#include "measure/bipartition.hpp"
#include "operators/states/amplitudes.hpp"

namespace kronsolve::detail {

/// Hands out the columns of blocks [first, last) of the matrix M[a, b] = sign(a, b) psi(a, b):
/// every environment configuration b on exactly one rank, where all system configurations a of its
/// block come together.
///
/// A rank finds its columns among its share of the configurations (the rows that it owns): column b
/// belongs to the owner of the row (a, b) for one a that a hash of b picks from the block (the next
/// one in the block that local rules allow with b), so columns spread evenly and, where the system
/// sits at the end of the chain, need no message.
template <Scalar T>
class ColumnStream {
 public:
  ColumnStream(const StateView<T>& psi, const Bipartition& parts)
      : psi_(psi),
        parts_(parts),
        amplitudes_(psi),
        configurations_(&psi.basis().configurations()),
        mine_(configurations_->partition(psi.comm().size()).range(psi.comm().rank())),
        sizes_(configurations_->partition(psi.comm().size()).max_local_rows()) {}

  /// Calls consume(block, values, columns): `columns` columns of block size, one after the other.
  /// Collective.
  template <class Consume>
  void run(int first, int last, Consume&& consume) const {
    const index_t rounds =
        psi_.comm().all_reduce((mine_.size() + sizes_.rows - 1) / sizes_.rows, Reduce::max);
    std::vector<Pending> pending(static_cast<std::size_t>(last - first));
    for (index_t round = 0; round < rounds; ++round) {
      const RowRange rows{std::min(mine_.end, mine_.begin + round * sizes_.rows),
                          std::min(mine_.end, mine_.begin + (round + 1) * sizes_.rows)};
      const auto columns = find(rows, first, last);
      fill(columns, first, pending);
      for (int block = first; block < last; ++block) {
        auto& p = pending[static_cast<std::size_t>(block - first)];
        if (p.columns == 0 ||
            (round + 1 < rounds && static_cast<index_t>(p.values.size()) < sizes_.values))
          continue;
        consume(block, std::span<const T>(p.values), p.columns);
        p = {};
      }
    }
  }

  /// Bytes that a run holds at most besides what the consumer keeps.
  static index_t memory_bytes(const Bipartition& parts, index_t max_local_rows, int ranks) {
    const Sizes sizes(max_local_rows);
    const index_t rows = std::min(sizes.rows, max_local_rows);
    double values = double(rows);
    for (const auto& block : parts.blocks())
      values +=
          std::min(double(sizes.values + block.size()), double(block.size()) * block.environment);
    // Requests: row and owner twice, place of the answer, and the answer twice; columns without.
    const index_t row_bytes =
        static_cast<index_t>(ranks > 1 ? 3 * sizeof(index_t) + sizeof(Missing) + 2 * sizeof(T)
                                       : 0) +
        static_cast<index_t>(sizeof(Column));
    return static_cast<index_t>(values) * static_cast<index_t>(sizeof(T)) + rows * row_bytes;
  }

 private:
  /// How much is under way at once: a fraction of the state, within bounds that keep the messages
  /// worth their latency and the consumer's products worth their calls.
  struct Sizes {
    explicit Sizes(index_t max_local_rows)
        : rows(std::clamp(max_local_rows / 8, index_t{1} << 14, index_t{1} << 20)),
          values(std::clamp(max_local_rows / 64, index_t{1} << 12, index_t{1} << 18)) {}
    index_t rows;    ///< owned rows a round
    index_t values;  ///< of one block before they are handed out
  };
  struct Missing {
    index_t key;
    T* at;
    T factor;
  };
  struct Column {
    int block;
    state_t rest;  ///< the environment's part of the state
  };
  struct Pending {
    std::vector<T> values;
    index_t columns = 0;
  };

  static std::uint64_t scatter(state_t rest) noexcept {
    // Fibonacci hashing by 2^64/golden ratio; the high bits are mixed into the low ones that the
    // remainder sees.
    auto x = static_cast<std::uint64_t>(rest) ^ static_cast<std::uint64_t>(rest >> 64);
    x *= 0x9E3779B97F4A7C15u;
    return x ^ (x >> 32);
  }

  /// Place in the block of the configuration that decides who has a column.
  /// @pre the basis has one of the block with this rest
  index_t picked(const Bipartition::Block& block, state_t rest) const {
    const auto size = static_cast<std::uint64_t>(block.size());
    std::uint64_t at = scatter(rest) % size;
    if (!configurations_->rules().empty())
      while (configurations_->index(block.parts[at] + rest) < 0) at = at + 1 == size ? 0 : at + 1;
    return static_cast<index_t>(at);
  }

  std::vector<Column> find(RowRange rows, int first, int last) const {
    const int threads = num_threads();
    std::vector<std::vector<Column>> found(static_cast<std::size_t>(threads));
#pragma omp parallel num_threads(threads)
    {
      auto& mine = found[static_cast<std::size_t>(omp_get_thread_num())];
      std::vector<state_t> states;
#pragma omp for schedule(static)
      for (index_t chunk = rows.begin; chunk < rows.end; chunk += chunk_rows) {
        const RowRange range{chunk, std::min(rows.end, chunk + chunk_rows)};
        states.resize(static_cast<std::size_t>(range.size()));
        configurations_->states(range, states);
        for (const state_t state : states) {
          const auto place = parts_.place(state);
          const auto [block, position] = parts_.find(place);
          if (block < first || block >= last) continue;
          const state_t rest = state - place.part;
          if (position == picked(parts_.blocks()[static_cast<std::size_t>(block)], rest))
            mine.push_back({block, rest});
        }
      }
    }
    std::vector<Column> all;
    for (auto& part : found) all.insert(all.end(), part.begin(), part.end());
    return all;
  }

  void fill(const std::vector<Column>& columns, int first, std::vector<Pending>& pending) const {
    std::vector<std::size_t> offsets(columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
      auto& p = pending[static_cast<std::size_t>(columns[c].block - first)];
      offsets[c] = p.values.size();
      p.values.resize(p.values.size() +
                      parts_.blocks()[static_cast<std::size_t>(columns[c].block)].parts.size());
      ++p.columns;
    }
    const int threads = num_threads();
    std::vector<std::vector<Missing>> missing(static_cast<std::size_t>(threads));
#pragma omp parallel num_threads(threads)
    {
      auto& mine = missing[static_cast<std::size_t>(omp_get_thread_num())];
      std::vector<state_t> states;
      std::vector<index_t> keys;
      std::vector<T> factors;
#pragma omp for schedule(dynamic, 16)
      for (std::size_t c = 0; c < columns.size(); ++c) {
        const auto& column = columns[c];
        const auto& block = parts_.blocks()[static_cast<std::size_t>(column.block)];
        T* values =
            pending[static_cast<std::size_t>(column.block - first)].values.data() + offsets[c];
        states.assign(block.parts.begin(), block.parts.end());
        for (auto& state : states) state += column.rest;
        keys.resize(states.size());
        factors.resize(states.size());
        amplitudes_.locate(states, keys, factors);
        const Modes modes = parts_.has_signs() ? parts_.place(column.rest).modes : Modes();
        for (std::size_t a = 0; a < keys.size(); ++a) {
          if (factors[a] == T{}) continue;  // the zero that was there
          if (parts_.has_signs() && (block.signs[a] & modes).odd()) factors[a] = -factors[a];
          if (amplitudes_.owns(keys[a]))
            values[a] = factors[a] * amplitudes_.owned(keys[a]);
          else
            mine.push_back({keys[a], values + a, factors[a]});
        }
      }
    }
    if (psi_.comm().size() == 1) return;
    std::vector<index_t> wanted;
    for (const auto& part : missing)
      for (const auto& m : part) wanted.push_back(m.key);
    const auto values = amplitudes_.fetch(wanted);
    std::size_t next = 0;
    for (const auto& part : missing)
      for (const auto& m : part) *m.at = m.factor * values[next++];
  }

  static constexpr index_t chunk_rows = 1024;
  StateView<T> psi_;
  const Bipartition& parts_;
  Amplitudes<T> amplitudes_;
  const Basis* configurations_;  ///< dealt to the ranks to find columns among
  RowRange mine_;
  Sizes sizes_;
};

}  // namespace kronsolve::detail
