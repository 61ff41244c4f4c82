#include "solvers/frontend/krylov_schur_checkpoint.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace kronsolve::frontend {

namespace {

/// What the parts of a solve that have ended have come to.
template <Scalar T>
struct Earlier {
  DistributedVectors<T> pairs;
  std::vector<T> start;
  index_t restarts = 0, products = 0;
};

/// Where a solve stands after a restart.
template <Scalar T>
struct Standing {
  index_t restarts = 0;
  const std::function<EngineRestart<T>()>* state = nullptr;
};

template <Scalar T>
void write(CheckpointWriter& writer, const Earlier<T>& earlier, const Standing<T>& now,
           const LinearMap<T>& map) {
  const auto state = (*now.state)();
  std::vector<std::span<const T>> pairs;
  for (index_t j = 0; j < earlier.pairs.count(); ++j) pairs.push_back(earlier.pairs.column(j));
  for (index_t j = 0; j < state.converged.count(); ++j) pairs.push_back(state.converged.column(j));
  index_t count = std::ssize(pairs), restarts = earlier.restarts + now.restarts,
          products = earlier.products + map.products() + state.solves;
  writer.numbers("place", std::tie(count, restarts, products));
  writer.vectors<T>("pairs", map.row_partition(), pairs);
  writer.vectors<T>("start", map.row_partition(), {state.start});
}

template <Scalar T>
void restore(const CheckpointReader& reader, Earlier<T>& earlier) {
  index_t count = 0;
  reader.numbers("place", std::tie(count, earlier.restarts, earlier.products));
  while (earlier.pairs.count() < count) earlier.pairs.add_column();
  reader.vectors("pairs", earlier.pairs, count);
  reader.vectors<T>("start", earlier.pairs.partition(), {std::span(earlier.start)});
}

/// What is left of a problem; people hear of the whole.
template <Scalar T>
void go_on(EngineEigh<T>& problem, const Earlier<T>& earlier) {
  const index_t found = earlier.pairs.count(), left = problem.map->rows() - found;
  problem.deflate = &earlier.pairs;
  problem.start = earlier.start;
  problem.k -= found;
  const index_t ncv =
      problem.ncv > 0 ? problem.ncv : std::max(2 * problem.k, problem.k + 15);  // as SLEPc's own
  problem.ncv = std::min(left, ncv);
  if (problem.max_iterations > 0)
    problem.max_iterations = std::max<index_t>(1, problem.max_iterations - earlier.restarts);
  if (problem.monitor)
    problem.monitor = [tell = problem.monitor, found, restarts = earlier.restarts](
                          index_t iterations, index_t converged, std::span<const double> values,
                          std::span<const double> residuals) {
      tell(restarts + iterations, found + converged, values, residuals);
    };
}

}  // namespace

template <Scalar T>
EnginePairs<T> krylov_schur(Engine<T>& engine, EngineEigh<T> problem, Checkpoint* checkpoint,
                            index_t& products) {
  if (checkpoint == nullptr) return engine.eigh(problem);
  KRONSOLVE_ASSERT(problem.deflate == nullptr);
  const auto& map = *problem.map;
  Earlier<T> earlier{.pairs = {map.row_partition(), map.comm().rank(), 0},
                     .start = std::vector<T>(problem.start.size())};
  Standing<T> now;
  CheckpointStage stage(checkpoint, "krylov-schur",
                        [&](CheckpointWriter& writer) { write(writer, earlier, now, map); });
  if (stage.saved() != nullptr) {
    restore(*stage.saved(), earlier);
    go_on(problem, earlier);
  }
  problem.restarted = [&](index_t restarts, const auto& state) {
    now = {restarts, &state};
    stage.step();
  };
  EnginePairs<T> found;
  found.vectors = DistributedVectors<T>(map.row_partition(), map.comm().rank(), 0);
  found.reason = "all pairs within tolerance";
  if (problem.k > 0) found = engine.eigh(problem);
  found.iterations += earlier.restarts;
  found.values.clear();
  products += earlier.products;
  earlier.pairs.append(std::move(found.vectors));
  found.vectors = std::move(earlier.pairs);
  return found;
}

#define KRONSOLVE_DEFINE(T) \
  template EnginePairs<T> krylov_schur(Engine<T>&, EngineEigh<T>, Checkpoint*, index_t&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
