#pragma once
// Builds the tables of a BlockPlan; the plan is what remains.

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "operators/matrix_free/block_plan.hpp"

namespace kronsolve::detail {

class PlanBuilder {
 public:
  /// @pre the layout, scalar, rows and slots of the plan stand
  PlanBuilder(BlockPlan& plan, const OpSum& op);
  /// Local.
  void build(int rank, const MatrixFreeOptions& options);

 private:
  using Complex = std::complex<double>;

  struct MoveEntry {
    index_t block;  ///< where the row comes from
    Complex value;
    bool backwards = false;
  };
  struct DressedEntry {
    HighPlace place;
    int matrix;
    Complex value;
  };
  /// All entries of the rank's rows, whoever holds their sources. Entry lists are cut by [row]
  /// starts.
  struct RowEntries {
    std::vector<std::size_t> move_start = {0}, dressed_start = {0};
    std::vector<MoveEntry> moves;
    std::vector<DressedEntry> dressed;
    std::vector<double> constant, weight;
  };
  /// The low part of a mixed pair between two classes, or (pair = -1) nothing but the way from rows
  /// that lie turned over.
  struct WantedMatrix {
    int pair;
    int to, from;
    Turn turn;
    auto operator<=>(const WantedMatrix&) const = default;
  };

  // plan_rows.cpp
  void entries_of_rows();
  void take_moves(std::size_t first);
  void add_moves(index_t block, const std::vector<int>& digits, const std::vector<Monomial>& high);
  void add_dressed(index_t block, const std::vector<int>& digits, int pair,
                   const std::vector<Monomial>& terms);
  void take_dressed(index_t block, int pair, std::vector<DressedEntry>& sources);
  int wanted_matrix(const WantedMatrix& wanted);

  // plan_matrices.cpp
  void build_matrices();
  void take_matrices(std::vector<LowMatrix> mixed);
  void point_to_functions();

  // plan_stages.cpp
  void plan_messages(const MatrixFreeOptions& options);
  void collect_rows(std::vector<std::vector<index_t>>& rows_of) const;
  void make_stage(Stage& stage, int chunk, const std::vector<index_t>& blocks);
  void add_row(Stage& stage, index_t block, int chunk, std::vector<DressedEntry>& for_tile);
  void add_tile_dressed(Stage& stage, int chunk,
                        const std::vector<std::vector<DressedEntry>>& of_rows);
  Source source_of(index_t block, int chunk);

  // block_plan.cpp
  void count_work(Stage& stage);
  void facts();

  BlockPlan& p_;
  const BlockLayout& l_;
  FactoredOperator terms_;
  int rank_ = 0;
  index_t first_ = 0, last_ = 0;  ///< blocks of this rank
  RowEntries entries_;
  std::vector<WantedMatrix> wanted_;
  std::map<WantedMatrix, int> wanted_at_;
  std::vector<int> chunk_of_;            ///< [block] message that brings it, -1: none
  std::vector<index_t> place_in_chunk_;  ///< [block] entries before it there
};

}  // namespace kronsolve::detail
