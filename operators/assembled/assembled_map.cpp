#include <optional>

#include <kronsolve/operators/assembled_map.hpp>

#include "core/counted.hpp"
#include "operators/assembled/block_stepper.hpp"
#include "operators/assembled/halo_product.hpp"
#include "operators/assembled/stored_rows.hpp"

namespace kronsolve {

template <Scalar T>
struct AssembledMap<T>::Storage {
  std::shared_ptr<const detail::StoredRows<T>> rows;
  std::optional<detail::HaloProduct<T>> product;
  std::optional<detail::BlockStepper<T>> stepper;
};

template <Scalar T>
AssembledMap<T>::AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows,
                              RowPartition cols)
    : LinearMap<T>(comm, std::move(rows), std::move(cols)), storage_(std::make_unique<Storage>()) {
  if (this->rows() != a.rows() || this->cols() != a.cols())
    throw DimensionError(detail::concat(
        "AssembledMap: the matrix is ", a.rows(), " x ", a.cols(), ", the partitions are of ",
        detail::counted(this->rows(), "row"), " and ", detail::counted(this->cols(), "column")));
  std::shared_ptr<detail::StoredRows<T>> built;
  comm.agree([&] {
    built = std::make_shared<detail::StoredRows<T>>(this->row_range(), this->col_partition(),
                                                    comm.rank(),
                                                    this->row_partition() == this->col_partition());
    built->build(a);
  });
  comm.agree([&] { built->number_ghosts(); });
  take(std::move(built));
}

template <Scalar T>
AssembledMap<T>::AssembledMap(const Comm& comm, std::shared_ptr<const detail::StoredRows<T>> stored)
    : LinearMap<T>(comm, stored->cols(), stored->cols()), storage_(std::make_unique<Storage>()) {
  take(std::move(stored));
}

template <Scalar T>
void AssembledMap<T>::take(std::shared_ptr<const detail::StoredRows<T>> stored) {
  storage_->rows = std::move(stored);
  const auto& rows = *storage_->rows;
  storage_->product.emplace(this->comm(), this->col_partition(), rows, rows.ghosts());
  storage_->stepper.emplace(this->comm(), rows, storage_->product->halo());
}

template <Scalar T>
AssembledMap<T>::AssembledMap(const Comm& comm, const Lazy<T>& a, RowPartition rows)
    : AssembledMap(comm, a, rows, rows) {}

template <Scalar T>
AssembledMap<T>::~AssembledMap() = default;

template <Scalar T>
void AssembledMap<T>::apply_impl(std::span<const T> x, std::span<T> y) const {
  storage_->product->apply(x, y);
}

template <Scalar T>
void AssembledMap<T>::apply_adjoint_impl(std::span<const T> x, std::span<T> y) const {
  storage_->product->apply_adjoint(x, y);
}

template <Scalar T>
double AssembledMap<T>::apply_cross_impl(std::span<const T> x, std::span<T> y) const {
  return storage_->product->apply_cross(x, y);
}

template <Scalar T>
T AssembledMap<T>::apply_recurrence_impl(std::span<const T> x, double beta, std::span<T> y) const {
  return storage_->product->apply_recurrence(x, beta, y);
}

template <Scalar T>
void AssembledMap<T>::apply_known_step_impl(std::span<const T> x, double alpha, double beta,
                                            std::span<T> y, double weight, std::span<T> sum) const {
  if (!storage_->product->apply_known_step(x, alpha, beta, y, weight, sum))
    this->finish_known_step(x, 0, y, weight, sum);
}

template <Scalar T>
index_t AssembledMap<T>::block_width() const noexcept {
  return storage_->rows->has_diagonal() ? detail::lanes * 8 / index_t{sizeof(T)} : 1;
}

template <Scalar T>
void AssembledMap<T>::apply_block_step_impl(index_t width, std::span<const T> x,
                                            RecurrenceStep step, std::span<T> y,
                                            std::span<T> sum) const {
  const detail::BlockStep block{.doubles = static_cast<int>(width * index_t{sizeof(T)} / 8),
                                .scale = step.scale,
                                .center = step.center,
                                .beta = step.beta,
                                .weight = step.weight};
  storage_->stepper->apply(block, x, y, sum);
}

template <Scalar T>
index_t AssembledMap<T>::local_entries() const noexcept {
  return storage_->rows->entries();
}

template <Scalar T>
index_t AssembledMap<T>::ghost_entries() const noexcept {
  return storage_->product->halo().ghost_count();
}

template <Scalar T>
bool AssembledMap<T>::is_coded() const noexcept {
  return storage_->rows->is_coded();
}

template <Scalar T>
index_t AssembledMap<T>::memory_bytes() const noexcept {
  return storage_->rows->bytes() + storage_->product->bytes() + storage_->stepper->bytes();
}

template <Scalar T>
double AssembledMap<T>::row_sum_norm() const {
  return this->comm().all_reduce(storage_->rows->row_sum_norm(), Reduce::max);
}

template class AssembledMap<double>;
template class AssembledMap<std::complex<double>>;

}  // namespace kronsolve
