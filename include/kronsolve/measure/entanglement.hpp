#pragma once

#include <complex>
#include <span>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve {

// All functions are collective on the state's communicator and return the same on every rank. Site
// lists ascend strictly. Nothing is gathered: the matrix psi(system, environment) is handed out
// column by column, every column to one rank, in rounds of bounded size; in a sector of charges it
// falls into blocks, which are treated one after the other. What a rank needs besides is
// entanglement_memory(). Fermions: |a, b> = (operators of the chosen sites)(operators of the
// others)|0>, each in Jordan-Wigner order, so that density matrices are those of the operators of
// the chosen sites.
//
// In sectors of momentum, reflection or spin flip the amplitudes of configurations are those of
// their orbits: the matrices are the ones of the charges alone, and so are cost and memory but for
// the state itself.
//
// All throw InvalidArgument for sites that do not ascend, lie outside the lattice, or need more
// memory than there is (with both numbers), and NotSupported in bases of a user's own.

/// Natural logarithm, or logarithm to base 2 (1 bit = ln 2 nats).
enum class EntropyUnit { nats, bits };

/// Which entropy.
struct EntropyOptions {
  double alpha = 1;  ///< 1: von Neumann; else Renyi of that order, > 0; infinity: -ln of the
                     ///< largest probability
  EntropyUnit unit = EntropyUnit::nats;  ///< of the result
};

/// -sum p ln p, or ln(sum p^alpha) / (1 - alpha), of weights p >= 0 divided by their sum. Local.
/// @throws InvalidArgument  alpha <= 0 or NaN; all weights zero
KRONSOLVE_EXPORT double entropy(std::span<const double> weights,
                                const EntropyOptions& options = {});

/// The singular values of psi(chosen sites, other sites), descending; as many as the smaller side
/// of every block has configurations. Accurate to the rounding of the largest: columns are folded
/// into triangles by LQ factorisations, never squared (Demmel, Grigori, Hoemmen, Langou 2012,
/// doi:10.1137/080731992).
template <Scalar T>
KRONSOLVE_EXPORT std::vector<double> schmidt_values(const StateView<T>& psi,
                                                    const std::vector<int>& sites);

/// Entropy of the chosen sites, the other ones traced out. For alpha >= 1 from the eigenvalues of
/// the density matrix of the smaller side, else from schmidt_values.
/// Cost: about (dimension of the smaller side) x (rows of the state) multiplications, shared by the
/// ranks.
template <Scalar T>
KRONSOLVE_EXPORT double entanglement_entropy(const StateView<T>& psi, const std::vector<int>& sites,
                                             const EntropyOptions& options = {});

/// S(a) + S(b) - S(a and b).
/// @throws InvalidArgument  the two share a site
template <Scalar T>
KRONSOLVE_EXPORT double mutual_information(const StateView<T>& psi, const std::vector<int>& a,
                                           const std::vector<int>& b,
                                           const EntropyOptions& options = {});

/// A density matrix of a few sites: Hermitian, row-major; row and column are configurations of the
/// sites, sites[0] the most significant digit. Tr(rho O) = <O> for every operator O of these sites.
template <Scalar T>
struct DensityMatrix {
  std::vector<int> sites;                                ///< which they are, ascending
  index_t dim = 1;                                       ///< configurations of these sites
  std::vector<T> values;                                 ///< dim * dim
  const T& operator()(index_t row, index_t col) const {  ///< <row|rho|col>; not checked
    return values[static_cast<std::size_t>(row * dim + col)];
  }
};

/// rho[a, a'] = sum over the configurations b of the other sites of psi(a, b) conj(psi(a', b)); its
/// trace is <psi|psi>. Every rank holds the whole matrix.
template <Scalar T>
KRONSOLVE_EXPORT DensityMatrix<T> reduced_density_matrix(const StateView<T>& psi,
                                                         const std::vector<int>& sites);

/// ln of the trace norm of the partial transpose of rho(a and b) with respect to a, divided by its
/// trace. If a and b are all sites: 2 ln(sum of Schmidt values), without a density matrix.
/// With fermionic sites the partial transpose is the partial time reversal, which multiplies every
/// Majorana operator of a by i: sets that are joined by Gaussian states give Gaussian answers.
/// @throws InvalidArgument  the two share a site; fermions in a state without definite parity
/// Sources: Vidal, Werner 2002, doi:10.1103/PhysRevA.65.032314; fermions: Shapourian, Shiozaki, Ryu
/// 2017, doi:10.1103/PhysRevB.95.165101.
template <Scalar T>
KRONSOLVE_EXPORT double logarithmic_negativity(const StateView<T>& psi, const std::vector<int>& a,
                                               const std::vector<int>& b);

/// Bytes that entanglement_entropy of these sites holds on every rank besides the state, at most.
/// Local.
KRONSOLVE_EXPORT index_t entanglement_memory(const Basis& basis, const std::vector<int>& sites,
                                             ScalarKind scalar, int ranks);

}  // namespace kronsolve
