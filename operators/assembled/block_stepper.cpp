#include "operators/assembled/block_stepper.hpp"

#include <cstdint>

#include <omp.h>

#include <kronsolve/core/threads.hpp>

#include "operators/rows/shared_lines.hpp"

namespace kronsolve::detail {

namespace {

template <Scalar T>
SparseRows rows_of(const StoredRows<T>& stored, const Part<T>& part) {
  const bool by_code = !part.codes.empty();
  const T* values = by_code ? stored.table().data() : part.values.data();
  return {.rows = static_cast<index_t>(part.offsets.size()) - 1,
          .offsets = part.offsets.data(),
          .column = part.columns.data(),
          .code = by_code ? part.codes.data() : nullptr,
          .value = reinterpret_cast<const double*>(values),
          .one_value = by_code && stored.table().size() == 1,
          .diagonal = nullptr};
}

}  // namespace

/// Entries with columns of other ranks are added afterwards: the step is linear in the product.
template <Scalar T>
void BlockStepper<T>::apply(BlockStep step, std::span<const T> x, std::span<T> y,
                            std::span<T> sum) {
  const auto& k = kernels();
  auto& fetched = halos_[step.doubles == lanes ? 1 : 0];
  if (!fetched)
    fetched = std::make_unique<Halo<T>>(comm_, pattern_, step.doubles * 8 / index_t{sizeof(T)});
  fetched->start(x);
  const auto* in = reinterpret_cast<const double*>(x.data());
  auto* out = reinterpret_cast<double*>(y.data());
  auto* total = reinterpret_cast<double*>(sum.data());
  const auto count = static_cast<index_t>(rows_.blocks().size());
  // Shorter sweeps are done before a team has started.
  constexpr index_t parallel_rows = 4096;
  const index_t owned = static_cast<index_t>(rows_.diagonal().size());
  const int threads = owned < parallel_rows ? 1 : num_threads();
  const bool aligned = reinterpret_cast<std::uintptr_t>(out) % (8 * lanes) == 0;
  step.stream = aligned && fetched->ghosts().empty() &&
                readers_keep_lines(static_cast<index_t>(y.size_bytes()), threads, threads);
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = rows_.blocks()[static_cast<std::size_t>(b)];
    SparseRows rows = rows_of(rows_, block.owned);
    if (rows_.has_diagonal())
      rows.diagonal = reinterpret_cast<const double*>(rows_.diagonal().data() + block.first);
    const index_t at = step.doubles * block.first;
    (is_complex<T> ? k.block_step_complex : k.block_step_real)(&rows, &step, in, in + at, out + at,
                                                               total + at);
    if (omp_get_thread_num() == 0) fetched->poll();
  }
  fetched->finish();
  if (fetched->ghosts().empty()) return;
  const auto* ghosts = reinterpret_cast<const double*>(fetched->ghosts().data());
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t b = 0; b < count; ++b) {
    const auto& block = rows_.blocks()[static_cast<std::size_t>(b)];
    const SparseRows rows = rows_of(rows_, block.ghost);
    const index_t at = step.doubles * block.first;
    (is_complex<T> ? k.block_add_complex : k.block_add_real)(
        &rows, &step, ghosts, block.ghost_rows.data(), out + at, total + at);
  }
}

template <Scalar T>
index_t BlockStepper<T>::bytes() const noexcept {
  index_t bytes = 0;
  for (const auto& halo : halos_)
    if (halo) bytes += halo->bytes();
  return bytes;
}

template class BlockStepper<double>;
template class BlockStepper<std::complex<double>>;

}  // namespace kronsolve::detail
