#include <algorithm>

#include <kronsolve/measure/evolution_recorder.hpp>

namespace kronsolve {

EvolutionRecorder::EvolutionRecorder(const Comm& comm, const SectorOperator& h,
                                     std::vector<Observable> observables,
                                     const EvolutionState& initial)
    : comm_(&comm), h_(&h), observables_(std::move(observables)), initial_(&initial) {
  for (const auto& observable : observables_) recorded_.push_back({observable.text(), {}});
}

void EvolutionRecorder::record(const EvolutionPoint& point) {
  if (observables_.empty()) return;
  std::visit([&](const auto& state) { record_state(state); }, point.state);
}

template <Scalar T>
void EvolutionRecorder::record_state(const DistributedVectors<T>& state) {
  auto& product = std::get<Product<T>>(products_);
  const bool needs_product = std::any_of(observables_.begin(), observables_.end(),
                                         [](const auto& o) { return o.needs_hamiltonian(); });
  if (needs_product && !product) product = observable_product<T>(*comm_, h_->op, *h_->basis);
  const StateView<T> psi(*comm_, *h_->basis, state.column(0));
  const auto values = evaluate<T>(observables_, psi,
                                  {.hamiltonian = &h_->op,
                                   .product = product ? product->get() : nullptr,
                                   .reference = reference<T>()});
  for (std::size_t i = 0; i < values.size(); ++i) recorded_[i].values.push_back(values[i]);
}

template <Scalar T>
std::optional<StateView<T>> EvolutionRecorder::reference() {
  if (std::none_of(observables_.begin(), observables_.end(),
                   [](const auto& o) { return o.needs_reference(); }))
    return std::nullopt;
  if (const auto* same = std::get_if<DistributedVectors<T>>(initial_))
    return StateView<T>(*comm_, *h_->basis, same->column(0));
  if constexpr (is_complex<T>) {
    if (complex_initial_.size() == 0) {
      const auto real = std::get<DistributedVectors<double>>(*initial_).column(0);
      complex_initial_ = Buffer<T>(static_cast<index_t>(real.size()));
      std::copy(real.begin(), real.end(), complex_initial_.data());
    }
    return StateView<T>(*comm_, *h_->basis, complex_initial_);
  }
  return std::nullopt;
}

}  // namespace kronsolve
