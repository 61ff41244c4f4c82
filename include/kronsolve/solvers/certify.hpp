#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve {

/// How hard missed levels are looked for.
struct CertifyOptions {
  Which which = Which::SA;     ///< SA or LA: which end of the spectrum the pairs were asked from
  double tol = 1e-10;          ///< of the pairs: |Hx-lx| <= tol times the scale of the level
  index_t max_iterations = 0;  ///< steps for each check; 0: 3000
  std::uint64_t seed = 0;      ///< of the fresh start vectors
  /// Accepted probability, over random start vectors, of an unseen level beyond the last pair.
  double miss_probability = 1e-9;
  /// Part `certificate`, which keeps the pairs too: a run that goes on in it fills them in, and
  /// only needs room for them.
  Checkpoint* checkpoint = nullptr;
};

/// What a check for missed levels found.
struct Certificate {
  /// The check ended as it should: no level is missing, but with miss_probability.
  bool certified = false;
  index_t inserted =
      0;  ///< missed pairs that were found and put in, the outermost pairs dropping out
  index_t products = 0;   ///< spent on the checks
  double next_value = 0;  ///< end of the spectrum outside the pairs, as the last check saw it
  /// Bound on the probability that a level beyond the last pair was missed; where the next value is
  /// too close to the last one to state it, the check ran to convergence instead and this is 1.
  double miss_probability = 1;
  std::string text;  ///< one line for people
};

/// Checks that no level is missing among the k lowest (highest) eigenpairs, and puts missing ones
/// in.
///
/// Small residuals say nothing about copies that a Krylov method never saw. A Lanczos recurrence
/// from a fresh random vector, kept orthogonal to all pairs, sees the rest of the spectrum: it runs
/// until a level beyond the last pair turns up (it is then computed, inserted and the check
/// repeated), until such a level would have been missed with less than the accepted probability, or
/// until the next value itself has converged.
///
/// Collective.
/// Memory: k + 2 vectors (k + 4 while a missed pair is inserted).
/// @param values, residuals, vectors  k pairs as the solvers return them, values ascending; changed
///                                    where pairs were missed
/// @throws InvalidArgument  which is not SA or LA; sizes do not fit
/// Source: probability that Lanczos from a random start is off by a relative error eps after m
/// steps, at most 1.648 sqrt(n) exp(-sqrt(eps) (2m - 1)): J. Kuczynski and H. Wozniakowski, SIAM J.
/// Matrix Anal. Appl. 13, 1094 (1992), doi:10.1137/0613066.
template <Scalar T>
KRONSOLVE_EXPORT Certificate certify_levels(const LinearMap<T>& map, std::vector<double>& values,
                                            std::vector<double>& residuals,
                                            DistributedVectors<T>& vectors,
                                            const CertifyOptions& options = {});

}  // namespace kronsolve
