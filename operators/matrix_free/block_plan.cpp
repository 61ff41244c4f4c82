#include "operators/matrix_free/block_plan.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/matrix_free/plan_builder.hpp"

namespace kronsolve::detail {

namespace {

int chosen_split(const DigitPaths& paths, const RowPartition& rows,
                 const MatrixFreeOptions& options) {
  const int chosen = choose_split(paths, rows);
  if (options.split < 0) return chosen;
  if (options.split > paths.sites())
    throw InvalidArgument(concat("matrix-free: split must be in [0, ", paths.sites(),
                                 "] (sites), got ", options.split));
  // What is asked for holds unless ranks or the tables forbid it.
  int split = options.split;
  const auto forbidden = [&] {
    const SplitFacts facts = split_facts(paths, split);
    if (facts.low_strings > double(most_low_strings) || facts.largest_class > most_class_size)
      return true;
    for (int r = 1; r < rows.ranks(); ++r) {
      const index_t begin = rows.range(r).begin;
      if (begin < rows.rows() && paths.prefix_block(begin, split).begin != begin) return true;
    }
    return false;
  };
  while (split < paths.sites() && forbidden()) ++split;
  return split;
}

std::string three_digits(double x) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.3g", x);
  return text.data();
}

}  // namespace

PlanBuilder::PlanBuilder(BlockPlan& plan, const OpSum& op)
    : p_(plan), l_(plan.layout), terms_(factor(op, plan.layout.split, plan.scalar)) {}

void PlanBuilder::build(int rank, const MatrixFreeOptions& options) {
  rank_ = rank;
  const RowRange mine = p_.rows.range(rank);
  first_ = l_.block_at(mine.begin);
  last_ = l_.block_at(mine.end);
  entries_of_rows();
  build_matrices();
  chunk_of_.assign(static_cast<std::size_t>(l_.blocks()), -1);
  plan_messages(options);
  std::vector<std::vector<index_t>> rows_of(p_.messages.size());
  collect_rows(rows_of);
  std::vector<index_t> all;
  for (index_t b = first_; b < last_; ++b) all.push_back(b);
  make_stage(p_.own, -1, all);
  for (std::size_t m = 0; m < p_.messages.size(); ++m)
    make_stage(p_.messages[m].stage, static_cast<int>(m), rows_of[m]);
  facts();
}

/// What one stage does, against what the assembled rows would hold.
void PlanBuilder::count_work(Stage& stage) {
  const auto lanes_of_tile = static_cast<double>(p_.rows_per_tile);
  for (std::size_t t = 0; t < stage.tiles.size(); ++t) {
    const auto& tile = stage.tiles[t];
    const auto size = double(l_.class_size(tile.cls));
    const auto in_tile = double(tile.rows);
    double operations = 0;
    if (stage.own) {
      const auto& low =
          p_.matrices[static_cast<std::size_t>(p_.low_matrix[static_cast<std::size_t>(tile.cls)])];
      p_.work.rows += size * in_tile;
      operations += low.operations() + size * (2 + p_.diagonal_pairs);
      p_.work.entries += (low.operations() + size) * in_tile;
    }
    for (auto e = stage.tile_dressed_start[t]; e < stage.tile_dressed_start[t + 1]; ++e) {
      const auto& d = stage.tile_dressed[e];
      const auto& m = p_.matrices[static_cast<std::size_t>(d.matrix)];
      operations += m.operations() + double(d.layers) * double(l_.class_size(m.from_class));
      for (std::size_t i = d.first;
           i < d.first + d.layers * static_cast<std::size_t>(p_.rows_per_tile); ++i)
        if (stage.layer_re[i] != 0 || stage.layer_im[i] != 0) p_.work.entries += m.operations();
    }
    for (std::size_t row = tile.first_row; row < tile.first_row + tile.rows; ++row) {
      const double moves = double(stage.move_start[row + 1] - stage.move_start[row]) * size;
      double runs = 0;
      for (auto e = stage.dressed_start[row]; e < stage.dressed_start[row + 1]; ++e)
        runs += p_.matrices[static_cast<std::size_t>(stage.dressed[e].matrix)].operations();
      operations += (moves + runs) / lanes_of_tile;
      p_.work.entries += moves + runs;
    }
    stage.operations += operations;
    p_.work.largest_tile = std::max(p_.work.largest_tile, operations);
  }
  p_.work.operations += stage.operations;
}

void PlanBuilder::facts() {
  auto& f = p_.facts;
  f.dimension = p_.rows.rows();
  f.scalar = p_.scalar;
  f.high_sites = l_.split;
  f.low_sites = l_.sites - l_.split;
  f.blocks = l_.blocks();
  f.classes = static_cast<index_t>(l_.low.size());
  f.largest_block = l_.largest_class();
  f.low_terms = static_cast<index_t>(terms_.low.size());
  f.high_terms = static_cast<index_t>(terms_.high.size());
  f.diagonal_pairs = static_cast<index_t>(terms_.diagonal.size());
  f.mixed_pairs = static_cast<index_t>(terms_.mixed.size());
  f.kernels = kernels().name;
  std::size_t bytes = static_cast<std::size_t>(l_.memory_bytes()) + p_.own.memory_bytes();
  for (const auto& m : p_.matrices) bytes += m.memory_bytes();
  for (const auto& d : p_.low_diagonal)
    bytes += d.size() * sizeof(double) * (1 + static_cast<std::size_t>(p_.diagonal_pairs));
  for (const auto& m : p_.messages) {
    bytes += m.stage.memory_bytes();
    f.received_bytes += m.size * 8 * p_.doubles_per_entry;
  }
  f.message_buffer_bytes = 2 * p_.partners * p_.message_entries * 8 * p_.doubles_per_entry;
  f.memory_bytes = static_cast<index_t>(bytes) + f.message_buffer_bytes;
  count_work(p_.own);
  for (auto& message : p_.messages) count_work(message.stage);
  judge(f, p_.work, 1);
}

/// What an entry of the stored matrix takes (a load of the value, one of the column, one from a
/// random place), in register operations. Measured with one thread on 23 operators: 0.45 (random
/// terms of four and six sites) to 1 (all to all) of real numbers, 0.8 (SYK, 12 sites) to 1.3
/// (ring) of complex ones; in doubt the stored matrix takes it. Stored rows are shared evenly among
/// threads; tiles are not cut.
void judge(MatrixFreePlan& facts, const ProductWork& work, int ranks) {
  if (work.rows == 0) return;
  const double entry_cost = facts.scalar == ScalarKind::real ? 0.5 : 0.7;
  const double workers = double(num_threads()) * double(ranks);
  const double product = std::max(work.operations / workers, work.largest_tile);
  const double stored = entry_cost * work.entries / workers;
  facts.operations_per_row = work.operations / work.rows;
  facts.entries_per_row = work.entries / work.rows;
  facts.better_than_assembled = product <= stored;
  facts.verdict = concat(
      facts.better_than_assembled ? "better than assembled: " : "assembled is better: ",
      three_digits(facts.operations_per_row), " register operations a row against ",
      three_digits(facts.entries_per_row), " stored entries (", three_digits(entry_cost),
      " operations each)",
      product > work.operations / workers
          ? concat("; the largest tile keeps one thread for ",
                   three_digits(100 * work.largest_tile / work.operations), " % of the product")
          : "");
}

std::size_t Stage::memory_bytes() const noexcept {
  const auto bytes = [](const auto& v) { return v.size() * sizeof(v[0]); };
  return bytes(tiles) + bytes(row) + bytes(move_start) + bytes(group_start) + bytes(dressed_start) +
         bytes(move_source) + bytes(group) + bytes(dressed) + bytes(tile_dressed_start) +
         bytes(tile_dressed) + bytes(layer_source) + bytes(layer_re) + bytes(layer_im) +
         bytes(constant) + bytes(weight);
}

BlockPlan::BlockPlan(const SectorOperator& h, ScalarKind kind, int rank,
                     std::vector<int> slots_of_ranks, const MatrixFreeOptions& options)
    : rows(h.basis->partition(static_cast<int>(slots_of_ranks.size()))),
      scalar(kind),
      layout([&] {
        if (h.op.spaces() != h.basis->spaces())
          throw DimensionError(concat("matrix-free: the operator has ", h.op.sites(),
                                      " sites, the basis ", h.basis->sites(),
                                      " (or other local spaces)"));
        if (kind == ScalarKind::real && !h.op.is_real())
          throw InvalidArgument("matrix-free: the operator is not real; use complex vectors");
        const DigitPaths& paths = paths_of(*h.basis);
        require_conserved(h.op, *h.basis);
        if (const auto* group = h.basis->symmetries()) require_symmetric(h.op, *group);
        return BlockLayout(*h.basis, paths, chosen_split(paths, rows, options));
      }()),
      doubles_per_entry(kind == ScalarKind::real ? 1 : 2),
      rows_per_tile(lanes / doubles_per_entry),
      slots(std::move(slots_of_ranks)),
      read_slots(slots.size(), false) {
  PlanBuilder(*this, h.op).build(rank, options);
}

}  // namespace kronsolve::detail
