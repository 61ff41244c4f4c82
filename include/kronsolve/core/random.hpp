#pragma once

#include <complex>
#include <cstdint>
#include <span>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Random numbers by position instead of by sequence: the value at (seed, stream, index) is the
/// same on any number of ranks and threads. Philox4x32-10 (Salmon et al. 2011,
/// doi:10.1145/2063384.2063405).
class KRONSOLVE_EXPORT CounterRandom {
 public:
  /// Numbers of the same seed and different streams are independent. Local; free.
  explicit constexpr CounterRandom(std::uint64_t seed, std::uint32_t stream = 0) noexcept
      : seed_(seed), stream_(stream) {}

  /// 128 random bits as two words.
  struct Words {
    std::uint64_t first,  ///< 64 random bits
        second;           ///< 64 others
  };
  Words words(std::uint64_t index) const noexcept;  ///< those of a position; local, about 10 ns
  /// Uniform on [0, 1), 53 bits.
  double uniform(std::uint64_t index) const noexcept;
  /// Normal with mean 0 and variance 1.
  double normal(std::uint64_t index) const noexcept;
  /// Real and imaginary part normal with mean 0 and variance 1, independent.
  std::complex<double> complex_normal(std::uint64_t index) const noexcept;

 private:
  std::uint64_t seed_;
  std::uint32_t stream_;
};

/// Fills the owned rows of a vector with normal numbers by global row (complex: both parts). Local;
/// O(owned rows).
template <Scalar T>
KRONSOLVE_EXPORT void fill_normal(std::span<T> owned, RowRange range, std::uint64_t seed,
                                  std::uint32_t stream = 0);

/// The same with numbers uniform around 0, of variance 1 (of each part): a quarter of the cost.
template <Scalar T>
KRONSOLVE_EXPORT void fill_uniform(std::span<T> owned, RowRange range, std::uint64_t seed,
                                   std::uint32_t stream = 0);

}  // namespace kronsolve
