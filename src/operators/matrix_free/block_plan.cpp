#include "operators/matrix_free/block_plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>

namespace kronsolve::detail {

namespace {

using Complex = std::complex<double>;

struct MoveEntry {
  index_t block;  ///< where the row comes from
  Complex value;
};
struct DressedEntry {
  index_t block;
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

/// Builds the tables; the plan is what remains.
class Builder {
 public:
  Builder(BlockPlan& plan, const OpSum& op)
      : p_(plan), l_(plan.layout), terms_(factor(op, plan.layout.split, plan.scalar)) {}

  void build(int rank, const MatrixFreeOptions& options) {
    rank_ = rank;
    const RowRange mine = p_.rows.range(rank);
    first_ = l_.block_at(mine.begin);
    last_ = l_.block_at(mine.end);
    low_part();
    point_to_functions();
    entries_of_rows();
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

 private:
  std::vector<LowEntry> matrix_entries(const PartSum& sum, int to, int from,
                                       bool with_real_diagonal) const;
  int matrix_of(std::size_t pair, int to, int from);
  void low_part();
  void low_diagonals(int cls, const std::vector<Monomial>& terms,
                     const std::vector<std::vector<Monomial>>& pairs);
  void point_to_functions();
  void entries_of_rows();
  void plan_messages(const MatrixFreeOptions& options);
  void collect_rows(std::vector<std::vector<index_t>>& rows_of) const;
  void make_stage(Stage& stage, int chunk, const std::vector<index_t>& blocks);
  void add_row(Stage& stage, index_t block, int chunk, std::vector<DressedEntry>& for_tile);
  void add_tile_dressed(Stage& stage, int chunk,
                        const std::vector<std::vector<DressedEntry>>& of_rows);
  Source source_of(index_t block, int chunk);
  void count_work();
  void facts();

  BlockPlan& p_;
  const BlockLayout& l_;
  FactoredOperator terms_;
  int rank_ = 0;
  index_t first_ = 0, last_ = 0;  ///< blocks of this rank
  RowEntries entries_;
  std::map<std::array<int, 3>, int> known_;  ///< matrices by (pair, to, from)
  std::vector<int> chunk_of_;                ///< [block] message that brings it, -1: none
  std::vector<index_t> place_in_chunk_;      ///< [block] entries before it there
};

/// Entries of a low operator between classes, equal places added up. The real part of the diagonal
/// is left out if not wanted.
std::vector<LowEntry> Builder::matrix_entries(const PartSum& sum, int to, int from,
                                              bool with_real_diagonal) const {
  const auto terms = monomials(sum, l_);
  const auto& strings = l_.low[static_cast<std::size_t>(to)];
  std::vector<LowEntry> entries;
  std::vector<LowEntry> row;
  std::vector<int> digits;
  entries.reserve(strings.size());
  for (std::size_t i = 0; i < strings.size(); ++i) {
    l_.low_digits(strings[i], digits);
    row.clear();
    for (const auto& term : terms) {
      Complex value = term.value(digits);
      if (term.is_diagonal() && !with_real_diagonal) value = Complex(0, value.imag());
      if (value == 0.0) continue;
      const state_t target = term.target(strings[i]);
      KRONSOLVE_ASSERT(target < l_.low_strings && l_.low_class[target] == from);
      row.push_back(
          {static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(l_.rank[target]), value});
    }
    std::sort(row.begin(), row.end(), [](const auto& a, const auto& b) { return a.col < b.col; });
    for (std::size_t e = 0; e < row.size();) {
      LowEntry sum_of = row[e];
      double scale = 0;
      for (++e; e < row.size() && row[e].col == sum_of.col; ++e) {
        scale = std::max({scale, std::abs(sum_of.value), std::abs(row[e].value)});
        sum_of.value += row[e].value;
      }
      if (std::abs(sum_of.value) > 1e-15 * scale)
        entries.push_back(sum_of);  // not the rounding of a zero
    }
  }
  return entries;
}

int Builder::matrix_of(std::size_t pair, int to, int from) {
  const auto [at, fresh] = known_.try_emplace({static_cast<int>(pair), to, from}, -1);
  if (!fresh) return at->second;
  LowMatrix matrix(matrix_entries(terms_.mixed[pair].low, to, from, true),
                   static_cast<std::size_t>(l_.class_size(to)), false);
  if (matrix.empty()) return at->second;
  matrix.from_class = from;
  at->second = static_cast<int>(p_.matrices.size());
  p_.matrices.push_back(std::move(matrix));
  return at->second;
}

void Builder::low_part() {
  const auto terms = monomials(terms_.low, l_);
  p_.diagonal_pairs = static_cast<int>(terms_.diagonal.size());
  std::vector<std::vector<Monomial>> pairs;
  for (const auto& pair : terms_.diagonal) pairs.push_back(monomials(pair.low, l_));
  const int classes = static_cast<int>(l_.low.size());
  std::vector<std::optional<LowMatrix>> matrices(static_cast<std::size_t>(classes));
  p_.low_diagonal.resize(matrices.size());
  p_.functions.resize(matrices.size());
#pragma omp parallel for schedule(dynamic, 1) num_threads(num_threads())
  for (int cls = 0; cls < classes; ++cls) {
    const auto at = static_cast<std::size_t>(cls);
    matrices[at].emplace(matrix_entries(terms_.low, cls, cls, false), l_.low[at].size(), true);
    low_diagonals(cls, terms, pairs);
  }
  for (int cls = 0; cls < classes; ++cls) {
    p_.low_matrix.push_back(static_cast<int>(p_.matrices.size()));
    p_.matrices.push_back(*std::move(matrices[static_cast<std::size_t>(cls)]));
    p_.matrices.back().from_class = cls;
  }
}

/// The diagonal of H_low and the low factors of the diagonal pairs in one class.
void Builder::low_diagonals(int cls, const std::vector<Monomial>& terms,
                            const std::vector<std::vector<Monomial>>& pairs) {
  const auto at = static_cast<std::size_t>(cls);
  p_.functions[at].resize(pairs.size());
  std::vector<int> digits;
  for (const std::uint32_t string : l_.low[at]) {
    l_.low_digits(string, digits);
    double sum = 0;
    for (const auto& term : terms)
      if (term.is_diagonal()) sum += term.value(digits).real();
    p_.low_diagonal[at].push_back(sum);
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      double value = 0;
      for (const auto& term : pairs[k]) value += term.value(digits).real();
      p_.functions[at][k].push_back(value);
    }
  }
}

void Builder::point_to_functions() {
  for (const auto& of_class : p_.functions) {
    auto& pointers = p_.function_pointers.emplace_back();
    for (const auto& values : of_class) pointers.push_back(values.data());
  }
}

void Builder::entries_of_rows() {
  const auto high = monomials(terms_.high, l_);
  std::vector<std::vector<Monomial>> diagonal, mixed;
  for (const auto& pair : terms_.diagonal) diagonal.push_back(monomials(pair.high, l_));
  for (const auto& pair : terms_.mixed) mixed.push_back(monomials(pair.high, l_));
  std::vector<MoveEntry> moves;
  std::vector<std::pair<index_t, Complex>> sources;
  const auto target_of = [&](const Monomial& term, index_t block) {
    const index_t target = l_.find(term.target(l_.code[static_cast<std::size_t>(block)]));
    KRONSOLVE_ASSERT(target >= 0);
    return target;
  };
  for (index_t b = first_; b < last_; ++b) {
    const auto digits = l_.high_digits(b);
    const int cls = l_.class_of[static_cast<std::size_t>(b)];
    double constant = 0;
    moves.clear();
    for (const auto& term : high) {
      const Complex value = term.value(digits);
      if (value == 0.0) continue;
      if (term.is_diagonal()) {
        constant += value.real();
        if (value.imag() != 0) moves.push_back({b, Complex(0, value.imag())});
      } else {
        moves.push_back({target_of(term, b), value});
      }
    }
    std::sort(moves.begin(), moves.end(),
              [](const auto& a, const auto& c) { return a.block < c.block; });
    for (std::size_t e = 0; e < moves.size();) {
      MoveEntry sum = moves[e];
      for (++e; e < moves.size() && moves[e].block == sum.block; ++e) sum.value += moves[e].value;
      if (sum.value != 0.0) entries_.moves.push_back(sum);
    }
    entries_.move_start.push_back(entries_.moves.size());
    entries_.constant.push_back(constant);
    for (const auto& terms : diagonal) {
      double weight = 0;
      for (const auto& term : terms) weight += term.value(digits).real();
      entries_.weight.push_back(weight);
    }
    for (std::size_t pair = 0; pair < mixed.size(); ++pair) {
      sources.clear();
      for (const auto& term : mixed[pair]) {
        const Complex value = term.value(digits);
        if (value != 0.0) {
          // Where charges allow the high part but no low string goes along, there is no such block.
          const index_t block =
              term.is_diagonal() ? b : l_.find(term.target(l_.code[static_cast<std::size_t>(b)]));
          if (block >= 0) sources.emplace_back(block, value);
        }
      }
      std::sort(sources.begin(), sources.end(),
                [](const auto& a, const auto& c) { return a.first < c.first; });
      for (std::size_t e = 0; e < sources.size();) {
        auto [block, value] = sources[e];
        for (++e; e < sources.size() && sources[e].first == block; ++e) value += sources[e].second;
        if (value == 0.0) continue;
        const int matrix = matrix_of(pair, cls, l_.class_of[static_cast<std::size_t>(block)]);
        if (matrix >= 0) entries_.dressed.push_back({block, matrix, value});
      }
    }
    entries_.dressed_start.push_back(entries_.dressed.size());
  }
}

/// Which blocks of others are wanted, cut into messages that fit the buffers. Small gaps are sent
/// along: one contiguous message needs no packing.
void Builder::plan_messages(const MatrixFreeOptions& options) {
  std::vector<bool> wanted(static_cast<std::size_t>(l_.blocks()), false);
  const auto want = [&](index_t block) {
    if (block >= first_ && block < last_) return;
    const int owner = p_.rows.owner(l_.begin[static_cast<std::size_t>(block)]);
    if (p_.slots[static_cast<std::size_t>(owner)] < 0)
      wanted[static_cast<std::size_t>(block)] = true;
  };
  for (const auto& e : entries_.moves) want(e.block);
  for (const auto& e : entries_.dressed) want(e.block);
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
void Builder::collect_rows(std::vector<std::vector<index_t>>& rows_of) const {
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
      use(entries_.dressed[e].block, b);
  }
}

Source Builder::source_of(index_t block, int chunk) {
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

void Builder::add_row(Stage& stage, index_t block, int chunk, std::vector<DressedEntry>& for_tile) {
  const auto i = static_cast<std::size_t>(block - first_);
  stage.row.push_back(source_of(block, -1));
  std::vector<MoveEntry> moves;
  for (auto e = entries_.move_start[i]; e < entries_.move_start[i + 1]; ++e)
    if (chunk_of_[static_cast<std::size_t>(entries_.moves[e].block)] == chunk)
      moves.push_back(entries_.moves[e]);
  std::stable_sort(moves.begin(), moves.end(), [](const auto& a, const auto& b) {
    return std::pair(a.value.real(), a.value.imag()) < std::pair(b.value.real(), b.value.imag());
  });
  for (std::size_t e = 0; e < moves.size();) {
    const Complex value = moves[e].value;
    MoveGroup group{value.real(), value.imag(), 0};
    for (; e < moves.size() && moves[e].value == value; ++e, ++group.count)
      stage.move_source.push_back(source_of(moves[e].block, chunk));
    stage.group.push_back(group);
  }
  stage.move_start.push_back(static_cast<std::uint32_t>(stage.move_source.size()));
  stage.group_start.push_back(static_cast<std::uint32_t>(stage.group.size()));
  for (auto e = entries_.dressed_start[i]; e < entries_.dressed_start[i + 1]; ++e) {
    const auto& d = entries_.dressed[e];
    if (chunk_of_[static_cast<std::size_t>(d.block)] != chunk) continue;
    const bool in_tile = p_.matrices[static_cast<std::size_t>(d.matrix)].runs.empty();
    if (in_tile)
      for_tile.push_back(d);
    else
      stage.dressed.push_back(
          {source_of(d.block, chunk), d.matrix, d.value.real(), d.value.imag()});
  }
  stage.dressed_start.push_back(static_cast<std::uint32_t>(stage.dressed.size()));
  if (!stage.own) return;
  stage.constant.push_back(entries_.constant[i]);
  const auto k = static_cast<std::size_t>(p_.diagonal_pairs);
  stage.weight.insert(stage.weight.end(),
                      entries_.weight.begin() + static_cast<std::ptrdiff_t>(i * k),
                      entries_.weight.begin() + static_cast<std::ptrdiff_t>((i + 1) * k));
}

void Builder::add_tile_dressed(Stage& stage, int chunk,
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
        stage.layer_source.push_back(source_of(d ? d->block : any->block, chunk));
        stage.layer_re.push_back(d ? d->value.real() : 0);
        stage.layer_im.push_back(d ? d->value.imag() : 0);
      }
  }
}

void Builder::make_stage(Stage& stage, int chunk, const std::vector<index_t>& blocks) {
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

/// Register operations of this rank's part of a product, against what the assembled rows would
/// hold.
void Builder::count_work() {
  auto& f = p_.facts;
  const auto lanes_of_tile = static_cast<double>(p_.rows_per_tile);
  double operations = 0, entries = 0, rows = 0;
  const auto count = [&](const Stage& stage) {
    for (std::size_t t = 0; t < stage.tiles.size(); ++t) {
      const auto& tile = stage.tiles[t];
      const auto size = double(l_.class_size(tile.cls));
      const auto in_tile = double(tile.rows);
      const auto& low =
          p_.matrices[static_cast<std::size_t>(p_.low_matrix[static_cast<std::size_t>(tile.cls)])];
      if (stage.own) {
        rows += size * in_tile;
        operations += low.operations() + size * (2 + p_.diagonal_pairs);
        entries += (low.operations() + size) * in_tile;
      }
      for (auto e = stage.tile_dressed_start[t]; e < stage.tile_dressed_start[t + 1]; ++e) {
        const auto& d = stage.tile_dressed[e];
        const auto& m = p_.matrices[static_cast<std::size_t>(d.matrix)];
        operations += m.operations() + double(d.layers) * double(l_.class_size(m.from_class));
        for (std::size_t i = d.first;
             i < d.first + d.layers * static_cast<std::size_t>(p_.rows_per_tile); ++i)
          if (stage.layer_re[i] != 0 || stage.layer_im[i] != 0) entries += m.operations();
      }
      for (std::size_t row = tile.first_row; row < tile.first_row + tile.rows; ++row) {
        const double moves = double(stage.move_start[row + 1] - stage.move_start[row]) * size;
        double runs = 0;
        for (auto e = stage.dressed_start[row]; e < stage.dressed_start[row + 1]; ++e)
          runs += p_.matrices[static_cast<std::size_t>(stage.dressed[e].matrix)].operations();
        operations += (moves + runs) / lanes_of_tile;
        entries += moves + runs;
      }
    }
  };
  count(p_.own);
  for (const auto& message : p_.messages) count(message.stage);
  if (rows == 0) return;
  f.operations_per_row = operations / rows;
  f.entries_per_row = entries / rows;
  // An entry of the stored matrix is a load of the value, one of the column and one from a random
  // place; measured, it costs about what one register operation does.
  f.better_than_assembled = f.operations_per_row <= f.entries_per_row;
  f.verdict = concat(f.better_than_assembled ? "better than assembled: " : "assembled is better: ",
                     f.operations_per_row, " register operations a row against ", f.entries_per_row,
                     " stored entries");
}

void Builder::facts() {
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
  count_work();
}

}  // namespace

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
        if (const auto* charges = dynamic_cast<const ChargeBasis*>(h.basis.get()))
          require_conserved(h.op, *charges);
        const DigitPaths paths = paths_of(*h.basis);
        return BlockLayout(*h.basis, paths, chosen_split(paths, rows, options));
      }()),
      doubles_per_entry(kind == ScalarKind::real ? 1 : 2),
      rows_per_tile(lanes / doubles_per_entry),
      slots(std::move(slots_of_ranks)),
      read_slots(slots.size(), false) {
  Builder(*this, h.op).build(rank, options);
}

}  // namespace kronsolve::detail
