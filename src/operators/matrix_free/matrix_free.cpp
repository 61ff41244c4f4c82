#include <algorithm>

#include <omp.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/matrix_free.hpp>

#include "operators/matrix_free/block_plan.hpp"
#include "operators/matrix_free/exchange.hpp"

namespace kronsolve {

namespace detail {

namespace {

/// Scratch memory of one thread.
struct Workspace {
  Buffer<double> in, other, out;      ///< tiles
  std::vector<double> weight;         ///< [diagonal pair][lane]
  std::vector<const double*> source;  ///< moves of a row
};

/// How a stage combines with what y holds, and which overlap with x it returns.
struct Mode {
  Old old = Old::overwrite;
  double gamma = 0;
  Overlap overlap = Overlap::none;
};

template <Scalar T>
class MatrixFreeMap final : public LinearMap<T> {
 public:
  MatrixFreeMap(const Comm& comm, std::unique_ptr<BlockPlan> plan)
      : LinearMap<T>(comm, plan->rows, plan->rows),
        plan_(std::move(plan)),
        exchange_(comm, *plan_),
        k_(kernels()) {
    std::size_t tiles = plan_->own.tiles.size();
    for (const auto& message : plan_->messages) tiles = std::max(tiles, message.stage.tiles.size());
    partial_.resize(2 * tiles);
  }

  index_t memory_bytes() const noexcept override {
    index_t scratch = 0;
    for (const auto& w : workspaces_) scratch += (w.in.size() + w.other.size() + w.out.size()) * 8;
    return plan_->facts.memory_bytes - plan_->facts.message_buffer_bytes +
           exchange_.memory_bytes() + scratch + static_cast<index_t>(partial_.size()) * 8;
  }

 protected:
  void apply_impl(std::span<const T> x, std::span<T> y) const override {
    (void)product(x, y, {Old::overwrite, 0, Overlap::none});
  }
  T apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const override {
    return beta == 0 ? product(x, y, {Old::overwrite, 0, Overlap::final})
                     : product(x, y, {Old::scale, -beta, Overlap::final});
  }

 private:
  static constexpr int width = is_complex<T> ? 2 : 1;  ///< doubles per entry
  static constexpr int tile_rows = lanes / width;

  T product(std::span<const T> x, std::span<T> y, Mode mode) const;
  T run(const Stage& stage, const double* source, const double* x, double* y, Mode mode,
        bool poke) const;
  void prepare_workspaces() const;
  DiagonalView diagonal(const Stage& stage, const Stage::Tile& tile, double* constant,
                        Workspace& w) const;
  void do_tile(const Stage& stage, std::size_t t, const double* source, const double* x, double* y,
               Mode mode, Workspace& w, double* out) const;

  std::unique_ptr<BlockPlan> plan_;
  mutable Exchange<T> exchange_;
  const KernelTable& k_;
  mutable std::vector<Workspace> workspaces_;
  mutable std::vector<double> partial_;
};

template <Scalar T>
void MatrixFreeMap<T>::prepare_workspaces() const {
  const auto threads = static_cast<std::size_t>(num_threads());
  if (workspaces_.size() >= threads) return;
  const index_t largest = plan_->layout.largest_class();
  std::size_t moves = 0;
  const auto count = [&](const Stage& stage) {
    for (std::size_t r = 0; r + 1 < stage.move_start.size(); ++r)
      moves = std::max<std::size_t>(moves, stage.move_start[r + 1] - stage.move_start[r]);
  };
  count(plan_->own);
  for (const auto& message : plan_->messages) count(message.stage);
  while (workspaces_.size() < threads) {
    auto& w = workspaces_.emplace_back();
    w.out = Buffer<double>(largest * lanes);
    w.in = Buffer<double>(largest * lanes);
    w.other = Buffer<double>(largest * lanes);
    w.weight.resize(static_cast<std::size_t>(plan_->diagonal_pairs * lanes));
    w.source.resize(moves * tile_rows);
  }
}

template <Scalar T>
T MatrixFreeMap<T>::product(std::span<const T> x, std::span<T> y, Mode mode) const {
  prepare_workspaces();
  const auto* in = reinterpret_cast<const double*>(x.data());
  auto* out = reinterpret_cast<double*>(y.data());
  const bool alone = exchange_.idle();
  if (!alone) exchange_.start(x.data());
  T overlap = run(plan_->own, in, in, out, mode, !alone);
  if (alone) return overlap;
  const Overlap rest = mode.overlap == Overlap::none ? Overlap::none : Overlap::added;
  for (auto arrived = exchange_.wait(); arrived.message >= 0; arrived = exchange_.wait())
    overlap +=
        run(plan_->messages[static_cast<std::size_t>(arrived.message)].stage,
            reinterpret_cast<const double*>(arrived.rows), in, out, {Old::keep, 0, rest}, true);
  return overlap;
}

template <Scalar T>
T MatrixFreeMap<T>::run(const Stage& stage, const double* source, const double* x, double* y,
                        Mode mode, bool poke) const {
  const auto tiles = static_cast<index_t>(stage.tiles.size());
  // Messages proceed only when somebody asks: between pieces of the work.
  // A thread must have something to do: starting a team costs about what a few thousand rows do.
  constexpr index_t fewest_rows = 1024;
  const index_t useful = std::max<index_t>(1, this->row_range().size() / fewest_rows);
  const int threads = static_cast<int>(std::min<index_t>({num_threads(), tiles, useful}));
  constexpr index_t fewest_in_piece = 64;
  const index_t pieces = poke ? std::clamp<index_t>(tiles / fewest_in_piece, 1, 24) : 1;
  for (index_t piece = 0; piece < pieces; ++piece) {
    const index_t begin = tiles * piece / pieces, end = tiles * (piece + 1) / pieces;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (index_t t = begin; t < end; ++t) {
      Workspace& w = workspaces_[static_cast<std::size_t>(omp_get_thread_num())];
      double out[2] = {0, 0};
      do_tile(stage, static_cast<std::size_t>(t), source, x, y, mode, w, out);
      partial_[static_cast<std::size_t>(2 * t)] = out[0];
      partial_[static_cast<std::size_t>(2 * t + 1)] = out[1];
    }
    if (poke) exchange_.poke();
  }
  // In the order of the tiles: the same sum on any number of threads.
  double re = 0, im = 0;
  for (std::size_t t = 0; t < static_cast<std::size_t>(tiles); ++t) {
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
void MatrixFreeMap<T>::do_tile(const Stage& stage, std::size_t t, const double* source,
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
          rows[lane] = source + width * stage.layer_source[d.first + layer * tile_rows + lane];
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
  RowMoves moves[lanes];
  const double** next = w.source.data();
  for (std::size_t j = 0; j < tile.rows; ++j) {
    const std::size_t row = tile.first_row + j;
    moves[j] = {next, stage.group.data() + stage.group_start[row],
                static_cast<int>(stage.group_start[row + 1] - stage.group_start[row])};
    for (auto e = stage.move_start[row]; e < stage.move_start[row + 1]; ++e)
      *next++ = source + width * stage.move_source[e];
  }
  const double* turned = stage.own || dressed ? w.out.data() : nullptr;
  (is_complex<T> ? k_.finish_complex : k_.finish_real)(turned, yr, xr, static_cast<int>(tile.rows),
                                                       size, moves, mode.old, mode.gamma,
                                                       mode.overlap, out);
  for (std::size_t j = 0; j < tile.rows; ++j) {
    const std::size_t row = tile.first_row + j;
    for (auto e = stage.dressed_start[row]; e < stage.dressed_start[row + 1]; ++e) {
      const auto& d = stage.dressed[e];
      const auto& runs = plan_->matrices[static_cast<std::size_t>(d.matrix)].runs;
      const auto count = static_cast<index_t>(runs.size());
      const double* from = source + width * d.source;
      if constexpr (is_complex<T>)
        k_.add_runs_complex(yr[j], from, runs.data(), count, d.re, d.im, xr[j], mode.overlap, out);
      else
        k_.add_runs_real(yr[j], from, runs.data(), count, d.re, xr[j], mode.overlap, out);
    }
  }
}

}  // namespace

}  // namespace detail

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_matrix_free(const Comm& comm, const SectorOperator& h,
                                               const MatrixFreeOptions& options) {
  std::unique_ptr<detail::BlockPlan> plan;
  comm.agree([&] {
    plan =
        std::make_unique<detail::BlockPlan>(h, scalar_kind<T>, comm.rank(), comm.size(), options);
  });
  return std::make_unique<detail::MatrixFreeMap<T>>(comm, std::move(plan));
}

MatrixFreePlan plan_matrix_free(const SectorOperator& h, ScalarKind scalar, int ranks,
                                const MatrixFreeOptions& options) {
  return detail::BlockPlan(h, scalar, 0, ranks, options).facts;
}

std::string MatrixFreePlan::text() const {
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
  template std::unique_ptr<LinearMap<T>> make_matrix_free(const Comm&, const SectorOperator&, \
                                                          const MatrixFreeOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
