#pragma once

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// <phi| (z - H)^-1 |phi> as a continued fraction, equivalently as poles with weights. A value;
/// local.
struct KRONSOLVE_EXPORT SpectralFunction {
  std::vector<double> poles;    ///< energies, ascending
  std::vector<double> weights;  ///< of the poles; their sum is <phi|phi>
  double norm_squared = 0;      ///< <phi|phi>
  index_t products = 0;         ///< with H
  std::vector<double> alpha,    ///< diagonal of the tridiagonal matrix
      beta;                     ///< its off-diagonal

  /// <phi| (z - H)^-1 |phi>.
  std::complex<double> green(std::complex<double> z) const;
  /// -Im green(energy + i eta) / pi: delta functions as Lorentzians of half width eta.
  double density(double energy, double eta) const;
  /// sum_j weight_j pole_j^power = <phi| H^power |phi>, exact for power < 2 * steps.
  double moment(int power) const;
};

/// How many poles at most.
struct SpectralFunctionOptions {
  index_t steps = 200;  ///< Lanczos steps at most; resolves poles about half width of the spectrum
                        ///< / steps apart
};

/// Spectral function of the vector phi = B|psi> under H, H in the sector of phi. Collective on
/// h.comm().
/// @param phi  owned entries, any norm; may come from another sector through apply_operator
/// @throws DimensionError, InvalidArgument  as expm_multiply
/// Cost: `steps` products, two vectors, and the Lanczos vectors where they take less than 64 MiB.
/// Source: Gagliano and Balseiro 1987, doi:10.1103/PhysRevLett.59.2999.
template <Scalar T>
KRONSOLVE_EXPORT SpectralFunction spectral_function(const LinearMap<T>& h, VectorArgument<T> phi,
                                                    const SpectralFunctionOptions& options = {});

/// <a| (z - H)^-1 |b> for any two vectors, from those of a + b, a - b (and a + ib, a - ib).
struct KRONSOLVE_EXPORT CrossSpectralFunction {
  /// One of the combinations, with its factor in the sum.
  struct Part {
    std::complex<double> factor;  ///< of this function in the sum
    SpectralFunction function;    ///< of a + b, a - b, a + ib or a - ib
  };
  std::vector<Part> parts;  ///< two, or four for complex vectors

  std::complex<double> green(std::complex<double> z) const;  ///< <a| (z - H)^-1 |b>
  /// <a| H^power |b>.
  std::complex<double> moment(int power) const;
  index_t products() const noexcept;  ///< with H, of all parts
};
/// Collective.
/// Cost: two (complex: four) times that of spectral_function.
template <Scalar T>
KRONSOLVE_EXPORT CrossSpectralFunction
cross_spectral_function(const LinearMap<T>& h, VectorArgument<T> a, VectorArgument<T> b,
                        const SpectralFunctionOptions& options = {});

/// op |psi> from one sector into another: what an operator that changes the charge or the momentum
/// needs, such as sum_j exp(iqj) Sz_j from momentum k to k + q. Collective on comm.
///
/// Every symmetry of `to` must be one of `from`, and op must take the factor that leads from the
/// one value to the other, so that nothing of op |psi> is outside `to`.
/// @param psi  owned rows of from.partition(comm.size())
/// @return one column, rows of to.partition(comm.size())
/// @throws DimensionError   op, from and to are not about the same sites; wrong length of psi (on
///                          any rank)
/// @throws InvalidArgument  T is real and op or a basis is not; op leads out of `to`: names the
///                          symmetry and a term, or two configurations
/// Cost: O(owned rows of `to` * moves of op), in sectors of symmetries with a search for a
/// representative each; messages in proportion. Nothing is written out in configurations.
template <Scalar T>
KRONSOLVE_EXPORT DistributedVectors<T> apply_operator(const Comm& comm, const OpSum& op,
                                                      const Basis& from, VectorArgument<T> psi,
                                                      const Basis& to);

}  // namespace kronsolve
