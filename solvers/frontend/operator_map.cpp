#include <kronsolve/core/memory.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "operators/assembled/sector_rows.hpp"
#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve {

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_operator_map(const Comm& comm, const SectorOperator& h,
                                                OperatorForm form) {
  if (!h.basis) throw InvalidArgument("make_operator_map: the operator has no basis");
  if (form == OperatorForm::matrix_free) return make_matrix_free<T>(comm, h);
  if (form == OperatorForm::automatic) {
    // Only bases of digit strings have the block product; it says so by throwing.
    try {
      auto product = plan_and_make_matrix_free<T>(comm, h);
      if (product.plan.better_than_assembled) return std::move(product.map);
    } catch (const NotSupported&) {
    }
  }
  if (detail::has_listed_orbits(*h.basis))
    return std::make_unique<AssembledMap<T>>(comm, detail::SectorRows<T>(h).stored());
  return std::make_unique<AssembledMap<T>>(comm, make_lazy<T>(h), h.basis->partition(comm.size()));
}

template std::unique_ptr<LinearMap<double>> make_operator_map(const Comm&, const SectorOperator&,
                                                              OperatorForm);
template std::unique_ptr<LinearMap<std::complex<double>>> make_operator_map(const Comm&,
                                                                            const SectorOperator&,
                                                                            OperatorForm);

namespace {

void require_evolvable(const SectorOperator& h, const EvolutionOptions& options) {
  if (!h.basis) throw InvalidArgument("evolve: the operator has no basis");
  if (!options.growth) require_hermitian(h.op, "evolve");
}

/// Of a Hermitian part, which may be nothing.
SpectralBounds bounds_of(const Comm& comm, const SectorOperator& part, OperatorForm form) {
  const OpSum left = simplify(part.op);
  if (left.terms().empty()) return {};
  const SectorOperator h{left, part.basis};
  return visit_scalar(h.scalar(), [&]<Scalar T>() {
    return spectral_bounds(*make_operator_map<T>(comm, h, form));
  });
}

/// Vectors of the state's scalar on a rank: the initial state, the one shown to observers, the one
/// that moves, and what its method needs.
double evolution_vectors(const EvolutionOptions& options) {
  switch (options.growth ? EvolutionMethod::integrate : options.method) {
    case EvolutionMethod::integrate:
      return 3 + 12;
    case EvolutionMethod::mfn:
      return 3 + 35;
    default:
      return 3 + 4;
  }
}

template <Scalar T>
PlannedEvolution prepare(const Comm& comm, const SectorOperator& h, ScalarKind state,
                         const EvolutionOptions& options, OperatorForm form) {
  auto problem = frontend::sector_problem<T>(comm, h);
  if (form == OperatorForm::matrix_free && !problem.matrix_free)
    (void)plan_matrix_free(h, scalar_kind<T>);
  frontend::look_at_rows(problem);
  EvolutionPlan plan{.form = form, .scalar = scalar_kind<T>};
  if (form == OperatorForm::automatic)
    plan.form = problem.matrix_free && problem.matrix_free_better ? OperatorForm::matrix_free
                                                                  : OperatorForm::assembled;
  const bool real_state =
      !is_complex<T> && state == ScalarKind::real && options.axis == TimeAxis::imaginary;
  const double local = double(problem.partition.max_local_rows()), n = double(problem.n());
  double bytes = frontend::map_bytes(problem, plan.form) +
                 evolution_vectors(options) * local * (real_state ? 8 : 16);
  if (options.method == EvolutionMethod::mfn) bytes += frontend::engine_bytes + frontend::mpi_bytes;
  if (options.method == EvolutionMethod::solve) bytes += 4 * n * n * sizeof(T);
  if (!(bytes < 9e18))
    throw InvalidArgument(detail::concat("evolve: ", problem.n(), " states need ",
                                         format_bytes(bytes),
                                         " on a rank, more than 64 bits count"));
  require_memory(comm, static_cast<index_t>(bytes), "evolve");
  const double now = double(peak_resident_memory());
  plan.memory_rank_bytes = static_cast<index_t>(comm.all_reduce(now + bytes, Reduce::max));
  plan.memory_estimate_bytes = static_cast<index_t>(comm.all_reduce(now + bytes));
  if (plan.form == OperatorForm::assembled) problem.matrix_free = {};
  return {plan, MapMaker<T>([problem = std::move(problem), used = plan.form] {
            return frontend::make_map(problem, used);
          })};
}

}  // namespace

PlannedEvolution prepare_evolution(const Comm& comm, const SectorOperator& h, ScalarKind state,
                                   const EvolutionOptions& options, OperatorForm form) {
  require_evolvable(h, options);
  return visit_scalar(h.scalar(),
                      [&]<Scalar T>() { return prepare<T>(comm, h, state, options, form); });
}

EvolutionPlan plan_evolution(const Comm& comm, const SectorOperator& h, ScalarKind state,
                             const EvolutionOptions& options, OperatorForm form) {
  return prepare_evolution(comm, h, state, options, form).plan;
}

EvolutionOptions for_non_hermitian(const Comm& comm, const SectorOperator& g,
                                   EvolutionOptions options, OperatorForm form) {
  if (!g.basis) throw InvalidArgument("for_non_hermitian: the operator has no basis");
  const OpSum adjoint = g.op.adjoint();
  options.bounds = bounds_of(comm, {0.5 * (g.op + adjoint), g.basis}, form);
  options.growth =
      bounds_of(comm, {std::complex<double>(0, -0.5) * (g.op - adjoint), g.basis}, form);
  return options;
}

EvolutionResult evolve(const Comm& comm, const SectorOperator& h, const EvolutionState& psi,
                       std::span<const double> times, const EvolutionOptions& options,
                       const EvolutionObserver& observer, OperatorForm form) {
  require_evolvable(h, options);
  return visit_scalar(h.scalar(), [&]<Scalar T>() {
    const auto map = make_operator_map<T>(comm, h, form);
    return std::visit(
        [&](const auto& state) { return evolve(*map, state, times, options, observer); }, psi);
  });
}

}  // namespace kronsolve
