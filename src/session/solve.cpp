// Where a solve runs: here, on a gang of workers, or on all ranks.

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/serialize.hpp>
#include <kronsolve/session.hpp>

namespace kronsolve {

namespace {

/// From here on a solve takes longer than workers need to come up.
constexpr index_t small_dimension = index_t{1} << 17;

/// EighOptions without what cannot travel.
struct ShippedOptions {
  EighOptions options;
  template <class Archive>
  void serialize(Archive& archive) {
    auto& o = options;
    archive(o.k, o.which, o.sigma, o.tol, o.max_iterations, o.ncv, o.seed, o.start, o.method,
            o.form, o.vectors, o.petsc_options);
  }
};

using WholeVectors =
    std::variant<std::vector<std::vector<double>>, std::vector<std::vector<std::complex<double>>>>;

/// What comes back from a gang.
struct Shipment {
  SessionSolveResult solve;
  WholeVectors vectors;
  template <class Archive>
  void serialize(Archive& archive) {
    auto& r = solve.result;
    archive(r.eigenvalues, r.residuals, r.residual_kind, r.converged, r.converged_pairs,
            r.iterations, r.products, r.dimension, r.reason, r.method, r.form, r.scalar,
            r.setup_seconds, r.solve_seconds, r.memory_estimate_bytes);
    archive(solve.ranks, solve.threads, solve.peak_rss_bytes, solve.peak_rss_rank_bytes, vectors);
  }
};

index_t rows_of(const SectorOperator& h) { return h.basis->size(); }
template <Scalar T>
index_t rows_of(const PortableLazy<T>& h) {
  return h.rows();
}

RowPartition partition_of(const SectorOperator& h, int ranks) { return h.basis->partition(ranks); }
template <Scalar T>
RowPartition partition_of(const PortableLazy<T>& h, int ranks) {
  return RowPartition(h.rows(), ranks);
}

EighResult solve_on(const Comm& comm, const SectorOperator& h, const EighOptions& options) {
  return eigh(comm, h, options);
}
template <Scalar T>
EighResult solve_on(const Comm& comm, const PortableLazy<T>& h, const EighOptions& options) {
  return eigh(comm, h.lazy(), options);
}

/// Leaves of a whole start vector the rows of this rank.
template <class Operator>
void take_owned_start(const Comm& comm, const Operator& h, EighOptions& options) {
  const RowRange mine = partition_of(h, comm.size()).range(comm.rank());
  std::visit(
      [&]<class V>(V& start) {
        if constexpr (!std::same_as<V, std::monostate>) {
          if (static_cast<index_t>(start.size()) != rows_of(h))
            throw DimensionError(detail::concat("eigh: the start vector has ", start.size(),
                                                " entries, the operator ", rows_of(h), " rows"));
          start = V(start.begin() + mine.begin, start.begin() + mine.end);
        }
      },
      options.start);
}

SessionSolveResult with_cost(const Comm& comm, EighResult result) {
  SessionSolveResult solve;
  solve.result = std::move(result);
  solve.ranks = comm.size();
  solve.threads = num_threads();
  solve.peak_rss_bytes = comm.all_reduce(peak_resident_memory());
  solve.peak_rss_rank_bytes = comm.all_reduce(peak_resident_memory(), Reduce::max);
  return solve;
}

/// The task of a gang.
template <class Operator>
Shipment solve_in_gang(const Comm& comm, const Operator& h, ShippedOptions& shipped,
                       Gather gather) {
  take_owned_start(comm, h, shipped.options);
  Shipment shipment;
  shipment.solve = with_cost(comm, solve_on(comm, h, shipped.options));
  if (gather == Gather::no) return shipment;
  std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& vectors) {
        std::vector<std::vector<T>> whole;
        for (index_t j = 0; j < vectors.count(); ++j)
          whole.push_back(vectors.gather_to_root(comm, j));
        shipment.vectors = std::move(whole);
      },
      shipment.solve.result.vectors);
  return shipment;
}

/// Whole vectors as a distribution over one rank.
template <Scalar T>
DistributedVectors<T> undistributed(index_t rows, const std::vector<std::vector<T>>& whole) {
  DistributedVectors<T> vectors(RowPartition(rows, 1), 0, static_cast<index_t>(whole.size()));
  for (std::size_t j = 0; j < whole.size(); ++j)
    std::copy(whole[j].begin(), whole[j].end(), vectors.column(static_cast<index_t>(j)).begin());
  return vectors;
}

template <class Operator>
SessionSolveResult solve_everywhere(const Comm& comm, const Operator& h, const EighOptions& options,
                                    Gather gather) {
  SessionSolveResult solve = with_cost(comm, solve_on(comm, h, options));
  if (gather == Gather::no || comm.size() == 1) return solve;
  solve.result.vectors = std::visit(
      [&]<Scalar T>(const DistributedVectors<T>& vectors) -> decltype(solve.result.vectors) {
        std::vector<std::vector<T>> whole;
        for (index_t j = 0; j < vectors.count(); ++j)
          whole.push_back(vectors.gather_to_all(comm, j));
        return undistributed<T>(rows_of(h), whole);
      },
      solve.result.vectors);
  return solve;
}

template <class Operator>
SessionSolveResult solve(Session& session, const Operator& h, const EighOptions& options,
                         const SessionSolveOptions& where) {
  if (where.workers < 0)
    throw InvalidArgument(
        detail::concat("eigh: workers must not be negative, got ", where.workers));
  if (session.mode() == Mode::syncro)
    return solve_everywhere(session.comm(), h, options, where.vectors);
  const bool has_workers = session.mode() == Mode::dynamic || session.mode() == Mode::futures;
  int workers = where.workers;
  if (workers == 0)
    workers = has_workers && rows_of(h) >= small_dimension ? session.default_workers() : 1;
  if (workers == 1) return solve_everywhere(Comm::serial(), h, options, where.vectors);
  if (!has_workers)
    throw NotSupported(
        detail::concat("eigh: ", workers, " workers were asked for in ", to_string(session.mode()),
                       " mode, which has none; use workers = 1 or another KRONSOLVE_MODE"));

  ShippedOptions shipped{options};
  shipped.options.progress = {};
  // A solve that lost a worker would most likely lose it again: too little memory is the usual
  // reason.
  auto future = session.pool(workers).submit_spmd(
      {.label = "eigh", .retries = 0}, workers,
      [](const Comm& comm, const Operator& op, ShippedOptions& o, Gather g) {
        return solve_in_gang(comm, op, o, g);
      },
      h, shipped, where.vectors);
  Shipment shipment = std::move(future).get();
  if (where.vectors == Gather::yes)
    shipment.solve.result.vectors = std::visit(
        [&]<Scalar T>(
            const std::vector<std::vector<T>>& whole) -> decltype(shipment.solve.result.vectors) {
          return undistributed<T>(shipment.solve.result.dimension, whole);
        },
        shipment.vectors);
  return std::move(shipment.solve);
}

}  // namespace

SessionSolveResult Session::eigh(const SectorOperator& h, const EighOptions& options,
                                 const SessionSolveOptions& where) {
  return solve(*this, h, options, where);
}
SessionSolveResult Session::eigh(const OpSum& h, const EighOptions& options,
                                 const SessionSolveOptions& where) {
  return solve(*this, on_full_space(h), options, where);
}
SessionSolveResult Session::eigh(const PortableLazy<double>& h, const EighOptions& options,
                                 const SessionSolveOptions& where) {
  return solve(*this, h, options, where);
}
SessionSolveResult Session::eigh(const PortableLazy<std::complex<double>>& h,
                                 const EighOptions& options, const SessionSolveOptions& where) {
  return solve(*this, h, options, where);
}
SessionSolveResult Session::ground_state(const SectorOperator& h, EighOptions options,
                                         const SessionSolveOptions& where) {
  options.k = 1;
  options.which = Which::SA;
  return eigh(h, options, where);
}

}  // namespace kronsolve
