#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <omp.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/matrix_free.hpp>

#include "operators/assembled/sector_rows.hpp"
#include "operators/matrix_free/block_plan.hpp"
#include "operators/matrix_free/exchange.hpp"
#include "operators/matrix_free/node_readers.hpp"
#include "operators/matrix_free/orbit_product.hpp"
#include "operators/matrix_free/tile_shares.hpp"
#include "operators/rows/shared_lines.hpp"

namespace kronsolve {

namespace detail {

namespace {

/// Scratch memory of one thread.
struct alignas(line_pair) Workspace {
  Buffer<double> in, other, out;      ///< tiles
  std::vector<double> weight;         ///< [diagonal pair][lane]
  std::vector<const double*> source;  ///< moves of a tile's rows
  std::vector<RowRuns> pieces;        ///< of a tile's rows
};

/// How a stage combines with what y holds, and which overlap with x it returns.
struct Mode {
  Old old = Old::overwrite;
  double gamma = 0;
  Overlap overlap = Overlap::none;
  /// If there is a sum: y -= alpha x, sum += weight y once a tile is done.
  double alpha = 0, weight = 0;
  double* sum = nullptr;
  /// Write y past the caches.
  bool stream = false;
};

/// Where the rows of x lie that a stage uses, by slot.
template <int width>
struct Memories {
  const double* const* base;
  const double* at(Source source) const { return base[slot_of(source)] + width * entry_of(source); }
};

/// A plan and the messages that it needs.
template <Scalar T>
struct Way {
  Way(const Comm& comm, const SectorOperator& h, const std::vector<int>& slots,
      const MatrixFreeOptions& options) {
    comm.agree([&] {
      plan = std::make_unique<BlockPlan>(h, scalar_kind<T>, comm.rank(), slots, options);
    });
    exchange = std::make_unique<Exchange<T>>(comm, *plan);
    const auto count = [&](const Stage& stage) {
      tiles = std::max(tiles, stage.tiles.size());
      for (std::size_t r = 0; r + 1 < stage.move_start.size(); ++r)
        moves = std::max<std::size_t>(moves, stage.move_start[r + 1] - stage.move_start[r]);
    };
    count(plan->own);
    for (const auto& message : plan->messages) count(message.stage);
  }
  index_t memory_bytes() const noexcept {
    return plan->facts.memory_bytes - plan->facts.message_buffer_bytes + exchange->memory_bytes();
  }

  std::unique_ptr<BlockPlan> plan;
  std::unique_ptr<Exchange<T>> exchange;
  std::size_t tiles = 0, moves = 0;  ///< of the largest stage, of the row with most
};

template <Scalar T>
class MatrixFreeMap final : public LinearMap<T> {
 public:
  /// Collective.
  MatrixFreeMap(const Comm& comm, const SectorOperator& h, const MatrixFreeOptions& options,
                std::unique_ptr<NodeReaders> readers, std::unique_ptr<Way<T>> first)
      : LinearMap<T>(comm, first->plan->rows, first->plan->rows),
        h_(h),
        options_(options),
        readers_(std::move(readers)),
        k_(kernels()) {
    (readers_->any() ? in_place_ : by_messages_) = std::move(first);
  }

  index_t memory_bytes() const noexcept override {
    index_t bytes = static_cast<index_t>(partial_.size()) * 8;
    for (const auto& w : workspaces_) bytes += (w.in.size() + w.other.size() + w.out.size()) * 8;
    if (in_place_) bytes += in_place_->memory_bytes();
    if (by_messages_) bytes += by_messages_->memory_bytes();
    return bytes;
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    (void)product(x, y, {Old::overwrite, 0, Overlap::none});
  }
  T apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const override {
    return beta == 0 ? product(x, y, {Old::overwrite, 0, Overlap::final})
                     : product(x, y, {Old::scale, -beta, Overlap::final});
  }
  void apply_known_step_impl(std::span<const T> x, double alpha, double beta, std::span<T> y,
                             double weight, std::span<T> sum) const override {
    Mode mode{beta == 0 ? Old::overwrite : Old::scale, -beta, Overlap::none};
    mode.alpha = alpha;
    mode.weight = weight;
    mode.sum = reinterpret_cast<double*>(sum.data());
    (void)product(x, y, mode);
  }

 private:
  static constexpr int width = is_complex<T> ? 2 : 1;  ///< doubles per entry
  static constexpr int tile_rows = lanes / width;

  T product(std::span<const T> x, std::span<T> y, Mode mode) const;
  T product_in_place(const T* x, T* y, Mode mode) const;
  T product_by_messages(const T* x, T* y, Mode mode) const;
  T run_stages(const double* const* bases, const T* x, T* y, Mode mode) const;
  T run(const Stage& stage, Memories<width> source, const double* x, double* y, Mode mode,
        bool poke) const;
  void prepare(const Way<T>& way) const;
  DiagonalView diagonal(const Stage& stage, const Stage::Tile& tile, double* constant,
                        Workspace& w) const;
  void do_tile(const Stage& stage, std::size_t t, Memories<width> source, const double* x,
               double* y, Mode mode, Workspace& w, double* out) const;
  void finish_tile(const Stage& stage, std::size_t t, Memories<width> source,
                   const double* const* xr, double* const* yr, bool has_tile, double* y, Mode mode,
                   Workspace& w, double* out) const;

  SectorOperator h_;
  MatrixFreeOptions options_;
  std::unique_ptr<NodeReaders> readers_;
  /// Ranks of one machine read each other's rows, or all get messages: the second is built when a
  /// vector first asks for it.
  mutable std::unique_ptr<Way<T>> in_place_, by_messages_;
  mutable const BlockPlan* plan_ = nullptr;  ///< of the running product
  mutable Exchange<T>* exchange_ = nullptr;
  const KernelTable& k_;
  mutable std::vector<Workspace> workspaces_;
  mutable std::vector<double> partial_;
  mutable std::unordered_map<const Stage*, TileShares> shares_;
};

/// Makes `way` the one that runs.
template <Scalar T>
void MatrixFreeMap<T>::prepare(const Way<T>& way) const {
  plan_ = way.plan.get();
  exchange_ = way.exchange.get();
  partial_.resize(std::max(partial_.size(), 2 * way.tiles));
  const auto threads = static_cast<std::size_t>(num_threads());
  const index_t largest = plan_->layout.largest_class();
  while (workspaces_.size() < threads) {
    auto& w = workspaces_.emplace_back();
    w.out = Buffer<double>(largest * lanes);
    w.in = Buffer<double>((largest + row_room) * lanes);
    w.other = Buffer<double>(largest * lanes);
    w.weight.resize(static_cast<std::size_t>(plan_->diagonal_pairs * lanes));
  }
  for (auto& w : workspaces_) w.source.resize(std::max(w.source.size(), way.moves * tile_rows));
}

template <Scalar T>
T MatrixFreeMap<T>::product(std::span<const T> x, std::span<T> y, Mode mode) const {
  if (readers_->any() && readers_->open(x.data(), x.empty(), in_place_->plan->read_slots))
    return product_in_place(x.data(), y.data(), mode);
  if (!by_messages_) {
    std::vector<int> nobody(readers_->slots().size(), -1);
    nobody[static_cast<std::size_t>(this->comm().rank())] = 0;
    by_messages_ = std::make_unique<Way<T>>(this->comm(), h_, nobody, options_);
  }
  return product_by_messages(x.data(), y.data(), mode);
}

/// Rows of this machine in place; those of other machines by messages.
template <Scalar T>
T MatrixFreeMap<T>::product_in_place(const T* x, T* y, Mode mode) const {
  prepare(*in_place_);
  std::vector<const double*> bases;
  for (int s = 0; s < readers_->count(); ++s)
    bases.push_back(static_cast<const double*>(readers_->place(s)));
  const T overlap = run_stages(bases.data(), x, y, mode);
  readers_->done();
  return overlap;
}

template <Scalar T>
T MatrixFreeMap<T>::product_by_messages(const T* x, T* y, Mode mode) const {
  prepare(*by_messages_);
  const auto* own = reinterpret_cast<const double*>(x);
  return run_stages(&own, x, y, mode);
}

/// @param bases  of the rows that are read in place, by slot
template <Scalar T>
T MatrixFreeMap<T>::run_stages(const double* const* bases, const T* x, T* y, Mode mode) const {
  const auto* in = reinterpret_cast<const double*>(x);
  auto* out = reinterpret_cast<double*>(y);
  if (exchange_->idle()) return run(plan_->own, {bases}, in, out, mode, false);
  exchange_->start(x);
  Mode own = mode;
  own.sum = nullptr;  // y is not complete before the messages have come
  T overlap = run(plan_->own, {bases}, in, out, own, true);
  const Overlap rest = mode.overlap == Overlap::none ? Overlap::none : Overlap::added;
  for (auto arrived = exchange_->wait(); arrived.message >= 0; arrived = exchange_->wait()) {
    const auto* rows = reinterpret_cast<const double*>(arrived.rows);
    overlap += run(plan_->messages[static_cast<std::size_t>(arrived.message)].stage, {&rows}, in,
                   out, {Old::keep, 0, rest}, true);
  }
  if (mode.sum != nullptr) {
    const auto n = static_cast<std::size_t>(this->row_range().size());
    this->finish_known_step({x, n}, mode.alpha, {y, n}, mode.weight,
                            {reinterpret_cast<T*>(mode.sum), n});
  }
  return overlap;
}

template <Scalar T>
T MatrixFreeMap<T>::run(const Stage& stage, Memories<width> source, const double* x, double* y,
                        Mode mode, bool poke) const {
  const std::size_t tiles = stage.tiles.size();
  const double useful = std::max(1.0, stage.operations / options_.thread_operations);
  const int threads = static_cast<int>(std::min({double(num_threads()), double(tiles), useful}));
  // Messages proceed only when somebody asks: between pieces of the work.
  constexpr std::size_t fewest_in_piece = 64;
  const std::size_t pieces = poke ? std::clamp<std::size_t>(tiles / fewest_in_piece, 1, 24) : 1;
  const auto work = [&](std::size_t t) {
    Workspace& w = workspaces_[static_cast<std::size_t>(omp_get_thread_num())];
    double out[2] = {0, 0};
    do_tile(stage, t, source, x, y, mode, w, out);
    partial_[2 * t] = out[0];
    partial_[2 * t + 1] = out[1];
  };
  mode.stream = stage.own && !poke &&
                readers_keep_lines(this->row_range().size() * static_cast<index_t>(sizeof(T)),
                                   threads, index_t{threads} * readers_->count());
  TileShares& shares = shares_[&stage];
  shares.divide(stage, threads, this->row_range().size());
  for (std::size_t piece = 0; piece < pieces; ++piece) {
    shares.start(piece, pieces);
#pragma omp parallel num_threads(threads) if (threads > 1)
    shares.work(omp_get_thread_num(), work);
    if (poke) exchange_->poke();
  }
  // In the order of the tiles: the same sum on any number of threads.
  double re = 0, im = 0;
  for (std::size_t t = 0; t < tiles; ++t) {
    re += partial_[2 * t];
    im += partial_[2 * t + 1];
  }
  if constexpr (is_complex<T>)
    return {re, im};
  else
    return re;
}

/// The diagonal of a tile; `constant` has room for one register.
template <Scalar T>
DiagonalView MatrixFreeMap<T>::diagonal(const Stage& stage, const Stage::Tile& tile,
                                        double* constant, Workspace& w) const {
  const auto cls = static_cast<std::size_t>(tile.cls);
  const auto pairs = static_cast<std::size_t>(plan_->diagonal_pairs);
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    // Lanes without a row repeat the first.
    const std::size_t j = lane / width;
    const std::size_t row = tile.first_row + (j < tile.rows ? j : 0);
    constant[lane] = stage.constant[row];
    for (std::size_t k = 0; k < pairs; ++k)
      w.weight[k * lanes + lane] = stage.weight[row * pairs + k];
  }
  return {plan_->low_diagonal[cls].data(), constant, plan_->diagonal_pairs,
          plan_->function_pointers[cls].data(), w.weight.data()};
}

template <Scalar T>
void MatrixFreeMap<T>::do_tile(const Stage& stage, std::size_t t, Memories<width> source,
                               const double* x, double* y, Mode mode, Workspace& w,
                               double* out) const {
  const Stage::Tile& tile = stage.tiles[t];
  const index_t size = plan_->layout.class_size(tile.cls);
  const double* xr[lanes];
  double* yr[lanes];
  for (std::size_t j = 0; j < tile_rows; ++j) {
    const index_t row = stage.row[tile.first_row + (j < tile.rows ? j : 0)];
    xr[j] = x + width * row;
    yr[j] = y + width * row;
  }
  const auto load = [&](double* into, const double* const* rows, index_t n, const double* re,
                        const double* im, bool accumulate) {
    if constexpr (is_complex<T>)
      k_.load_complex(into, rows, n, re, im, accumulate);
    else
      k_.load_real(into, rows, n, re, accumulate);
  };
  const bool dressed = stage.tile_dressed_start[t + 1] > stage.tile_dressed_start[t];
  if (stage.own) {
    double constant[lanes];
    const DiagonalView d = diagonal(stage, tile, constant, w);
    const LowMatrix& low = plan_->matrices[static_cast<std::size_t>(
        plan_->low_matrix[static_cast<std::size_t>(tile.cls)])];
    load(w.in.data(), xr, size, nullptr, nullptr, false);
    k_.multiply(w.out.data(), w.in.data(), &low.real.view(), &d);
    if constexpr (is_complex<T>)
      if (!low.imaginary.empty())
        k_.multiply_imaginary(w.out.data(), w.in.data(), &low.imaginary.view());
  } else if (dressed) {
    std::fill_n(w.out.data(), lanes * size, 0.0);
  }
  for (auto e = stage.tile_dressed_start[t]; e < stage.tile_dressed_start[t + 1]; ++e) {
    const auto& d = stage.tile_dressed[e];
    const LowMatrix& m = plan_->matrices[static_cast<std::size_t>(d.matrix)];
    for (std::size_t layer = 0; layer < d.layers; ++layer) {
      const double* rows[lanes];
      double re[lanes], im[lanes];
      bool any_im = false;
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t at = d.first + layer * tile_rows + lane / width;
        if (lane < tile_rows)
          rows[lane] = source.at(stage.layer_source[d.first + layer * tile_rows + lane]);
        re[lane] = stage.layer_re[at];
        im[lane] = stage.layer_im[at];
        any_im = any_im || im[lane] != 0;
      }
      load(w.other.data(), rows, plan_->layout.class_size(m.from_class), re, any_im ? im : nullptr,
           layer > 0);
    }
    if (!m.real.empty()) k_.multiply(w.out.data(), w.other.data(), &m.real.view(), nullptr);
    if constexpr (is_complex<T>)
      if (!m.imaginary.empty())
        k_.multiply_imaginary(w.out.data(), w.other.data(), &m.imaginary.view());
  }
  finish_tile(stage, t, source, xr, yr, stage.own || dressed, y, mode, w, out);
}

/// Writes the rows of a tile: what w.out holds (if anything), and the rows that are added to it.
template <Scalar T>
void MatrixFreeMap<T>::finish_tile(const Stage& stage, std::size_t t, Memories<width> source,
                                   const double* const* xr, double* const* yr, bool has_tile,
                                   double* y, Mode mode, Workspace& w, double* out) const {
  const Stage::Tile& tile = stage.tiles[t];
  RowMoves moves[lanes];
  double* sums[lanes];
  w.pieces.clear();
  const std::size_t last_row = tile.first_row + tile.rows;
  for (auto e = stage.dressed_start[tile.first_row]; e < stage.dressed_start[last_row]; ++e) {
    const auto& d = stage.dressed[e];
    const auto& runs = plan_->matrices[static_cast<std::size_t>(d.matrix)].runs;
    w.pieces.push_back(
        {source.at(d.source), runs.data(), static_cast<index_t>(runs.size()), d.re, d.im});
  }
  const double** next = w.source.data();
  const RowRuns* piece = w.pieces.data();
  for (std::size_t j = 0; j < tile.rows; ++j) {
    const std::size_t row = tile.first_row + j;
    const auto pieces = static_cast<int>(stage.dressed_start[row + 1] - stage.dressed_start[row]);
    moves[j] = {next, stage.group.data() + stage.group_start[row],
                static_cast<int>(stage.group_start[row + 1] - stage.group_start[row]), piece,
                pieces};
    piece += pieces;
    for (auto e = stage.move_start[row]; e < stage.move_start[row + 1]; ++e)
      *next++ = source.at(stage.move_source[e]);
    if (mode.sum) sums[j] = mode.sum + (yr[j] - y);
  }
  // The tile that came in is not needed any more: its memory takes the rows.
  const RowTask task{has_tile ? w.out.data() : nullptr,
                     w.in.data(),
                     yr,
                     xr,
                     static_cast<int>(tile.rows),
                     plan_->layout.class_size(tile.cls),
                     moves,
                     mode.old,
                     mode.gamma,
                     mode.overlap,
                     mode.alpha,
                     mode.weight,
                     mode.sum ? sums : nullptr,
                     mode.stream};
  (is_complex<T> ? k_.finish_complex : k_.finish_real)(task, out);
}

}  // namespace

}  // namespace detail

template <Scalar T>
MatrixFreeProduct<T> plan_and_make_matrix_free(const Comm& comm, const SectorOperator& h,
                                               const MatrixFreeOptions& options) {
  if (detail::has_listed_orbits(*h.basis)) {
    comm.agree([&] { detail::require_orbit_product(h, scalar_kind<T>); });
    const auto fits = [&](index_t bytes) {
      try {
        require_memory(comm, bytes, "stored rows");
        return true;
      } catch (const InvalidArgument&) {
        return false;
      }
    };
    return {std::make_unique<detail::OrbitProduct<T>>(h),
            detail::plan_orbit_product(h, scalar_kind<T>, comm.size(), fits)};
  }
  // Found out before the ranks talk of anything else: a bad term throws on all of them alike.
  const bool large = h.basis->partition(comm.size()).max_local_rows() >= options.in_place_rows;
  auto readers = std::make_unique<detail::NodeReaders>(comm, large ? options.node_ranks : 1);
  auto first = std::make_unique<detail::Way<T>>(comm, h, readers->slots(), options);
  MatrixFreeProduct<T> product{nullptr, first->plan->facts};
  detail::ProductWork work = first->plan->work;
  for (double* sum : {&work.operations, &work.entries, &work.rows}) *sum = comm.all_reduce(*sum);
  work.largest_tile = comm.all_reduce(work.largest_tile, Reduce::max);
  detail::judge(product.plan, work, comm.size());
  product.plan.better_than_assembled = comm.all(product.plan.better_than_assembled);
  product.map = std::make_unique<detail::MatrixFreeMap<T>>(comm, h, options, std::move(readers),
                                                           std::move(first));
  return product;
}

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_matrix_free(const Comm& comm, const SectorOperator& h,
                                               const MatrixFreeOptions& options) {
  return plan_and_make_matrix_free<T>(comm, h, options).map;
}

MatrixFreePlan plan_matrix_free(const SectorOperator& h, ScalarKind scalar, int ranks,
                                const MatrixFreeOptions& options) {
  if (detail::has_listed_orbits(*h.basis) || !h.basis->is_listed()) {
    detail::require_orbit_product(h, scalar);
    return detail::plan_orbit_product(h, scalar, ranks,
                                      [](index_t bytes) { return bytes <= available_memory(); });
  }
  std::vector<int> slots(static_cast<std::size_t>(ranks), -1);
  slots[0] = 0;
  return detail::BlockPlan(h, scalar, 0, std::move(slots), options).facts;
}

std::string MatrixFreePlan::text() const {
  if (blocks == 0)
    return detail::concat("matrix-free product of ", dimension, " orbits (", to_string(scalar),
                          "), about ", std::round(10 * entries_per_row) / 10,
                          " entries a row\n  kernels: ", kernels, "\n  ", verdict);
  return detail::concat(
      "Kronecker-block product of ", dimension, " rows (", to_string(scalar),
      ")\n  split: ", high_sites, " + ", low_sites, " sites; ", blocks, " blocks of ", classes,
      classes == 1 ? " class" : " classes", ", at most ", largest_block,
      " rows each\n  terms: ", low_terms, " low, ", high_terms, " high; pairs: ", diagonal_pairs,
      " diagonal, ", mixed_pairs, " mixed\n  kernels: ", kernels,
      "; memory: ", format_bytes(double(memory_bytes)), " (",
      format_bytes(double(message_buffer_bytes)), " of them message buffers), receives ",
      format_bytes(double(received_bytes)), " a product\n  ", verdict);
}

#define KRONSOLVE_INSTANTIATE(T)                                                              \
  template MatrixFreeProduct<T> plan_and_make_matrix_free(const Comm&, const SectorOperator&, \
                                                          const MatrixFreeOptions&);          \
  template std::unique_ptr<LinearMap<T>> make_matrix_free(const Comm&, const SectorOperator&, \
                                                          const MatrixFreeOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
