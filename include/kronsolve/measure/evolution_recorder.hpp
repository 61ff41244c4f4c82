#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/evolution.hpp>

namespace kronsolve {

/// What an observable came to, one value per recorded time.
struct RecordedObservable {
  std::string text;                     ///< as it was asked for
  std::vector<ObservableValue> values;  ///< one for each time, in order
};

/// Evaluates observables along an evolution: `record` in its observer. What energy and variance
/// need of the Hamiltonian is made once.
class KRONSOLVE_EXPORT EvolutionRecorder {
 public:
  /// `comm`, `h` and `initial` (what `overlap` compares with) must outlive it.
  EvolutionRecorder(const Comm& comm, const SectorOperator& h, std::vector<Observable> observables,
                    const EvolutionState& initial);
  /// Collective.
  void record(const EvolutionPoint& point);
  /// In the order of the observables.
  const std::vector<RecordedObservable>& recorded() const noexcept { return recorded_; }
  /// All that was recorded, for a checkpoint; and back again.
  void write(CheckpointWriter& writer) const;
  /// Takes what write() has put down, in place of what was recorded. Collective.
  void restore(const CheckpointReader& reader);

 private:
  template <Scalar T>
  using Product =
      std::optional<std::unique_ptr<LinearMap<T>>>;  // made at need; null: none to be had
  template <Scalar T>
  void record_state(const DistributedVectors<T>& state);
  template <Scalar T>
  std::optional<StateView<T>> reference();

  const Comm* comm_;
  const SectorOperator* h_;
  std::vector<Observable> observables_;
  const EvolutionState* initial_;
  Buffer<std::complex<double>> complex_initial_;  // where the state has become complex
  std::tuple<Product<double>, Product<std::complex<double>>> products_;
  std::vector<RecordedObservable> recorded_;
};

}  // namespace kronsolve
