#pragma once
// A random sparse matrix that every program here can make row by row: the same one for all of them.

#include <algorithm>
#include <cstdint>
#include <vector>

namespace random_sparse {

/// Numbers of the splitmix64 sequence.
struct Sequence {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

struct Row {
  std::vector<std::int64_t> columns;  ///< ascending
  std::vector<double> values;         ///< uniform on [0, 1)
};

/// Row i of a matrix with `cols` columns: about density * cols entries.
inline Row row(std::int64_t i, std::int64_t cols, double density) {
  Sequence random{static_cast<std::uint64_t>(i) * 0xD1B54A32D192ED03u + 1};
  const double wanted = density * static_cast<double>(cols);
  auto count = static_cast<std::int64_t>(wanted);
  count += random.uniform() < wanted - static_cast<double>(count) ? 1 : 0;
  Row r;
  for (std::int64_t e = 0; e < count; ++e)
    r.columns.push_back(static_cast<std::int64_t>(random.uniform() * static_cast<double>(cols)));
  std::sort(r.columns.begin(), r.columns.end());
  r.columns.erase(std::unique(r.columns.begin(), r.columns.end()), r.columns.end());
  for (std::size_t e = 0; e < r.columns.size(); ++e) r.values.push_back(random.uniform());
  return r;
}

}  // namespace random_sparse
