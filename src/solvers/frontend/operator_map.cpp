#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/solvers/operator_map.hpp>

namespace kronsolve {

template <Scalar T>
std::unique_ptr<LinearMap<T>> make_operator_map(const Comm& comm, const SectorOperator& h,
                                                OperatorForm form) {
  if (!h.basis) throw InvalidArgument("make_operator_map: the operator has no basis");
  if (form == OperatorForm::matrix_free) return make_matrix_free<T>(comm, h);
  if (form == OperatorForm::automatic) {
    // Only full spaces and charge sectors have the block product; the plan says so by throwing.
    bool better = false;
    try {
      better = plan_matrix_free(h, scalar_kind<T>, comm.size()).better_than_assembled;
    } catch (const NotSupported&) {
    }
    if (better) return make_matrix_free<T>(comm, h);
  }
  return std::make_unique<AssembledMap<T>>(comm, make_lazy<T>(h), h.basis->partition(comm.size()));
}

template std::unique_ptr<LinearMap<double>> make_operator_map(const Comm&, const SectorOperator&,
                                                              OperatorForm);
template std::unique_ptr<LinearMap<std::complex<double>>> make_operator_map(const Comm&,
                                                                            const SectorOperator&,
                                                                            OperatorForm);

EvolutionResult evolve(const Comm& comm, const SectorOperator& h, const EvolutionState& psi,
                       std::span<const double> times, const EvolutionOptions& options,
                       const EvolutionObserver& observer, OperatorForm form) {
  if (!h.basis) throw InvalidArgument("evolve: the operator has no basis");
  if (const auto term = h.op.non_hermitian_part())
    throw InvalidArgument(detail::concat("evolve: the operator is not Hermitian: the term ", *term,
                                         " has no Hermitian partner; add it"));
  return visit_scalar(h.scalar(), [&]<Scalar T>() {
    const auto map = make_operator_map<T>(comm, h, form);
    return std::visit(
        [&](const auto& state) { return evolve(*map, state, times, options, observer); }, psi);
  });
}

}  // namespace kronsolve
