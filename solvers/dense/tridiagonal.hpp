#pragma once

#include <span>
#include <vector>

namespace kronsolve::dense {

/// Eigenpairs of a real symmetric tridiagonal matrix.
struct TridiagonalEigen {
  std::vector<double> values;  ///< ascending
  std::vector<double>
      vectors;  ///< m x m, columns one after the other: component i of pair j at [j*m + i]
  double component(std::size_t i, std::size_t j) const { return vectors[j * values.size() + i]; }
};

/// All eigenpairs. Local; O(m^3), LAPACK stevd.
/// @param diagonal  m >= 1 entries
/// @param off       at least m-1 entries, what follows is ignored
/// @throws EngineError  LAPACK did not converge
TridiagonalEigen tridiagonal_eigh(std::span<const double> diagonal, std::span<const double> off);

/// One eigenpair of a real symmetric tridiagonal matrix.
struct TridiagonalPair {
  double value = 0;
  std::vector<double> vector;  ///< m components, norm 1
};

enum class SpectrumEnd { lowest, highest };
/// One eigenpair, number `place` counted from an end. Local; O(m), LAPACK stevr.
/// @param diagonal  m > place entries
/// @param off       at least m-1 entries, what follows is ignored
/// @throws EngineError  LAPACK did not converge
TridiagonalPair tridiagonal_pair(std::span<const double> diagonal, std::span<const double> off,
                                 SpectrumEnd end, std::size_t place);
inline TridiagonalPair tridiagonal_end(std::span<const double> diagonal,
                                       std::span<const double> off, SpectrumEnd end) {
  return tridiagonal_pair(diagonal, off, end, 0);
}

}  // namespace kronsolve::dense
