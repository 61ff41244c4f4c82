#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/exec/pool.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/portable_lazy.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/solvers/eigh.hpp>

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

struct SessionOptions {
  Mode mode = Mode::automatic;  ///< automatic: KRONSOLVE_MODE, else dynamic in a plain process,
                                ///< futures under mpirun or srun
  int workers =
      0;  ///< of pools that are not told; 0: KRONSOLVE_NUM_WORKERS, else the cores of this process
};

/// Whether the eigenvectors come back to the caller.
enum class Gather { no, yes };

/// Where and how a session solves.
struct SessionSolveOptions {
  int workers =
      0;  ///< 1: in this process with its threads; more: on that many workers; 0: chosen by size
  Gather vectors = Gather::no;  ///< yes: whole eigenvectors where main runs
};

/// A solution and where it was found.
struct SessionSolveResult {
  EighResult result;  ///< its vectors: whole where they were gathered, owned rows in syncro mode,
                      ///< else none
  int ranks = 1;      ///< that solved
  int threads = 1;    ///< of each
  index_t peak_rss_bytes = 0;       ///< sum over the ranks that solved
  index_t peak_rss_rank_bytes = 0;  ///< the largest
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

  Mode mode() const noexcept;
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

  /// Eigenpairs of a Hermitian operator, wherever it is best found: in this process with its
  /// threads when small (below 2^17 rows) or told so, on a gang of pool workers otherwise, on all
  /// ranks in syncro mode (collective). Only the description travels, never the matrix. What is
  /// thrown is what kronsolve::eigh throws, from wherever it ran.
  ///
  /// On a gang `options.progress` is not called and `options.start` is the whole vector.
  /// @throws NotSupported  a gang was asked for where there is none (serial and threads mode,
  /// isolated workers)
  SessionSolveResult eigh(const SectorOperator& h, const EighOptions& options = {},
                          const SessionSolveOptions& where = {});
  SessionSolveResult eigh(const OpSum& h, const EighOptions& options = {},
                          const SessionSolveOptions& where = {});
  SessionSolveResult eigh(const PortableLazy<double>& h, const EighOptions& options = {},
                          const SessionSolveOptions& where = {});
  SessionSolveResult eigh(const PortableLazy<std::complex<double>>& h,
                          const EighOptions& options = {}, const SessionSolveOptions& where = {});
  /// The lowest eigenpair.
  SessionSolveResult ground_state(const SectorOperator& h, EighOptions options = {},
                                  const SessionSolveOptions& where = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kronsolve
