#include <algorithm>
#include <sstream>

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

void EvolutionRecorder::write(CheckpointWriter& writer) const {
  for (std::size_t i = 0; i < recorded_.size(); ++i) {
    std::vector<double> numbers;
    std::string texts;
    for (const auto& value : recorded_[i].values) {
      numbers.insert(numbers.end(),
                     {static_cast<double>(value.shape), static_cast<double>(value.scalar),
                      static_cast<double>(value.rows), static_cast<double>(value.cols), value.scale,
                      static_cast<double>(value.values.size())});
      for (const auto& z : value.values) numbers.insert(numbers.end(), {z.real(), z.imag()});
      texts += value.axis + "\n" + value.note + "\n";
    }
    writer.numbers(detail::concat("observable ", i), numbers);
    writer.text(detail::concat("texts ", i), texts);
  }
}

void EvolutionRecorder::restore(const CheckpointReader& reader) {
  for (std::size_t i = 0; i < recorded_.size(); ++i) {
    const auto numbers = reader.numbers(detail::concat("observable ", i));
    std::istringstream texts(reader.text(detail::concat("texts ", i)));
    recorded_[i].values.clear();
    for (std::size_t at = 0; at < numbers.size();) {
      const auto next = [&] { return numbers.at(at++); };
      ObservableValue value;
      value.shape = static_cast<ObservableValue::Shape>(static_cast<int>(next()));
      value.scalar = static_cast<ScalarKind>(static_cast<int>(next()));
      value.rows = static_cast<index_t>(next());
      value.cols = static_cast<index_t>(next());
      value.scale = next();
      const auto entries = static_cast<std::size_t>(next());
      for (std::size_t j = 0; j < entries; ++j) {
        const double re = next();
        value.values.emplace_back(re, next());
      }
      std::getline(texts, value.axis);
      std::getline(texts, value.note);
      recorded_[i].values.push_back(std::move(value));
    }
  }
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
