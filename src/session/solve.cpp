// Where a solve runs: here, on a gang of workers, or on all ranks.

#include <functional>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/session.hpp>
#include <kronsolve/solvers/serialize.hpp>

#include "session/verbs.hpp"

namespace kronsolve {

using namespace detail;

namespace {

/// From here on a solve takes longer than workers need to come up.
constexpr index_t small_dimension = index_t{1} << 17;

/// What a set of kept vectors is, for those who only name them.
struct SetFacts {
  index_t count = 0, size = 0;
  ScalarKind scalar = ScalarKind::real;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(count, size, scalar);
  }
};

/// What a solve gives on one rank; what comes back from a gang.
template <class Verb>
struct Solved {
  typename Verb::Result result;
  int ranks = 1, threads = 1;
  index_t peak_rss_bytes = 0, peak_rss_rank_bytes = 0;
  std::vector<SetFacts> facts;
  std::vector<std::shared_ptr<VectorSet>> kept;  ///< does not travel
  template <class Archive>
  void serialize(Archive& archive) {
    archive(result, ranks, threads, peak_rss_bytes, peak_rss_rank_bytes, facts);
  }
};

/// Takes the vectors out of the result, as sets that are to be kept.
template <class Verb>
void take_vectors(const Seat& seat, Solved<Verb>& solved) {
  Verb::for_each_vectors(solved.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
    solved.facts.push_back({vectors.count(), vectors.partition().rows(), scalar_kind<T>});
    solved.kept.push_back(std::make_shared<VectorSet>(
        VectorSet{seat.comm, seat.basis, std::exchange(vectors, DistributedVectors<T>())}));
  });
}

/// Whole vectors as a distribution over one rank.
template <Scalar T>
DistributedVectors<T> gathered(const Comm& comm, const DistributedVectors<T>& vectors,
                               bool everywhere) {
  const bool wanted = everywhere || comm.is_root();
  DistributedVectors<T> all(RowPartition(wanted ? vectors.partition().rows() : 0, 1), 0,
                            wanted ? vectors.count() : 0);
  for (index_t j = 0; j < vectors.count(); ++j) {
    const auto whole =
        everywhere ? vectors.gather_to_all(comm, j) : vectors.gather_to_root(comm, j);
    if (wanted) std::copy(whole.begin(), whole.end(), all.column(j).begin());
  }
  return all;
}

template <class Verb>
Solved<Verb> solve_at(const Seat& seat, typename Verb::Request& request, Gather gather) {
  const Comm& comm = *seat.comm;
  Solved<Verb> solved;
  solved.result = Verb::run(seat, request);
  solved.ranks = comm.size();
  solved.threads = num_threads();
  solved.peak_rss_bytes = comm.all_reduce(peak_resident_memory());
  solved.peak_rss_rank_bytes = comm.all_reduce(peak_resident_memory(), Reduce::max);
  if (gather == Gather::keep) take_vectors(seat, solved);
  return solved;
}

/// The seat of a new solve. Collective, if the sector of the operator has symmetries.
Seat take_seat(std::shared_ptr<const Comm> comm, const PortableOperator* h, Start start) {
  Seat seat{std::move(comm), nullptr, std::move(start), nullptr};
  if (h != nullptr) seat.basis = h->basis(*seat.comm);
  return seat;
}

/// The seat of a solve that begins with a kept vector: where that is, on its basis.
Seat take_seat(const VectorSet& set, index_t column, const PortableOperator& h) {
  const auto* sum = h.sum();
  const bool same = (sum == nullptr) == (set.basis == nullptr) &&
                    (sum == nullptr || (sum->sector.spaces == set.basis->spaces() &&
                                        sum->sector.conditions == set.basis->sector()));
  if (!same)
    throw InvalidArgument(
        "the state that the solve begins with was kept in another sector than the operator's");
  return {set.comm, set.basis, VectorId{0, column}, &set};
}

std::shared_ptr<const Comm> borrowed(const Comm& comm) {
  return {&comm, [](const Comm*) {}};
}

/// How a solve is doing, as it travels from its gang.
struct ProgressFacts {
  Progress progress;
  template <class Archive>
  void serialize(Archive& archive) {
    auto& p = progress;
    archive(p.wanted, p.converged, p.worst_residual, p.best_value, p.products, p.iterations,
            p.seconds, p.remaining_seconds);
  }
};

template <class Request>
concept has_progress = requires(Request& r, std::function<void(const Progress&)> f) {
  r.options.progress = f;
};

/// The task of a gang.
template <class Verb>
struct SolveTask {
  using Request = typename Verb::Request;
  /// The first rank tells whoever waits for the solve how it is doing.
  static void report_progress(const Comm& gang, Request& request) {
    if constexpr (has_progress<Request>)
      if (this_worker::is_heard())
        request.options.progress = [root = gang.is_root()](const Progress& p) {
          if (root) this_worker::report(ProgressFacts{p});
        };
  }
  FromKept<Solved<Verb>> operator()(const Comm& gang, Request& request, const Start& start,
                                    int start_ranks, Gather gather,
                                    const std::vector<std::uint64_t>& ids) const {
    report_progress(gang, request);
    const auto solve = [&](const Seat& seat) {
      Solved<Verb> solved = solve_at<Verb>(seat, request, gather);
      for (std::size_t i = 0; i < solved.kept.size(); ++i)
        keep_vectors(ids.at(i), std::move(solved.kept[i]));
      Verb::for_each_vectors(solved.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
        vectors =
            gather == Gather::yes ? gathered(*seat.comm, vectors, false) : DistributedVectors<T>();
      });
      return solved;
    };
    if constexpr (Verb::takes_start)
      if (const auto* id = std::get_if<VectorId>(&start))
        return run_where_kept<Solved<Verb>>(
            gang, find_vectors(id->set), start_ranks, [&](const VectorSet& set) {
              return solve(take_seat(set, id->column, Verb::operator_of(request)));
            });
    const auto comm =
        gather == Gather::keep ? std::make_shared<const Comm>(gang.duplicate()) : borrowed(gang);
    return {solve(take_seat(comm, Verb::basis_of(request), start))};
  }
};

template <class Verb>
SessionResult<typename Verb::Result> to_result(Solved<Verb> solved) {
  return {std::move(solved.result),
          solved.ranks,
          solved.threads,
          solved.peak_rss_bytes,
          solved.peak_rss_rank_bytes,
          {}};
}

void name_kept(std::vector<KeptVector>& kept, const std::shared_ptr<const VectorHome>& home,
               const SetFacts& facts) {
  for (index_t j = 0; j < facts.count; ++j) kept.emplace_back(home, j, facts.size, facts.scalar);
}

/// In this process, or on all ranks of the job.
template <class Verb>
SessionResult<typename Verb::Result> solve_here(const Comm& comm, typename Verb::Request& request,
                                                Start start, const KeptVector* kept_start,
                                                Gather gather) {
  Seat seat;
  if constexpr (Verb::takes_start)
    if (kept_start != nullptr)
      seat = take_seat(*kept_start->home().here(), kept_start->id().column,
                       Verb::operator_of(request));
  if (kept_start == nullptr)
    seat = take_seat(borrowed(comm), Verb::basis_of(request), std::move(start));
  auto solved = solve_at<Verb>(seat, request, gather);
  std::vector<KeptVector> kept;
  for (std::size_t i = 0; i < solved.kept.size(); ++i)
    name_kept(kept, std::make_shared<const VectorHome>(std::move(solved.kept[i])), solved.facts[i]);
  if (gather == Gather::yes && comm.size() > 1)
    Verb::for_each_vectors(solved.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
      vectors = gathered(comm, vectors, true);
    });
  auto result = to_result(std::move(solved));
  result.kept = std::move(kept);
  return result;
}

/// A pool that solves: its workers are asked all together where vectors were kept.
struct GangPlace {
  std::weak_ptr<Backend> pool;
  int workers = 1;  ///< of the pool
  int members = 1;  ///< of the gang
};

template <class Verb>
SessionResult<typename Verb::Result> solve_in_gang(const GangPlace& place,
                                                   typename Verb::Request& request, Start start,
                                                   const KeptVector* kept_start, Gather gather,
                                                   const std::function<TaskPtr(TaskSpec)>& submit) {
  ReportHandler listener;
  if constexpr (has_progress<typename Verb::Request>)
    if (auto progress = std::exchange(request.options.progress, {}))
      listener =
          on_report<ProgressFacts>([progress = std::move(progress)](const ProgressFacts& facts) {
            progress(facts.progress);
          });
  std::vector<std::uint64_t> ids(gather == Gather::keep ? Verb::sets : 0);
  for (auto& id : ids) id = Pool::next_id();
  auto spec = make_gang(place.members, kept(SolveTask<Verb>{}), std::move(request), std::move(start),
                        kept_start ? kept_start->ranks() : 0, gather, ids);
  // A solve that lost a worker would most likely lose it again: too little memory is the usual
  // reason.
  spec.options = {.label = Verb::name, .retries = 0, .on_report = std::move(listener)};
  auto answer = Future<FromKept<Solved<Verb>>>(submit(std::move(spec))).get();
  if (!answer.value) kept_start->home().throw_lost();
  auto facts = std::move(answer.value->facts);
  auto result = to_result(*std::move(answer.value));
  for (std::size_t i = 0; i < ids.size(); ++i)
    name_kept(result.kept,
              std::make_shared<const VectorHome>(place.pool, place.workers, result.ranks, ids[i]),
              facts[i]);
  return result;
}

template <class Verb>
SessionResult<typename Verb::Result> solve(Session& session, index_t rows,
                                           typename Verb::Request request,
                                           const SessionSolveOptions& where, Start start = {},
                                           const KeptVector* kept_start = nullptr) {
  if (where.workers < 0)
    throw InvalidArgument(
        concat(Verb::name, ": workers must not be negative, got ", where.workers));
  if (session.mode() == Mode::syncro)
    return solve_here<Verb>(session.comm(), request, std::move(start), kept_start, where.vectors);
  const bool has_workers = session.mode() == Mode::dynamic || session.mode() == Mode::futures;
  int workers = where.workers;
  if (workers == 0) workers = rows >= small_dimension ? session.default_workers() : 1;
  // As everywhere, the job decides how many workers there are, and where they are threads a gang is
  // one rank.
  if (session.mode() == Mode::futures) workers = std::min(workers, session.default_workers());
  if (!has_workers) workers = 1;
  if (kept_start != nullptr) {
    if (where.workers != 0 && workers != kept_start->ranks())
      throw InvalidArgument(concat(Verb::name, ": the state is kept on ", kept_start->ranks(),
                                   " ranks and the solve runs there; ", where.workers,
                                   " workers were asked for"));
    workers = kept_start->ranks();
  }
  static const Comm alone;
  const bool here = kept_start ? kept_start->home().here() != nullptr : workers == 1;
  if (here) return solve_here<Verb>(alone, request, std::move(start), kept_start, where.vectors);
  if (kept_start != nullptr) {
    // Vectors that are kept are found by asking all workers.
    const VectorHome& home = kept_start->home();
    return solve_in_gang<Verb>({home.pool(), home.workers(), home.workers()}, request,
                               std::move(start), kept_start, where.vectors,
                               [&](TaskSpec spec) { return home.submit(std::move(spec)); });
  }
  Pool& pool = session.pool(workers);
  const int all = where.vectors == Gather::keep ? pool.num_workers() : workers;
  return solve_in_gang<Verb>({pool.backend(), all, workers}, request, std::move(start), nullptr,
                             where.vectors,
                             [&](TaskSpec spec) { return pool.submit_spec(std::move(spec)); });
}

/// What travels of a state to begin with; `kept` where it is one that is kept.
Start travelling(const StartState& state, const KeptVector*& kept) {
  return std::visit(
      [&]<class S>(const S& s) -> Start {
        if constexpr (std::same_as<S, KeptVector>) {
          kept = &s;
          return s.id();
        } else {
          return s;
        }
      },
      state);
}

}  // namespace

SessionSolveResult Session::eigh(const PortableOperator& h, const EighOptions& options,
                                 const SessionSolveOptions& where) {
  EighVerb::Request request{h, options};
  return solve<EighVerb>(*this, h.rows(), std::move(request), where);
}

SessionSolveResult Session::ground_state(const PortableOperator& h, EighOptions options,
                                         const SessionSolveOptions& where) {
  options.k = 1;
  options.which = Which::SA;
  return eigh(h, options, where);
}

SessionResult<SvdsResult<double>> Session::svds(const PortableLazy<double>& a,
                                                const SvdsOptions& options,
                                                const SessionSolveOptions& where) {
  return solve<SvdsVerb<double>>(*this, std::max(a.rows(), a.cols()), {a, options}, where);
}
SessionResult<SvdsResult<std::complex<double>>> Session::svds(
    const PortableLazy<std::complex<double>>& a, const SvdsOptions& options,
    const SessionSolveOptions& where) {
  return solve<SvdsVerb<std::complex<double>>>(*this, std::max(a.rows(), a.cols()), {a, options},
                                               where);
}

SessionResult<ExpmResult> Session::expm_multiply(const PortableOperator& h, std::complex<double> t,
                                                 const StartState& start,
                                                 const ExpmOptions& options,
                                                 const SessionSolveOptions& where) {
  const KeptVector* kept = nullptr;
  Start from = travelling(start, kept);
  return solve<ExpmVerb>(*this, h.rows(), {h, t, options}, where, std::move(from), kept);
}

SessionResult<SessionEvolution> Session::evolve(const PortableOperator& h, const StartState& start,
                                                const std::vector<double>& times,
                                                const EvolutionOptions& options,
                                                const SessionSolveOptions& where,
                                                const std::vector<OpSum>& observe) {
  const KeptVector* kept = nullptr;
  Start from = travelling(start, kept);
  return solve<EvolveVerb>(*this, h.rows(), {h, times, options, observe}, where, std::move(from),
                           kept);
}

}  // namespace kronsolve
