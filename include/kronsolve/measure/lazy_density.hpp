#pragma once

#include <complex>
#include <memory>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/state_view.hpp>
#include <kronsolve/solvers/stochastic.hpp>

namespace kronsolve {

// Density matrices of large subsystems that are never formed: as products with vectors, and what
// random vectors tell of their spectra. All functions are collective on the state's communicator;
// site lists ascend strictly; errors as in entanglement.hpp.

/// rho v with rho = the density matrix of the chosen sites, divided by its trace: v(a) goes to
/// sum_b psi(a, b) sum_a' conj(psi(a', b)) v(a'). Rows are configurations of the sites, the first
/// site the most significant, dealt evenly to the ranks.
///
/// The map keeps the state's columns (as many amplitudes as the state, dealt to the ranks); each
/// rank holds whole vectors of the subsystem while a product runs. Cost of a product: two
/// multiplications an amplitude. The communicator of psi must outlive the map, psi need not.
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_reduced_density_map(
    const StateView<T>& psi, const std::vector<int>& sites);

/// The same for the partial transpose of rho(a and b) with respect to a. Cost of a product:
/// (amplitudes) x (dimension of the smaller of a and b) x 2 multiplications.
/// @throws InvalidArgument  the two share a site
/// @throws NotSupported     a fermionic site: its partial transpose is a matter of definition
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_partial_transpose_map(
    const StateView<T>& psi, const std::vector<int>& a, const std::vector<int>& b);

/// An entropy or negativity with its standard error.
struct EntanglementEstimate {
  double value = 0;        ///< in the unit that was asked for; negativities in nats
  double error = 0;        ///< standard error over the random vectors
  bool converged = false;  ///< the trace behind it is within its tolerance
  index_t samples = 0;     ///< random vectors
  index_t products = 0;    ///< with the density matrix
};

/// entanglement_entropy from tr f(rho) on random vectors, of the side with the smaller dimension:
/// where the density matrix is too large to be formed or diagonalised.
/// @throws InvalidArgument  as entropy and trace_function; alpha must be finite
template <Scalar T>
KRONSOLVE_EXPORT EntanglementEstimate estimate_entropy(const StateView<T>& psi,
                                                       const std::vector<int>& sites,
                                                       const EntropyOptions& entropy = {},
                                                       const TraceOptions& options = {});

/// logarithmic_negativity from tr |rho^T_a| on random vectors.
/// @throws as make_partial_transpose_map and trace_function
template <Scalar T>
KRONSOLVE_EXPORT EntanglementEstimate estimate_negativity(const StateView<T>& psi,
                                                          const std::vector<int>& a,
                                                          const std::vector<int>& b,
                                                          const TraceOptions& options = {});

}  // namespace kronsolve
