// Where a solve runs: here, on a gang of workers, or on all ranks.

#include <functional>
#include <optional>

#include <kronsolve/core/interruption.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/session.hpp>
#include <kronsolve/solvers/serialize.hpp>

#include "session/solves.hpp"

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
template <class Solve>
struct Solved {
  SessionResult<typename Solve::Result> answer;
  std::vector<SetFacts> facts;
  std::vector<std::shared_ptr<VectorSet>> kept;  ///< does not travel
  template <class Archive>
  void serialize(Archive& archive) {
    archive(answer.result, answer.ranks, answer.threads, answer.peak_rss_bytes,
            answer.peak_rss_rank_bytes, facts);
  }
};

template <class Solve>
Solved<Solve> solve_on(const SolveContext& where, Solve& solve, Gather gather) {
  const Comm& comm = *where.comm;
  Solved<Solve> solved;
  solved.answer = {solve.run(where), comm.size(), num_threads(),
                   comm.all_reduce(peak_resident_memory()),
                   comm.all_reduce(peak_resident_memory(), Reduce::max)};
  if (gather == Gather::keep)
    for_each_vectors(solved.answer.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
      solved.facts.push_back({vectors.count(), vectors.partition().rows(), scalar_kind<T>});
      solved.kept.push_back(std::make_shared<VectorSet>(
          VectorSet{where.comm, where.basis, std::exchange(vectors, DistributedVectors<T>())}));
    });
  return solved;
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

std::shared_ptr<const Comm> borrowed(const Comm& comm) {
  return {&comm, [](const Comm*) {}};
}

/// Collective, if the sector of the operator has symmetries.
template <class Solve>
SolveContext context_of(std::shared_ptr<const Comm> comm, const Solve& solve) {
  const PortableOperator* h = solve.on_sites();
  auto basis = h == nullptr ? nullptr : h->basis(*comm);
  return {std::move(comm), std::move(basis)};
}

/// Of a solve that begins with a kept vector: where that is, on its basis.
SolveContext context_of(const VectorSet& set, const PortableOperator& h) {
  const auto* sum = h.sum();
  const bool same = (sum == nullptr) == (set.basis == nullptr) &&
                    (sum == nullptr || (sum->sector.spaces == set.basis->spaces() &&
                                        sum->sector.conditions == set.basis->sector()));
  if (!same)
    throw InvalidArgument(
        "the state that the solve begins with was kept in another sector than the operator's");
  return {set.comm, set.basis, &set};
}

/// The kept vector that a solve begins with, if it does.
template <class Solve>
const VectorId* kept_start(const Solve& solve) {
  if constexpr (requires { solve.start; })
    return std::get_if<VectorId>(&solve.start);
  else
    return nullptr;
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

template <class Solve>
concept has_progress = requires(Solve& s, std::function<void(const Progress&)> f) {
  s.options.progress = f;
};

/// A solve on a gang of workers. Nothing comes back if the vector it begins with is not there.
template <class Solve>
struct GangSolve {
  Solve solve;
  int start_ranks = 0;  ///< that hold the vector it begins with
  Gather gather = Gather::no;
  std::vector<std::uint64_t> ids;  ///< of the sets that are kept
  template <class Archive>
  void serialize(Archive& archive) {
    archive(solve, start_ranks, gather, ids);
  }

  std::optional<Solved<Solve>> operator()(const Comm& gang) {
    if constexpr (has_progress<Solve>)
      if (this_worker::is_heard())  // the first rank tells whoever waits
        solve.options.progress = [root = gang.is_root()](const Progress& p) {
          if (root) this_worker::report(ProgressFacts{p});
        };
    if (const VectorId* id = kept_start(solve))
      return run_where_kept<Solved<Solve>>(
          gang, find_vectors(id->set), start_ranks,
          [&](const VectorSet& set) { return run(context_of(set, *solve.on_sites())); });
    const auto comm =
        gather == Gather::keep ? std::make_shared<const Comm>(gang.duplicate()) : borrowed(gang);
    return run(context_of(comm, solve));
  }

 private:
  Solved<Solve> run(const SolveContext& where) {
    auto solved = solve_on(where, solve, gather);
    for (std::size_t i = 0; i < solved.kept.size(); ++i)
      keep_vectors(ids.at(i), std::move(solved.kept[i]));
    for_each_vectors(solved.answer.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
      vectors =
          gather == Gather::yes ? gathered(*where.comm, vectors, false) : DistributedVectors<T>();
    });
    return solved;
  }
};

void name_kept(std::vector<KeptVector>& kept, const std::shared_ptr<const VectorHome>& home,
               const SetFacts& facts) {
  for (index_t j = 0; j < facts.count; ++j) kept.emplace_back(home, j, facts.size, facts.scalar);
}

/// In this process, or on all ranks of the job.
template <class Solve>
SessionResult<typename Solve::Result> solve_here(const Comm& comm, Solve& solve,
                                                 const KeptVector* start, Gather gather) {
  const SolveContext where = start != nullptr ? context_of(*start->home().here(), *solve.on_sites())
                                              : context_of(borrowed(comm), solve);
  auto [answer, facts, kept] = solve_on(where, solve, gather);
  for (std::size_t i = 0; i < kept.size(); ++i)
    name_kept(answer.kept, std::make_shared<const VectorHome>(std::move(kept[i])), facts[i]);
  if (gather == Gather::yes && comm.size() > 1)
    for_each_vectors(answer.result, [&]<Scalar T>(DistributedVectors<T>& vectors) {
      vectors = gathered(comm, vectors, true);
    });
  return std::move(answer);
}

/// Waits for a solve; the check of this thread may end it (InterruptionCheck).
template <class R>
void wait_interruptibly(const Future<R>& future) {
  if (!is_interruptible()) return;
  try {
    while (!future.wait_for(0.05)) check_interruption();
  } catch (...) {
    if (!future.done()) future.task_state()->backend()->give_up(future.task_state());
    throw;
  }
}

/// On a gang of a pool. A kept vector is found by asking all workers of the pool that holds it.
template <class Solve>
SessionResult<typename Solve::Result> solve_in_gang(const std::shared_ptr<Backend>& pool,
                                                    int members, Solve solve,
                                                    const KeptVector* start, Gather gather) {
  ReportHandler listener;
  if constexpr (has_progress<Solve>)
    if (auto progress = std::exchange(solve.options.progress, {}))
      listener =
          on_report<ProgressFacts>([progress = std::move(progress)](const ProgressFacts& facts) {
            progress(facts.progress);
          });
  constexpr std::size_t sets = requires(typename Solve::Result & r) { r.left; }
  ? 2 : 1;
  std::vector<std::uint64_t> ids(gather == Gather::keep ? sets : 0);
  for (auto& id : ids) id = Pool::next_id();
  auto spec = make_gang(
      members, kept(GangSolve<Solve>{std::move(solve), start ? start->ranks() : 0, gather, ids}));
  // A solve that lost a worker would most likely lose it again: too little memory is the usual
  // reason.
  spec.options = {.label = Solve::name, .retries = 0, .on_report = std::move(listener)};
  refuse_in_task();
  const Future<std::optional<Solved<Solve>>> future(pool->submit(std::move(spec)));
  wait_interruptibly(future);
  auto solved = Future(future).get();
  if (!solved) start->home().throw_lost();
  auto answer = std::move(solved->answer);
  for (std::size_t i = 0; i < ids.size(); ++i)
    name_kept(answer.kept,
              std::make_shared<const VectorHome>(pool, pool->num_workers(), answer.ranks, ids[i]),
              solved->facts[i]);
  return answer;
}

template <class Solve>
SessionResult<typename Solve::Result> solve(Session& session, index_t rows, Solve what,
                                            const SessionSolveOptions& where,
                                            const KeptVector* start = nullptr) {
  int workers = session.workers_of(rows, where.workers);
  if (session.mode() == Mode::syncro) return solve_here(session.comm(), what, start, where.vectors);
  if (start != nullptr) {
    if (where.workers != 0 && workers != start->ranks())
      throw InvalidArgument(concat(Solve::name, ": the state is kept on ", start->ranks(),
                                   " ranks and the solve runs there; ", where.workers,
                                   " workers were asked for"));
    workers = start->ranks();
  }
  static const Comm alone;
  const bool here = start ? start->home().here() != nullptr : workers == 1;
  if (here) return solve_here(alone, what, start, where.vectors);
  if (start != nullptr)
    return solve_in_gang(start->home().open_pool(), start->home().workers(), std::move(what), start,
                         where.vectors);
  Pool& pool = session.pool(workers);
  pool.boot(Waiting::no_wait);  // throws if it can serve no more
  return solve_in_gang(pool.backend(), workers, std::move(what), nullptr, where.vectors);
}

/// What travels of a state to begin with.
Start travelling(const StartState& state) {
  return std::visit(
      []<class S>(const S& s) -> Start {
        if constexpr (std::same_as<S, KeptVector>)
          return s.id();
        else
          return s;
      },
      state);
}

}  // namespace

int Session::workers_of(index_t rows, int asked) const {
  if (asked < 0)
    throw InvalidArgument(concat("a solve: workers must not be negative, got ", asked));
  // Where workers are threads a gang is one rank; in a job the job decides how many there are.
  if (mode() == Mode::serial || mode() == Mode::threads) return 1;
  if (mode() == Mode::syncro) return default_workers();
  const int workers = asked > 0 ? asked : rows >= small_dimension ? default_workers() : 1;
  return mode() == Mode::futures ? std::min(workers, default_workers()) : workers;
}

SessionSolveResult Session::eigh(const PortableOperator& h, const EighOptions& options,
                                 const SessionSolveOptions& where) {
  return solve(*this, h.rows(), EighSolve{h, options}, where);
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
  return solve(*this, std::max(a.rows(), a.cols()), SvdsSolve<double>{a, options}, where);
}
SessionResult<SvdsResult<std::complex<double>>> Session::svds(
    const PortableLazy<std::complex<double>>& a, const SvdsOptions& options,
    const SessionSolveOptions& where) {
  return solve(*this, std::max(a.rows(), a.cols()), SvdsSolve<std::complex<double>>{a, options},
               where);
}

SessionResult<ExpmResult> Session::expm_multiply(const PortableOperator& h, std::complex<double> t,
                                                 const StartState& start,
                                                 const ExpmOptions& options,
                                                 const SessionSolveOptions& where) {
  return solve(*this, h.rows(), ExpmSolve{h, t, options, travelling(start)}, where,
               std::get_if<KeptVector>(&start));
}

SessionResult<SessionEvolution> Session::evolve(const PortableOperator& h, const StartState& start,
                                                const std::vector<double>& times,
                                                const EvolutionOptions& options,
                                                const SessionSolveOptions& where,
                                                const std::vector<OpSum>& observe) {
  return solve(*this, h.rows(), EvolveSolve{h, times, options, observe, travelling(start)}, where,
               std::get_if<KeptVector>(&start));
}

}  // namespace kronsolve
