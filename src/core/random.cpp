#include <array>
#include <cmath>
#include <numbers>

#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>

namespace kronsolve {

namespace {

using Block = std::array<std::uint32_t, 4>;

Block philox4x32(Block counter, std::uint32_t key0, std::uint32_t key1) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = 0xD2511F53ull * counter[0];
    const std::uint64_t p1 = 0xCD9E8D57ull * counter[2];
    counter = {
        static_cast<std::uint32_t>(p1 >> 32) ^ counter[1] ^ key0, static_cast<std::uint32_t>(p1),
        static_cast<std::uint32_t>(p0 >> 32) ^ counter[3] ^ key1, static_cast<std::uint32_t>(p0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

double to_uniform(std::uint64_t word) noexcept { return static_cast<double>(word >> 11) * 0x1p-53; }

/// Box and Muller: two independent normal numbers from two words.
std::complex<double> to_normal(CounterRandom::Words w) noexcept {
  const double radius = std::sqrt(-2 * std::log1p(-to_uniform(w.first)));
  const double angle = 2 * std::numbers::pi * to_uniform(w.second);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

CounterRandom::Words CounterRandom::words(std::uint64_t index) const noexcept {
  const Block b = philox4x32(
      {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), stream_, 0},
      static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32));
  return {(static_cast<std::uint64_t>(b[1]) << 32) | b[0],
          (static_cast<std::uint64_t>(b[3]) << 32) | b[2]};
}

double CounterRandom::uniform(std::uint64_t index) const noexcept {
  return to_uniform(words(index).first);
}

double CounterRandom::normal(std::uint64_t index) const noexcept {
  return to_normal(words(index)).real();
}

std::complex<double> CounterRandom::complex_normal(std::uint64_t index) const noexcept {
  return to_normal(words(index));
}

template <Scalar T>
void fill_normal(std::span<T> owned, RowRange range, std::uint64_t seed, std::uint32_t stream) {
  if (static_cast<index_t>(owned.size()) != range.size())
    throw DimensionError(detail::concat("fill_normal: ", owned.size(), " entries for ",
                                        range.size(), " owned rows"));
  const CounterRandom random(seed, stream);
#pragma omp parallel for num_threads(num_threads()) schedule(static)
  for (index_t i = 0; i < range.size(); ++i) {
    const auto row = static_cast<std::uint64_t>(range.begin + i);
    if constexpr (is_complex<T>)
      owned[static_cast<std::size_t>(i)] = random.complex_normal(row);
    else
      owned[static_cast<std::size_t>(i)] = random.normal(row);
  }
}

template <Scalar T>
void fill_uniform(std::span<T> owned, RowRange range, std::uint64_t seed, std::uint32_t stream) {
  if (static_cast<index_t>(owned.size()) != range.size())
    throw DimensionError(detail::concat("fill_uniform: ", owned.size(), " entries for ",
                                        range.size(), " owned rows"));
  const CounterRandom random(seed, stream);
  const auto spread = [](std::uint64_t word) {
    return (2 * to_uniform(word) - 1) * std::numbers::sqrt3;
  };
#pragma omp parallel for num_threads(num_threads()) schedule(static)
  for (index_t i = 0; i < range.size(); ++i) {
    const auto row = static_cast<std::uint64_t>(range.begin + i);
    const auto words = random.words(row);
    if constexpr (is_complex<T>)
      owned[static_cast<std::size_t>(i)] = {spread(words.first), spread(words.second)};
    else
      owned[static_cast<std::size_t>(i)] = spread(words.first);
  }
}

template void fill_uniform(std::span<double>, RowRange, std::uint64_t, std::uint32_t);
template void fill_uniform(std::span<std::complex<double>>, RowRange, std::uint64_t, std::uint32_t);
template void fill_normal(std::span<double>, RowRange, std::uint64_t, std::uint32_t);
template void fill_normal(std::span<std::complex<double>>, RowRange, std::uint64_t, std::uint32_t);

}  // namespace kronsolve
