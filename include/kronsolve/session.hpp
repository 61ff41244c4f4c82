#pragma once

#include <complex>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/exec/pool.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/portable_operator.hpp>
#include <kronsolve/session/solve_types.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/svds.hpp>

namespace kronsolve {

/// How this program runs, which its Session finds out.
enum class Mode {
  automatic,
  serial,   ///< one process, tasks run where they are submitted
  threads,  ///< one process, tasks run on threads
  dynamic,  ///< one process, which starts worker processes when a pool is first used
  futures,  ///< ranks of a job: rank 0 runs main, the others are its workers
  syncro,   ///< ranks of a job: every rank runs main, tasks are dealt round-robin
};
KRONSOLVE_EXPORT std::string_view to_string(Mode mode);
/// @throws InvalidArgument  naming what is allowed
KRONSOLVE_EXPORT Mode parse_mode(std::string_view text);

/// Settings of a Session. Environment variables are used where these say nothing.
struct SessionOptions {
  Mode mode = Mode::automatic;  ///< automatic: KRONSOLVE_MODE, else dynamic in a plain process,
                                ///< futures under mpirun or srun
  int workers =
      0;  ///< of pools that are not told; 0: KRONSOLVE_NUM_WORKERS, else the cores of this process
  /// What workers of pools that are not told run, and its arguments; empty: this executable.
  std::vector<std::string> worker_command = {};
};

/// What this process is. The first statement of main:
///
///     int main() {
///       kronsolve::Session session;
///
/// In a worker the constructor does not return: it serves its pool and ends the process. Nothing is
/// started in a plain process until it is needed; under mpirun or srun MPI is started here and
/// ended by the destructor. From here on an exception that nobody catches, on any rank, prints one
/// line (rank, host, class, text) and ends the whole run with status 1.
///
/// One per process. The destructor waits for all tasks.
class KRONSOLVE_EXPORT Session {
 public:
  /// Collective over the job, if there is one.
  /// @throws InvalidArgument  the mode is unknown or does not fit how the program was started
  explicit Session(const SessionOptions& options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Mode mode() const noexcept;  ///< never automatic: what was found out
  /// The ranks that run main: all of the job in syncro mode, else this process alone.
  const Comm& comm() const noexcept;
  /// True where output belongs: rank 0 of those that run main.
  bool is_root() const noexcept { return comm().is_root(); }

  /// The pool of that many workers: made when first asked for, then kept (one per number). In
  /// futures and syncro mode the job decides how many there are. 0: the default number.
  /// @throws InvalidArgument  workers < 0, or above 4096
  Pool& pool(int workers = 0);
  /// A pool of one's own. Syncro: collective.
  Pool make_pool(PoolOptions options = {});
  /// Workers of a pool that is not told how many.
  int default_workers() const;
  /// Workers that a solve of so many rows is given where `asked` are (SessionSolveOptions::workers);
  /// 1: it runs in this process. Syncro: all ranks.
  /// @throws InvalidArgument  asked < 0
  int workers_of(index_t rows, int asked = 0) const;

  // The solves. Each runs where it is best done: in this process with its threads when small (below
  // 2^17 rows) or told so, on a gang of pool workers otherwise, on all ranks in syncro mode
  // (collective). Only the description of the operator travels, never a matrix: an OpSum (on the
  // full space), {op, sector}, a SectorOperator or a PortableLazy. What the solver of that name
  // throws is thrown here, from wherever it ran. `options.progress` of a solve on a gang is called
  // in the pool's own thread and must not throw.

  /// Eigenpairs of a Hermitian operator. `options.start` is the whole vector.
  SessionSolveResult eigh(const PortableOperator& h, const EighOptions& options = {},
                          const SessionSolveOptions& where = {});
  /// The lowest eigenpair.
  SessionSolveResult ground_state(const PortableOperator& h, EighOptions options = {},
                                  const SessionSolveOptions& where = {});
  /// Singular triplets of rows of the user, of any shape.
  SessionResult<SvdsResult<double>> svds(const PortableLazy<double>& a,
                                         const SvdsOptions& options = {},
                                         const SessionSolveOptions& where = {});
  /// The same for complex rows.
  SessionResult<SvdsResult<std::complex<double>>> svds(const PortableLazy<std::complex<double>>& a,
                                                       const SvdsOptions& options = {},
                                                       const SessionSolveOptions& where = {});
  /// exp(t h) |start> for Hermitian h; t = {0, -dt} for Schroedinger time dt. A kept start stays as
  /// it is.
  /// @throws InvalidArgument  a description of a state for rows of the user, a kept vector together
  ///                          with another number of workers
  /// @throws DimensionError   start does not fit h
  SessionResult<ExpmResult> expm_multiply(const PortableOperator& h, std::complex<double> t,
                                          const StartState& start, const ExpmOptions& options = {},
                                          const SessionSolveOptions& where = {});
  /// Moves a state through `times`; at each of them the operators of `observe` are measured where
  /// the state is.
  /// @throws as expm_multiply; InvalidArgument  something to observe for rows of the user
  SessionResult<SessionEvolution> evolve(const PortableOperator& h, const StartState& start,
                                         const std::vector<double>& times,
                                         const EvolutionOptions& options = {},
                                         const SessionSolveOptions& where = {},
                                         const std::vector<OpSum>& observe = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kronsolve
