#include <algorithm>
#include <map>
#include <tuple>

#include <kronsolve/core/error.hpp>

#include "operators/matrix_free/plan_builder.hpp"

// Messages and stages: which rows come from where, and the tiles that use them.

namespace kronsolve::detail {

/// Which blocks of others are wanted, cut into messages that fit the buffers. Small gaps are sent
/// along: one contiguous message needs no packing.
void PlanBuilder::plan_messages(const MatrixFreeOptions& options) {
  std::vector<bool> wanted(static_cast<std::size_t>(l_.blocks()), false);
  const auto want = [&](index_t block) {
    if (block >= first_ && block < last_) return;
    const int owner = p_.rows.owner(l_.begin[static_cast<std::size_t>(block)]);
    if (p_.slots[static_cast<std::size_t>(owner)] < 0)
      wanted[static_cast<std::size_t>(block)] = true;
  };
  for (const auto& e : entries_.moves) want(e.block);
  for (const auto& e : entries_.dressed) want(e.place.block);
  std::vector<std::vector<RowRange>> of_rank(
      static_cast<std::size_t>(p_.rows.ranks()));  // ranges of blocks
  for (index_t b = 0; b < l_.blocks(); ++b) {
    if (!wanted[static_cast<std::size_t>(b)]) continue;
    auto& ranges =
        of_rank[static_cast<std::size_t>(p_.rows.owner(l_.begin[static_cast<std::size_t>(b)]))];
    if (!ranges.empty() && ranges.back().end == b) {
      ++ranges.back().end;
    } else {
      ranges.push_back({b, b + 1});
    }
  }
  const auto rows_in = [&](const RowRange& blocks) {
    return l_.begin[static_cast<std::size_t>(blocks.end)] -
           l_.begin[static_cast<std::size_t>(blocks.begin)];
  };
  p_.partners = 0;
  for (auto& ranges : of_rank) {
    if (ranges.empty()) continue;
    ++p_.partners;
    index_t useful = 0;
    for (const auto& range : ranges) useful += rows_in(range);
    const RowRange span{ranges.front().begin, ranges.back().end};
    if (double(useful) >= 0.75 * double(rows_in(span))) ranges = {span};
  }
  if (p_.partners == 0) return;
  // Each partner has two buffers here and two there.
  const index_t entry_bytes = 8 * p_.doubles_per_entry;
  const index_t most =
      std::max(l_.largest_class(), options.message_bytes / entry_bytes / (4 * p_.partners));
  place_in_chunk_.assign(static_cast<std::size_t>(l_.blocks()), 0);
  for (int step = 0; step < p_.rows.ranks(); ++step) {
    const int from = (rank_ + step) % p_.rows.ranks();
    index_t fill = most + 1;
    for (const auto& range : of_rank[static_cast<std::size_t>(from)])
      for (index_t b = range.begin; b < range.end; ++b) {
        const index_t size =
            l_.begin[static_cast<std::size_t>(b) + 1] - l_.begin[static_cast<std::size_t>(b)];
        if (fill + size > most) {
          p_.messages.emplace_back().from = from;
          fill = 0;
        }
        Message& message = p_.messages.back();
        const index_t row = l_.begin[static_cast<std::size_t>(b)];
        if (!message.rows.empty() && message.rows.back().end == row)
          message.rows.back().end += size;
        else
          message.rows.push_back({row, row + size});
        chunk_of_[static_cast<std::size_t>(b)] = static_cast<int>(p_.messages.size()) - 1;
        place_in_chunk_[static_cast<std::size_t>(b)] = fill;
        fill += size;
        message.size = fill;
        p_.message_entries = std::max(p_.message_entries, fill);
      }
  }
}

/// For each message the blocks of this rank that use it, ascending.
void PlanBuilder::collect_rows(std::vector<std::vector<index_t>>& rows_of) const {
  const auto use = [&](index_t source, index_t block) {
    const int chunk = chunk_of_[static_cast<std::size_t>(source)];
    if (chunk < 0) return;
    auto& list = rows_of[static_cast<std::size_t>(chunk)];
    if (list.empty() || list.back() != block) list.push_back(block);
  };
  for (index_t b = first_; b < last_; ++b) {
    const auto i = static_cast<std::size_t>(b - first_);
    for (auto e = entries_.move_start[i]; e < entries_.move_start[i + 1]; ++e)
      use(entries_.moves[e].block, b);
    for (auto e = entries_.dressed_start[i]; e < entries_.dressed_start[i + 1]; ++e)
      use(entries_.dressed[e].place.block, b);
  }
}

Source PlanBuilder::source_of(index_t block, int chunk) {
  if (chunk >= 0) return make_source(0, place_in_chunk_[static_cast<std::size_t>(block)]);
  const index_t row = l_.begin[static_cast<std::size_t>(block)];
  if (block >= first_ && block < last_)
    return make_source(0, row - l_.begin[static_cast<std::size_t>(first_)]);
  const int owner = p_.rows.owner(row);
  const int slot = p_.slots[static_cast<std::size_t>(owner)];
  KRONSOLVE_ASSERT(slot > 0);
  p_.read_slots[static_cast<std::size_t>(slot)] = true;
  return make_source(slot, row - p_.rows.range(owner).begin);
}

void PlanBuilder::add_row(Stage& stage, index_t block, int chunk,
                          std::vector<DressedEntry>& for_tile) {
  const auto i = static_cast<std::size_t>(block - first_);
  stage.row.push_back(source_of(block, -1));
  std::vector<MoveEntry> moves;
  for (auto e = entries_.move_start[i]; e < entries_.move_start[i + 1]; ++e)
    if (chunk_of_[static_cast<std::size_t>(entries_.moves[e].block)] == chunk)
      moves.push_back(entries_.moves[e]);
  const auto key = [](const MoveEntry& e) {
    return std::tuple(e.backwards, e.value.real(), e.value.imag());
  };
  std::stable_sort(moves.begin(), moves.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  for (std::size_t e = 0; e < moves.size();) {
    const auto [backwards, re, im] = key(moves[e]);
    MoveGroup group{re, im, 0, backwards};
    for (; e < moves.size() && key(moves[e]) == std::tuple(backwards, re, im); ++e, ++group.count)
      stage.move_source.push_back(source_of(moves[e].block, chunk));
    stage.group.push_back(group);
  }
  stage.move_start.push_back(static_cast<std::uint32_t>(stage.move_source.size()));
  stage.group_start.push_back(static_cast<std::uint32_t>(stage.group.size()));
  for (auto e = entries_.dressed_start[i]; e < entries_.dressed_start[i + 1]; ++e) {
    const auto& d = entries_.dressed[e];
    if (chunk_of_[static_cast<std::size_t>(d.place.block)] != chunk) continue;
    const bool in_tile = p_.matrices[static_cast<std::size_t>(d.matrix)].runs.empty();
    if (in_tile)
      for_tile.push_back(d);
    else
      stage.dressed.push_back(
          {source_of(d.place.block, chunk), d.matrix, d.value.real(), d.value.imag()});
  }
  stage.dressed_start.push_back(static_cast<std::uint32_t>(stage.dressed.size()));
  if (!stage.own) return;
  stage.constant.push_back(entries_.constant[i]);
  const auto k = static_cast<std::size_t>(p_.diagonal_pairs);
  stage.weight.insert(stage.weight.end(),
                      entries_.weight.begin() + static_cast<std::ptrdiff_t>(i * k),
                      entries_.weight.begin() + static_cast<std::ptrdiff_t>((i + 1) * k));
}

void PlanBuilder::add_tile_dressed(Stage& stage, int chunk,
                                   const std::vector<std::vector<DressedEntry>>& of_rows) {
  std::map<int, std::vector<std::vector<const DressedEntry*>>> by_matrix;
  for (std::size_t j = 0; j < of_rows.size(); ++j)
    for (const auto& d : of_rows[j]) {
      auto& lists = by_matrix[d.matrix];
      lists.resize(of_rows.size());
      lists[j].push_back(&d);
    }
  for (const auto& [matrix, lists] : by_matrix) {
    std::size_t layers = 0;
    for (const auto& list : lists) layers = std::max(layers, list.size());
    stage.tile_dressed.push_back(
        {matrix, static_cast<std::uint32_t>(layers), stage.layer_source.size()});
    const DressedEntry* any = nullptr;  // rows without a partner load this one with weight 0
    for (const auto& list : lists)
      if (!list.empty()) any = list[0];
    for (std::size_t layer = 0; layer < layers; ++layer)
      for (int j = 0; j < p_.rows_per_tile; ++j) {
        const auto* d = static_cast<std::size_t>(j) < lists.size() &&
                                layer < lists[static_cast<std::size_t>(j)].size()
                            ? lists[static_cast<std::size_t>(j)][layer]
                            : nullptr;
        stage.layer_source.push_back(source_of((d ? d : any)->place.block, chunk));
        stage.layer_re.push_back(d ? d->value.real() : 0);
        stage.layer_im.push_back(d ? d->value.imag() : 0);
      }
  }
}

void PlanBuilder::make_stage(Stage& stage, int chunk, const std::vector<index_t>& blocks) {
  stage.own = chunk < 0;
  stage.move_start = stage.group_start = stage.dressed_start = stage.tile_dressed_start = {0};
  std::vector<index_t> order = blocks;
  std::stable_sort(order.begin(), order.end(), [&](index_t a, index_t b) {
    return l_.class_of[static_cast<std::size_t>(a)] < l_.class_of[static_cast<std::size_t>(b)];
  });
  const auto most = static_cast<std::size_t>(p_.rows_per_tile);
  for (std::size_t first = 0; first < order.size();) {
    const int cls = l_.class_of[static_cast<std::size_t>(order[first])];
    std::size_t last = first;
    std::vector<std::vector<DressedEntry>> for_tile;
    for (; last < order.size() && last - first < most &&
           l_.class_of[static_cast<std::size_t>(order[last])] == cls;
         ++last) {
      add_row(stage, order[last], chunk, for_tile.emplace_back());
    }
    stage.tiles.push_back(
        {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last - first), cls});
    add_tile_dressed(stage, chunk, for_tile);
    stage.tile_dressed_start.push_back(static_cast<std::uint32_t>(stage.tile_dressed.size()));
    first = last;
  }
}

}  // namespace kronsolve::detail
