#pragma once
// Counts above what one MPI call takes.

#include <algorithm>

#include <kronsolve/core/comm.hpp>

namespace kronsolve::detail {

/// Largest count given to one MPI call: small enough that no implementation's byte counts overflow.
/// Sender and receiver must cut in the same way.
inline constexpr index_t piece = index_t{1} << 26;

/// Calls f(pointer, count, elements before it) for each piece of an array; not at all for an empty
/// one.
template <class F>
void for_each_piece(const void* data, index_t count, MPI_Datatype type, const F& f) {
  int size = 0;
  check_mpi(MPI_Type_size(type, &size), "MPI_Type_size");
  for (index_t done = 0; done < count; done += piece)
    f(static_cast<char*>(const_cast<void*>(data)) + done * size,
      static_cast<int>(std::min(count - done, piece)), done);
}

MPI_Op operation(Reduce op);

}  // namespace kronsolve::detail
