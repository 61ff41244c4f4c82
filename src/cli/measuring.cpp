#include "cli/measuring.hpp"

#include <algorithm>

#include "cli/saved_file.hpp"

namespace kronsolve::cli {

namespace {

using Complex = std::complex<double>;

bool any_needs_reference(const Observables& observables) {
  return std::any_of(observables.list.begin(), observables.list.end(),
                     [](const auto& o) { return o.needs_reference(); });
}

DistributedVectors<Complex> as_complex(const DistributedVectors<double>& vectors) {
  DistributedVectors<Complex> result(vectors.partition(), vectors.rank(), vectors.count());
  for (index_t j = 0; j < vectors.count(); ++j)
    std::copy(vectors.column(j).begin(), vectors.column(j).end(), result.column(j).begin());
  return result;
}

template <Scalar T>
std::vector<Measured> measure_beside(const Comm& comm, const std::vector<Observable>& observables,
                                     const SectorOperator& h, const DistributedVectors<T>& vectors,
                                     const DistributedVectors<T>* reference) {
  std::vector<Measured> measured;
  for (const auto& observable : observables) measured.push_back({observable.text(), {}});
  const bool energy = std::any_of(observables.begin(), observables.end(),
                                  [](const auto& o) { return o.needs_hamiltonian(); });
  const auto product = energy ? observable_product<T>(comm, h.op, *h.basis) : nullptr;
  ObservableContext<T> context{.hamiltonian = &h.op, .product = product.get()};
  if (reference != nullptr) context.reference = StateView<T>(comm, *h.basis, reference->column(0));
  for (index_t j = 0; j < vectors.count(); ++j) {
    const StateView<T> psi(comm, *h.basis, vectors.column(j));
    const auto values = evaluate<T>(observables, psi, context);
    for (std::size_t i = 0; i < values.size(); ++i) measured[i].values.push_back(values[i]);
  }
  return measured;
}

}  // namespace

Observables observables_of(const Comm& comm, const Problem& problem, const Arguments& arguments) {
  Observables result;
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (!arguments.observe.empty() && h == nullptr)
    throw InvalidArgument("--observe needs an operator on sites; a matrix file has none");
  for (const auto& text : arguments.observe)
    result.list.push_back(Observable::parse(comm, text, *h->basis, problem.lattice));
  const bool needed = any_needs_reference(result), given = !arguments.reference.empty();
  if (needed && !given)
    throw InvalidArgument(
        "--observe overlap and fidelity compare with a state; give --reference FILE.h5");
  if (given && !needed)
    throw InvalidArgument("--reference is for --observe overlap or fidelity; ask for one of them");
  if (!needed) return result;
  const auto file = parse_state_file(arguments.reference);
  if (!file)
    throw InvalidArgument(
        detail::concat("--reference must be FILE.h5, got '", arguments.reference, "'"));
  result.reference = read_state(comm, *file, *h->basis);
  return result;
}

template <Scalar T>
std::vector<Measured> measure_each(const Comm& comm, const Observables& observables,
                                   const Problem& problem, const DistributedVectors<T>& vectors) {
  if (observables.list.empty()) return {};
  const auto& h = std::get<SectorOperator>(problem.op);
  if (!observables.reference) return measure_beside<T>(comm, observables.list, h, vectors, nullptr);
  if (const auto* same = std::get_if<DistributedVectors<T>>(&*observables.reference))
    return measure_beside<T>(comm, observables.list, h, vectors, same);
  if constexpr (is_complex<T>) {
    const auto reference = as_complex(std::get<DistributedVectors<double>>(*observables.reference));
    return measure_beside<T>(comm, observables.list, h, vectors, &reference);
  } else {
    return measure_each<Complex>(comm, observables, problem, as_complex(vectors));
  }
}

#define KRONSOLVE_INSTANTIATE(T)                                                               \
  template std::vector<Measured> measure_each(const Comm&, const Observables&, const Problem&, \
                                              const DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::cli
