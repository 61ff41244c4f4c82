#pragma once

#include <memory>
#include <span>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/operator_map.hpp>

namespace kronsolve {

/// H(t) = h + sum of f(t) A over its drives, all in the basis of h.

/// All terms that it ever has: what decides on its scalar, its memory and its product.
KRONSOLVE_EXPORT SectorOperator all_terms(const SectorOperator& h, std::span<const Drive> drives);
/// At one time.
KRONSOLVE_EXPORT SectorOperator operator_at(const SectorOperator& h, std::span<const Drive> drives,
                                            double time);
/// Times between two others at which a drive jumps or is abrupt, ascending: for
/// EvolutionOptions::knots.
/// @throws InvalidArgument  a table that ends before
KRONSOLVE_EXPORT std::vector<double> abrupt_times(std::span<const Drive> drives, double begin,
                                                  double end);

/// H(t) and the products that it consists of.
template <Scalar T>
struct DrivenOperator {
  std::vector<std::unique_ptr<LinearMap<T>>> maps;  ///< a product for each part
  TimeDependentOperator<T> sum;                     ///< of these
};
/// Collective.
template <Scalar T>
KRONSOLVE_EXPORT DrivenOperator<T> driven_operator(const Comm& comm, const SectorOperator& h,
                                                   std::span<const Drive> drives,
                                                   OperatorForm form);

/// Evolves `psi` as evolve(comm, h, ...) does, under H(t) and in real time; `automatic` is
/// `integrate`. Collective on `comm`.
/// @throws InvalidArgument  a drive that is not Hermitian; and as Evolution
KRONSOLVE_EXPORT EvolutionResult evolve(const Comm& comm, const SectorOperator& h,
                                        std::span<const Drive> drives, const EvolutionState& psi,
                                        std::span<const double> times,
                                        EvolutionOptions options = {},
                                        const EvolutionObserver& observer = {},
                                        OperatorForm form = OperatorForm::automatic);

}  // namespace kronsolve
