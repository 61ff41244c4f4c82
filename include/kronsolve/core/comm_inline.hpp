#pragma once
// Templates of Comm; include <kronsolve/core/comm.hpp>.

#include <complex>
#include <concepts>
#include <cstdint>
#include <type_traits>

#include <kronsolve/core/comm.hpp>

namespace kronsolve {

template <class T>
MPI_Datatype mpi_type() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::same_as<U, double>)
    return MPI_DOUBLE;
  else if constexpr (std::same_as<U, float>)
    return MPI_FLOAT;
  else if constexpr (std::same_as<U, std::complex<double>>)
    return MPI_CXX_DOUBLE_COMPLEX;
  else if constexpr (std::same_as<U, char>)
    return MPI_CHAR;
  else if constexpr (std::same_as<U, bool>)
    return MPI_CXX_BOOL;
  else if constexpr (std::same_as<U, std::byte>)
    return MPI_BYTE;
  else if constexpr (std::integral<U> && std::is_signed_v<U>) {
    if constexpr (sizeof(U) == 1)
      return MPI_INT8_T;
    else if constexpr (sizeof(U) == 2)
      return MPI_INT16_T;
    else if constexpr (sizeof(U) == 4)
      return MPI_INT32_T;
    else
      return MPI_INT64_T;
  } else if constexpr (std::integral<U>) {
    if constexpr (sizeof(U) == 1)
      return MPI_UINT8_T;
    else if constexpr (sizeof(U) == 2)
      return MPI_UINT16_T;
    else if constexpr (sizeof(U) == 4)
      return MPI_UINT32_T;
    else
      return MPI_UINT64_T;
  } else {
    static_assert(std::integral<U>, "no MPI datatype for this type");
  }
}

namespace detail {
KRONSOLVE_EXPORT void check_reduce(Reduce op, bool whole, bool ordered);
/// @throws InvalidArgument  see Comm::all_reduce
template <class T>
void check_reduce(Reduce op) {
  check_reduce(op, std::integral<T>, std::integral<T> || std::floating_point<T>);
}
// Any count, also above 2^31.
KRONSOLVE_EXPORT void all_reduce(const Comm& comm, void* values, index_t count, MPI_Datatype type,
                                 Reduce op);
KRONSOLVE_EXPORT void broadcast(const Comm& comm, void* values, index_t count, MPI_Datatype type,
                                int root);
/// Gathers pieces of any lengths; counts are in elements, one per rank.
KRONSOLVE_EXPORT void gather_v(const Comm& comm, const void* mine, index_t count, void* all,
                               std::span<const index_t> counts, MPI_Datatype type, int root);
KRONSOLVE_EXPORT void all_to_all_v(const Comm& comm, std::span<const void* const> send,
                                   std::span<const index_t> send_counts,
                                   std::span<void* const> receive,
                                   std::span<const index_t> receive_counts, MPI_Datatype type);
}  // namespace detail

template <class T>
T Comm::all_reduce(T value, Reduce op) const {
  all_reduce(std::span<T>(&value, 1), op);
  return value;
}

template <class T>
void Comm::all_reduce(std::span<T> values, Reduce op) const {
  detail::check_reduce<T>(op);
  if (size_ == 1) {
    if (op == Reduce::logical_and || op == Reduce::logical_or)
      for (T& value : values) value = static_cast<T>(value != T(0));
    return;
  }
  detail::all_reduce(*this, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), op);
}

template <class T>
std::vector<T> Comm::all_gather(const T& value) const {
  return all_gather_v(std::span<const T>(&value, 1));
}

template <class T>
std::vector<T> Comm::gather_v(std::span<const T> mine, int root) const {
  if (size_ == 1) return {mine.begin(), mine.end()};
  std::vector<index_t> counts(static_cast<std::size_t>(size_), 0);
  counts[static_cast<std::size_t>(rank_)] = static_cast<index_t>(mine.size());
  all_reduce(std::span(counts));
  index_t total = 0;
  for (const index_t c : counts) total += c;
  std::vector<T> all(rank_ == root ? static_cast<std::size_t>(total) : 0);
  detail::gather_v(*this, mine.data(), static_cast<index_t>(mine.size()), all.data(), counts,
                   mpi_type<T>(), root);
  return all;
}

template <class T>
std::vector<T> Comm::all_gather_v(std::span<const T> mine) const {
  if (size_ == 1) return {mine.begin(), mine.end()};
  auto all = gather_v(mine, 0);
  const index_t total = all_reduce(static_cast<index_t>(mine.size()));
  all.resize(static_cast<std::size_t>(total));
  broadcast(std::span<T>(all), 0);
  return all;
}

template <class T>
void Comm::broadcast(std::span<T> values, int root) const {
  if (size_ == 1) return;
  detail::broadcast(*this, values.data(), static_cast<index_t>(values.size()), mpi_type<T>(), root);
}

template <class T>
std::vector<std::vector<T>> Comm::all_to_all_v(const std::vector<std::vector<T>>& send) const {
  if (size_ == 1) return send;
  const auto n = static_cast<std::size_t>(size_);
  std::vector<index_t> send_counts(n), matrix(n * n, 0), receive_counts(n);
  for (std::size_t r = 0; r < n; ++r) {
    send_counts[r] = static_cast<index_t>(send[r].size());
    matrix[static_cast<std::size_t>(rank_) * n + r] = send_counts[r];
  }
  all_reduce(std::span(matrix));
  std::vector<std::vector<T>> received(n);
  std::vector<const void*> from(n);
  std::vector<void*> to(n);
  for (std::size_t r = 0; r < n; ++r) {
    receive_counts[r] = matrix[r * n + static_cast<std::size_t>(rank_)];
    received[r].resize(static_cast<std::size_t>(receive_counts[r]));
    from[r] = send[r].data();
    to[r] = received[r].data();
  }
  detail::all_to_all_v(*this, from, send_counts, to, receive_counts, mpi_type<T>());
  return received;
}

}  // namespace kronsolve
