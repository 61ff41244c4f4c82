#pragma once

#include <cstdint>
#include <span>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/file.hpp>

namespace kronsolve::detail {

/// One number for rows that ranks hold: the same whoever holds which.
class RowsChecksum {
 public:
  template <class... T>
  void add(index_t row, std::span<const T>... parts) {
    Checksum sum;
    const auto add = [&](auto part) {
      sum.add({reinterpret_cast<const char*>(part.data()), part.size_bytes()});
    };
    add(std::span(&row, 1));
    (add(parts), ...);
    all_ ^= sum.value();
  }
  /// Collective.
  std::uint64_t of_all(const Comm& comm) const { return comm.all_reduce(all_, Reduce::bit_xor); }

 private:
  std::uint64_t all_ = 0;
};

}  // namespace kronsolve::detail
