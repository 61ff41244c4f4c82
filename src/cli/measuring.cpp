#include "cli/measuring.hpp"

#include <algorithm>

namespace kronsolve::cli {

std::vector<Observable> observables_of(const Comm& comm, const Problem& problem,
                                       const std::vector<std::string>& texts) {
  std::vector<Observable> observables;
  if (texts.empty()) return observables;
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr)
    throw InvalidArgument("--observe needs an operator on sites; a matrix file has none");
  for (const auto& text : texts) {
    observables.push_back(Observable::parse(comm, text, *h->basis, problem.lattice));
    if (observables.back().needs_reference())
      throw InvalidArgument(detail::concat("--observe ", text,
                                           " compares with an initial state; only evolve has one"));
  }
  return observables;
}

template <Scalar T>
std::vector<Measured> measure_each(const Comm& comm, const std::vector<Observable>& observables,
                                   const Problem& problem, const DistributedVectors<T>& vectors) {
  std::vector<Measured> measured;
  if (observables.empty()) return measured;
  const auto& h = std::get<SectorOperator>(problem.op);
  for (const auto& observable : observables) measured.push_back({observable.text(), {}});
  const bool energy = std::any_of(observables.begin(), observables.end(),
                                  [](const auto& o) { return o.needs_hamiltonian(); });
  const auto product = energy ? observable_product<T>(comm, h.op, *h.basis) : nullptr;
  for (index_t j = 0; j < vectors.count(); ++j) {
    const StateView<T> psi(comm, *h.basis, vectors.column(j));
    const auto values =
        evaluate<T>(observables, psi, {.hamiltonian = &h.op, .product = product.get()});
    for (std::size_t i = 0; i < values.size(); ++i) measured[i].values.push_back(values[i]);
  }
  return measured;
}

#define KRONSOLVE_INSTANTIATE(T)                                                           \
  template std::vector<Measured> measure_each(const Comm&, const std::vector<Observable>&, \
                                              const Problem&, const DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::cli
