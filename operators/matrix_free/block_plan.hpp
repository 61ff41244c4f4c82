#pragma once
// Everything one rank needs to apply its rows of an operator: small matrices, and stages of tiles
// that use them.

#include <cstdint>
#include <vector>

#include <kronsolve/core/row_range.hpp>
#include <kronsolve/operators/matrix_free.hpp>

#include "operators/matrix_free/block_layout.hpp"
#include "operators/matrix_free/factors.hpp"
#include "operators/matrix_free/low_matrix.hpp"

namespace kronsolve::detail {

/// A row of x: the memory it lies in (slot, see NodeReaders; 0 in a message) and its first entry
/// there.
using Source = index_t;
inline constexpr int source_bits = 48;
constexpr Source make_source(int slot, index_t entry) {
  return (index_t{slot} << source_bits) + entry;
}
constexpr int slot_of(Source source) { return static_cast<int>(source >> source_bits); }
constexpr index_t entry_of(Source source) { return source & ((index_t{1} << source_bits) - 1); }

/// Part of a product: what rows of y get from the rows of x that can be read in place (the rank's
/// own, and those of ranks whose memory it reads), or from one message. Rows stand tile by tile;
/// offsets are in entries.
struct Stage {
  /// Rows of one class that are worked on together.
  struct Tile {
    std::uint32_t first_row, rows;
    int cls;
  };
  /// A low operator on another row, for one row.
  struct Dressed {
    Source source;
    int matrix;
    double re, im;
  };
  /// The same for all rows of a tile at once: `layers` times one source and weight per row.
  struct TileDressed {
    int matrix;
    std::uint32_t layers;
    std::size_t first;  ///< in layer_source, layer_re, layer_im; rows_per_tile of each per layer
  };

  bool own = true;  ///< the rank's own rows: includes the diagonal and the low part
  std::vector<Tile> tiles;
  std::vector<index_t> row;  ///< first entry of y of each row
  std::vector<std::uint32_t> move_start, group_start, dressed_start;  ///< [row + 1]
  std::vector<Source> move_source;
  std::vector<MoveGroup> group;
  std::vector<Dressed> dressed;
  std::vector<std::uint32_t> tile_dressed_start;  ///< [tile + 1]
  std::vector<TileDressed> tile_dressed;
  std::vector<Source> layer_source;
  std::vector<double> layer_re, layer_im;
  std::vector<double> constant;  ///< [row] part of the diagonal that is the same in the whole row
  std::vector<double> weight;    ///< [row][diagonal pair]

  double operations = 0;  ///< of registers

  std::size_t memory_bytes() const noexcept;
};

/// What a product does, in register operations, and the rows and entries that a stored matrix has.
struct ProductWork {
  double operations = 0, largest_tile = 0, entries = 0, rows = 0;
};
/// Says whether the product or a stored matrix is faster on the threads of so many ranks.
/// @param work  of all of them together
void judge(MatrixFreePlan& facts, const ProductWork& work, int ranks);

/// Rows of another rank that arrive as one message and are then used by one stage.
struct Message {
  int from = 0;
  std::vector<RowRange> rows;  ///< global, ascending
  index_t size = 0;            ///< entries
  Stage stage;
};

struct BlockPlan {
  /// Local.
  /// @throws as make_matrix_free
  /// @param slots  by rank: whose rows are read in place (see NodeReaders); all others' come as
  ///               messages
  BlockPlan(const SectorOperator& h, ScalarKind scalar, int rank, std::vector<int> slots,
            const MatrixFreeOptions& options);

  RowPartition rows;
  ScalarKind scalar;
  BlockLayout layout;
  int doubles_per_entry, rows_per_tile;
  std::vector<LowMatrix> matrices;
  std::vector<int> low_matrix;                              ///< [class] the one of 1 (x) H_low
  std::vector<std::vector<double>> low_diagonal;            ///< [class][low]
  std::vector<std::vector<std::vector<double>>> functions;  ///< [class][diagonal pair][low]
  std::vector<std::vector<const double*>>
      function_pointers;  ///< [class][diagonal pair] into functions
  int diagonal_pairs = 0;
  Stage own;
  std::vector<Message> messages;
  index_t message_entries = 0;  ///< largest message
  int partners = 0;             ///< ranks that send to this one
  std::vector<int> slots;
  std::vector<bool> read_slots;  ///< [slot] its rows are used
  ProductWork work;              ///< of this rank
  MatrixFreePlan facts;
};

}  // namespace kronsolve::detail
