#pragma once

#include <concepts>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <mpi.h>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Throws MpiError with the text of `code` unless it is MPI_SUCCESS.
KRONSOLVE_EXPORT void check_mpi(int code, const char* call);

/// True if this process was started by mpirun or srun as a rank of a job (looked up in the
/// environment, before MPI starts).
KRONSOLVE_EXPORT bool launched_by_mpi() noexcept;

/// Owns MPI: starts it (thread level MULTIPLE wanted, SERIALIZED accepted) unless it was running,
/// ends it if it started it. At most one per process; MPI needed later without one (see
/// Comm::handle) is started and ended by the library itself.
class KRONSOLVE_EXPORT Environment {
 public:
  /// Collective over the job.
  /// @throws MpiError  MPI cannot be started
  Environment();
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  static bool running() noexcept;  ///< MPI was initialised and is not finalised
  static void ensure();  ///< starts MPI if nobody has; ended at exit by whoever started it
  /// MPI_THREAD_SINGLE to MPI_THREAD_MULTIPLE; the latter if MPI is not running.
  static int thread_level() noexcept;
  /// Ends every process of the job at once with `status`; never returns. Works without MPI too.
  [[noreturn]] static void abort(int status) noexcept;
};

/// MPI datatype of an arithmetic type or scalar.
template <class T>
MPI_Datatype mpi_type();

/// How values of several ranks become one. The logical ones give 0 or 1.
enum class Reduce {
  sum,
  product,
  min,
  max,
  logical_and,
  logical_or,
  bit_and,
  bit_or,
  bit_xor,
};

namespace detail {
/// Tags of the library's own messages: each kind has one of its own.
enum OwnTag : int {
  halo_tag = 32700,
  exchange_tag,
  collective_tag,
  scatter_tag,
  gather_objects_tag,
  scatter_objects_tag,
  all_to_all_objects_tag,
  reduce_objects_tag,
};
}  // namespace detail

/// A communicator of our own: duplicated from the one given, errors returned as MpiError. Moves,
/// does not copy.
///
/// `Comm::serial()` is one process without MPI: every collective is then local and free, and MPI is
/// started only when somebody asks for `handle()` (an engine does).
class KRONSOLVE_EXPORT Comm {
 public:
  Comm();                ///< the same as serial()
  static Comm serial();  ///< this process alone, without MPI; local
  /// A duplicate of MPI_COMM_WORLD. Collective; starts MPI if it is not running.
  static Comm world();
  /// A duplicate of `raw`. Collective on it.
  explicit Comm(MPI_Comm raw);
  Comm(Comm&& other) noexcept;
  Comm& operator=(Comm&& other) noexcept;
  ~Comm();

  int rank() const noexcept { return rank_; }           ///< of this process, from 0
  int size() const noexcept { return size_; }           ///< number of ranks
  bool is_root() const noexcept { return rank_ == 0; }  ///< rank() == 0: prints and writes files
  /// True if no MPI communicator stands behind it (one process).
  bool is_serial() const noexcept { return raw_ == MPI_COMM_NULL; }
  /// The MPI communicator. For a serial Comm this starts MPI if need be and gives a duplicate of
  /// MPI_COMM_SELF that returns errors.
  MPI_Comm handle() const;

  Comm duplicate() const;  ///< collective
  Comm split(int color,
             int key = 0) const;  ///< collective; color < 0: this rank gets a serial Comm
  /// These ranks as a communicator, in this order. Collective over them only: ranks that are not
  /// named do not call. `tag` tells groups apart that threads of one rank make at the same time.
  /// @throws InvalidArgument  no ranks, one outside [0, size()) or twice
  Comm group(std::span<const int> ranks, int tag = 0) const;

  void barrier() const;  ///< collective; returns once every rank has called it
  /// @throws InvalidArgument  op has no meaning for T: bits of numbers with a point, order of
  ///                          complex ones
  template <class T>
  T all_reduce(T value, Reduce op = Reduce::sum) const;
  /// Element by element, in place. All ranks give equally many elements. Collective.
  /// @throws InvalidArgument  as above
  template <class T>
  void all_reduce(std::span<T> values, Reduce op = Reduce::sum) const;
  /// Sum over the ranks before this one (0 on rank 0).
  index_t exclusive_sum(index_t value) const;
  /// What every rank gives, in rank order, on every rank. Collective.
  template <class T>
  std::vector<T> all_gather(const T& value) const;
  /// Concatenation in rank order of what each rank gives (any lengths).
  template <class T>
  std::vector<T> all_gather_v(std::span<const T> mine) const;
  /// The same on `root` only; empty elsewhere.
  template <class T>
  std::vector<T> gather_v(std::span<const T> mine, int root = 0) const;
  /// Copies the values of `root` to all ranks, which hold equally many. Collective.
  template <class T>
  void broadcast(std::span<T> values, int root = 0) const;
  /// The text of `root`, on every rank. Collective; texts elsewhere are not looked at.
  std::string broadcast(std::string text, int root = 0) const;
  /// send[i] goes to rank i; returns what came from each rank. Lengths are exchanged first.
  template <class T>
  std::vector<std::vector<T>> all_to_all_v(const std::vector<std::vector<T>>& send) const;

  /// True if `ok` holds on every rank. Collective.
  bool all(bool ok) const;
  /// Throws the same InvalidArgument on every rank if `ok` is false on any; `text` of the lowest
  /// such rank. Collective.
  void require_all(bool ok, std::string_view text) const;
  /// Runs `f` (local work that may throw) and lets all ranks agree: if it threw anywhere, every
  /// rank throws an exception of the same class and text, that of the lowest rank that failed.
  /// Collective.
  void agree(const std::function<void()>& f) const;

 private:
  MPI_Comm raw_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

}  // namespace kronsolve

#include <kronsolve/core/comm_inline.hpp>
