#pragma once

#include <functional>
#include <memory>
#include <span>
#include <variant>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

/// The product of an operator in its basis. Automatic: matrix-free where the basis has it and it is
/// better (see MatrixFreePlan), else stored rows. Collective on `comm`, which must outlive the map.
/// @throws as make_matrix_free and build_rows
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_operator_map(
    const Comm& comm, const SectorOperator& h, OperatorForm form = OperatorForm::automatic);
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> make_operator_map(
    const Comm&&, const SectorOperator&, OperatorForm = OperatorForm::automatic) = delete;

/// What an evolution will use, known before anything large is allocated.
struct EvolutionPlan {
  OperatorForm form = OperatorForm::automatic;  ///< assembled or matrix_free
  ScalarKind scalar = ScalarKind::real;         ///< of the operator
  index_t memory_rank_bytes = 0;                ///< the largest rank
  index_t memory_estimate_bytes = 0;            ///< all ranks, with what they hold already
};

/// Makes the product that a plan was made from; collective. The first call hands on what planning
/// has built, later ones build anew.
template <Scalar T>
using MapMaker = std::function<std::unique_ptr<LinearMap<T>>()>;

/// A plan and the product it speaks of, by the scalar of the operator.
struct PlannedEvolution {
  EvolutionPlan plan;  ///< what will be used
  /// Makes the product; collective.
  std::variant<MapMaker<double>, MapMaker<std::complex<double>>> make_map;
};

/// plan_evolution for those who go on with it: the plan of a matrix-free product is made once.
/// Collective on `comm`, which must outlive the maker.
KRONSOLVE_EXPORT PlannedEvolution prepare_evolution(const Comm& comm, const SectorOperator& h,
                                                    ScalarKind state,
                                                    const EvolutionOptions& options = {},
                                                    OperatorForm form = OperatorForm::automatic);

/// Chooses the form and estimates the memory of evolve. Collective.
/// @param state  scalar of the initial state
/// @throws InvalidArgument  it cannot fit (with the numbers); the operator is not Hermitian and
///                          options.growth is not given
/// @throws NotSupported     matrix_free in a basis that has no such product
KRONSOLVE_EXPORT EvolutionPlan plan_evolution(const Comm& comm, const SectorOperator& h,
                                              ScalarKind state,
                                              const EvolutionOptions& options = {},
                                              OperatorForm form = OperatorForm::automatic);

/// Options for an operator G that is not Hermitian: those given, with `bounds` and `growth`, the ends
/// of the spectra of (G + G^+) / 2 and (G - G^+) / 2i. Who calls it says that this is meant: without,
/// evolve refuses such operators. Collective.
/// Cost: as spectral_bounds, twice.
KRONSOLVE_EXPORT EvolutionOptions for_non_hermitian(const Comm& comm, const SectorOperator& g,
                                                    EvolutionOptions options = {},
                                                    OperatorForm form = OperatorForm::automatic);

/// Evolves `psi` (one column on the rows of h.basis->partition(comm.size())) under an operator sum:
/// builds its product, real if the operator is, and calls evolve with it. Collective on `comm`.
/// @throws InvalidArgument  the operator is not Hermitian (names the term) and options.growth is
///                          not given; and as Evolution
KRONSOLVE_EXPORT EvolutionResult evolve(const Comm& comm, const SectorOperator& h,
                                        const EvolutionState& psi, std::span<const double> times,
                                        const EvolutionOptions& options = {},
                                        const EvolutionObserver& observer = {},
                                        OperatorForm form = OperatorForm::automatic);

}  // namespace kronsolve
