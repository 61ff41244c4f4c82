#include "solvers/dense/tridiagonal.hpp"

#include "solvers/dense/blas_threads.hpp"
#include "solvers/dense/lapack.hpp"

namespace kronsolve::dense {

TridiagonalEigen tridiagonal_eigh(std::span<const double> diagonal, std::span<const double> off) {
  const std::size_t m = diagonal.size();
  KRONSOLVE_ASSERT(m >= 1 && off.size() + 1 >= m);
  TridiagonalEigen result;
  result.values.assign(diagonal.begin(), diagonal.end());
  result.vectors.assign(m * m, 0);
  std::vector<double> below(off.begin(), off.begin() + static_cast<std::ptrdiff_t>(m - 1));
  below.push_back(0);
  const auto order = narrow<lapack_int>(m, "order of a tridiagonal matrix");
  const BlasThreads one(1);  // too small for threads
  check_lapack(LAPACKE_dstevd(LAPACK_COL_MAJOR, 'V', order, result.values.data(), below.data(),
                              result.vectors.data(), order),
               "dstevd");
  return result;
}

TridiagonalPair tridiagonal_pair(std::span<const double> diagonal, std::span<const double> off,
                                 SpectrumEnd end, std::size_t place) {
  const std::size_t m = diagonal.size();
  KRONSOLVE_ASSERT(m > place && off.size() + 1 >= m);
  // stevr overwrites its input and wants room for one more entry below the diagonal.
  std::vector<double> d(diagonal.begin(), diagonal.end());
  std::vector<double> below(off.begin(), off.begin() + static_cast<std::ptrdiff_t>(m - 1));
  below.push_back(0);
  const auto order = narrow<lapack_int>(m, "order of a tridiagonal matrix");
  const auto from_end = static_cast<lapack_int>(place);
  const lapack_int which = end == SpectrumEnd::lowest ? 1 + from_end : order - from_end;
  std::vector<double> values(m);
  std::vector<lapack_int> support(2 * m);
  lapack_int found = 0;
  TridiagonalPair pair{0, std::vector<double>(m)};
  const BlasThreads one(1);  // too small for threads
  check_lapack(
      LAPACKE_dstevr(LAPACK_COL_MAJOR, 'V', 'I', order, d.data(), below.data(), 0, 0, which, which,
                     0, &found, values.data(), pair.vector.data(), order, support.data()),
      "dstevr");
  pair.value = values.front();
  return pair;
}

}  // namespace kronsolve::dense
