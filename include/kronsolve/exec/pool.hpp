#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <kronsolve/core/row_range.hpp>
#include <kronsolve/exec/future.hpp>
#include <kronsolve/exec/map.hpp>
#include <kronsolve/exec/this_worker.hpp>

namespace kronsolve {

namespace detail {
/// @throws InvalidArgument  ranks < 1
KRONSOLVE_EXPORT int require_ranks(int ranks);
}  // namespace detail

/// What a death costs where the pool starts its own workers.
enum class Isolation {
  pool,  ///< the workers are one MPI world: gangs are possible, a death costs all of them and they
         ///< are started anew
  worker,  ///< every worker is a process of its own: a death costs only it; no gangs, workers on
           ///< this machine only
};

/// Something that happened to a worker.
struct WorkerEvent {
  /// died: its process ended; timed_out: its task ran into its limit; started: a new one has come
  /// up.
  enum class Kind { died, timed_out, started } kind;  ///< what happened
  int worker;                                         ///< its number in the pool
  std::string text;                                   ///< one line for people
};

/// Settings of a pool that starts its own workers. (Where the workers are the ranks of a job, only
/// `workers` is looked at.)
struct PoolOptions {
  int workers = 0;  ///< 0: KRONSOLVE_NUM_WORKERS, else the cores this process may use
  int threads = 1;  ///< of each worker
  Isolation isolation = Isolation::pool;  ///< what a death costs
  double spawn_seconds = 30;  ///< after which workers that have not come up are given up
  double straggler_seconds =
      10;  ///< after one rank of a gang failed, how long the others may still take
  std::map<std::string, std::string> environment = {};  ///< set in the workers
  std::string working_directory = {};                   ///< of the workers; empty: this process's
  std::string program = {};  ///< what the workers run; empty: this executable
  std::vector<std::string> program_arguments = {};  ///< that it needs to become a worker
  std::vector<std::string> launcher_arguments =
      {};  ///< further arguments of mpirun ("--hostfile", "hosts")
  std::function<void(const WorkerEvent&)> on_event =
      {};  ///< called in the pool's thread, must not throw; empty: a warning (set_warning_handler)
  detail::Initializer initializer = {};  ///< see initializer()
};

/// f(args...) as something that a pool runs on each worker before any task: `{.initializer =
/// initializer(f, args...)}`. If it throws anywhere, the pool is broken.
template <class F, class... Args>
detail::Initializer initializer(F f, Args&&... args) {
  auto spec = detail::make_task(detail::kept(std::move(f)), std::forward<Args>(args)...);
  return {spec.code, std::move(spec.arguments), true};
}

/// Workers that run tasks: callables sent by their type, arguments and results by value.
///
/// A handle: moves, does not copy; the last one waits for its tasks when it dies. Made by a
/// Session. Nothing is started before the first task. Not to be used inside a task
/// (InvalidArgument). Thread-safe, except in syncro mode, where every rank makes the same calls in
/// the same order.
class KRONSOLVE_EXPORT Pool {
 public:
  /// Used by Session.
  Pool(std::shared_ptr<detail::Backend> backend, bool owns_backend);
  /// Used by Session where workers are shared by several pools: runs it on all; if it fails, this
  /// pool is broken.
  void run_initializer(const detail::Initializer& initializer);
  Pool(Pool&&) noexcept;
  Pool& operator=(Pool&&) noexcept;
  ~Pool();  ///< shutdown()

  /// f(args...) on some worker. `f`: a lambda without captures, a function, `task<function>`, or a
  /// function object that is serialisable; arguments and result: Serializable values.
  /// @throws InvalidArgument  after shutdown, inside a task
  /// @throws BrokenPool       the pool cannot serve any more
  template <class F, class... Args>
  requires(!std::same_as<F, TaskOptions>) auto submit(F f, Args&&... args) {
    return submit(TaskOptions{}, std::move(f), std::forward<Args>(args)...);
  }
  /// The same with a label, retries, a limit of time, a worker, or a handler of reports.
  template <class F, class... Args>
  auto submit(TaskOptions options, F f, Args&&... args) {
    auto spec = detail::make_task(detail::kept(std::move(f)), std::forward<Args>(args)...);
    spec.options = std::move(options);
    return Future<detail::TaskResult<F, std::decay_t<Args>...>>(
        submit_task(core_, std::move(spec)));
  }

  /// A gang: `ranks` workers at once run f(comm, args...) on a communicator of their own; the
  /// result is that of its rank 0. Gangs wait for enough idle workers in the order of submission;
  /// several run side by side. Where workers are threads or this process, the gang has one rank
  /// (`comm.size()` tells) and as many threads.
  /// @throws InvalidArgument  ranks < 1 or more than there are workers
  /// @throws NotSupported     the pool isolates its workers
  template <class F, class... Args>
  requires(!std::same_as<F, TaskOptions>) auto submit_spmd(int ranks, F f, Args&&... args) {
    return submit_spmd(TaskOptions{}, ranks, std::move(f), std::forward<Args>(args)...);
  }
  /// The same with options. `worker` is not looked at.
  template <class F, class... Args>
  auto submit_spmd(TaskOptions options, int ranks, F f, Args&&... args) {
    auto spec = detail::make_gang(detail::require_ranks(ranks), detail::kept(std::move(f)),
                                  std::forward<Args>(args)...);
    spec.options = std::move(options);
    return Future<detail::GangResult<F, std::decay_t<Args>...>>(
        submit_task(core_, std::move(spec)));
  }

  /// f(a, b, ...) for the elements of one or several ranges taken together, to the end of the
  /// shortest. The ranges may be one-pass.
  /// @throws InvalidArgument  chunk_size < 1, max_in_flight < 0, chunks together with gangs
  template <class F, class... Ranges>
  requires(sizeof...(Ranges) > 0 &&
           (std::ranges::input_range<Ranges> && ...)) auto map(F f, Ranges&&... ranges) {
    return map(MapOptions{}, std::move(f), std::forward<Ranges>(ranges)...);
  }
  /// The same with an order of results, chunks, bounds and the options of each task.
  template <class F, class... Ranges>
  requires(sizeof...(Ranges) > 0 && (std::ranges::input_range<Ranges> &&
                                     ...)) auto map(MapOptions options, F f, Ranges&&... ranges) {
    return run_map<false>(std::move(options), std::move(f),
                          detail::Zip<std::views::all_t<Ranges>...>(
                              std::views::all(std::forward<Ranges>(ranges))...));
  }
  /// f(comm, a, b, ...) for each, on gangs of options.ranks_per_task workers.
  template <class F, class... Ranges>
  requires(sizeof...(Ranges) > 0 &&
           (std::ranges::input_range<Ranges> && ...)) auto map_spmd(MapOptions options, F f,
                                                                    Ranges&&... ranges) {
    return run_map<true>(std::move(options), std::move(f),
                         detail::Zip<std::views::all_t<Ranges>...>(
                             std::views::all(std::forward<Ranges>(ranges))...));
  }
  /// f(get<0>(t), get<1>(t), ...) for each tuple of a range.
  template <class F, std::ranges::input_range Range>
  auto starmap(F f, Range&& tuples) {
    return starmap(MapOptions{}, std::move(f), std::forward<Range>(tuples));
  }
  /// The same with options.
  template <class F, std::ranges::input_range Range>
  auto starmap(MapOptions options, F f, Range&& tuples) {
    return run_map<false>(
        std::move(options), std::move(f),
        detail::Rows<std::views::all_t<Range>>(std::views::all(std::forward<Range>(tuples))));
  }

  /// A vector cut into one contiguous piece per worker, kept there.
  template <class T>
  class Scattered {
   public:
    Scattered() = default;
    /// Used by scatter().
    explicit Scattered(std::uint64_t id) : id_(id) {}
    /// In a task: this worker's piece.
    /// @throws InvalidArgument  it is not here (another pool, or the worker was replaced)
    std::vector<T>& local() const {
      auto& kept = detail::require_worker_context().by_id;
      const auto found = kept.find(id_);
      if (found == kept.end())
        throw InvalidArgument(
            "scattered data: this worker has no piece of it; scatter it again after a worker died");
      return *static_cast<std::vector<T>*>(found->second.get());
    }
    std::uint64_t id() const noexcept { return id_; }  ///< the same on all workers
    template <class Archive>
    void serialize(Archive& archive) {
      archive(id_);
    }

   private:
    std::uint64_t id_ = 0;
  };
  /// Some workers of a pool, in the order given. To be used while the pool stays where it is.
  class Workers {
   public:
    /// Runs f(args...) once on each; the results in their order. Waits.
    /// @throws as submit; what f threw
    template <class F, class... Args>
    auto broadcast(F f, const Args&... args) const {
      using R = detail::TaskResult<F, Args...>;
      std::vector<Future<R>> futures;
      for (const int w : numbers_)
        futures.push_back(pool_->submit({.label = "broadcast", .worker = w}, f, args...));
      if constexpr (std::is_void_v<R>) {
        for (const auto& future : futures) future.get();
      } else {
        return get_all(futures);
      }
    }
    /// Cuts `values` into even pieces and leaves one with each. Waits.
    template <class T>
    Scattered<T> scatter(const std::vector<T>& values) const {
      const Scattered<T> handle(next_id());
      const RowPartition pieces(static_cast<index_t>(values.size()),
                                static_cast<int>(numbers_.size()));
      std::vector<Future<void>> futures;
      for (std::size_t i = 0; i < numbers_.size(); ++i) {
        const RowRange r = pieces.range(static_cast<int>(i));
        futures.push_back(pool_->submit(
            {.label = "scatter", .worker = numbers_[i]},
            [](std::uint64_t id, const std::vector<T>& piece) {
              detail::require_worker_context().by_id[id] = std::make_shared<std::vector<T>>(piece);
            },
            handle.id(), std::vector<T>(values.begin() + r.begin, values.begin() + r.end)));
      }
      for (const auto& f : futures) f.get();
      return handle;
    }
    /// The pieces put together again. Waits.
    template <class T>
    std::vector<T> gather(const Scattered<T>& handle) const {
      std::vector<T> all;
      for (auto& piece : broadcast([](const Scattered<T>& h) { return h.local(); }, handle))
        all.insert(all.end(), piece.begin(), piece.end());
      return all;
    }
    /// In the pool, in the order given.
    const std::vector<int>& numbers() const noexcept { return numbers_; }

   private:
    friend class Pool;
    Workers(Pool& pool, std::vector<int> numbers) : pool_(&pool), numbers_(std::move(numbers)) {}
    Pool* pool_;
    std::vector<int> numbers_;
  };
  /// All of them. Starts them.
  /// @throws as boot
  Workers workers();
  /// These.
  /// @throws InvalidArgument  none, one twice, or one that there is not
  Workers workers(std::vector<int> numbers);
  /// The same on all workers.
  template <class F, class... Args>
  auto broadcast(F f, const Args&... args) {
    return workers().broadcast(std::move(f), args...);
  }
  /// Cuts `values` into even pieces, one for each worker of the pool, and leaves them there. Waits.
  template <class T>
  Scattered<T> scatter(const std::vector<T>& values) {
    return workers().scatter(values);
  }
  /// The pieces of all workers, put together again. Waits.
  template <class T>
  std::vector<T> gather(const Scattered<T>& handle) {
    return workers().gather(handle);
  }

  /// Starts the workers now.
  /// @throws BrokenPool  waiting, and they cannot be started
  void boot(detail::Waiting waiting = detail::Waiting::wait);
  /// Workers; starts them. 0 when broken or shut down.
  int num_workers();
  /// Ends the pool: no further tasks; those submitted are finished, or with Pending::cancel those
  /// not begun cancelled. Any order, any number of times.
  void shutdown(detail::Waiting waiting = detail::Waiting::wait,
                detail::Pending pending = detail::Pending::finish);
  bool is_open() const noexcept;  ///< false after shutdown()
  /// True if gangs of several ranks can be had.
  bool has_gangs() const;
  /// What stands behind it; for what keeps data in its workers.
  const std::shared_ptr<detail::Backend>& backend() const noexcept;
  /// A number for data kept in workers that no other has.
  static std::uint64_t next_id();

 private:
  struct Core;
  static detail::TaskPtr submit_task(const std::shared_ptr<Core>& core, detail::TaskSpec spec);

  template <bool gang, class F, class Source>
  auto run_map(MapOptions options, F f, Source elements) {
    using Element = typename Source::value_type;
    using R = typename decltype(detail::MapResultOf<F, Element>::template type<gang>())::type;
    detail::check_map(options, backend()->is_collective());
    if (!gang && options.ranks_per_task > 0)
      throw InvalidArgument("map: ranks_per_task is an option of map_spmd");
    auto source = std::make_shared<Source>(std::move(elements));
    auto next = [core = core_, source, options,
                 f = detail::kept(std::move(f))]() -> detail::TaskPtr {
      auto element = source->next();
      if (!element) return nullptr;
      detail::TaskSpec spec;
      if constexpr (gang) {
        spec = std::apply(
            [&](auto&... a) {
              return detail::make_gang(detail::require_ranks(options.ranks_per_task), f, a...);
            },
            *element);
      } else if (options.chunk_size == 1) {
        spec = std::apply([&](auto&... a) { return detail::make_task(f, a...); }, *element);
      } else {
        std::vector<Element> chunk;
        chunk.push_back(std::move(*element));
        while (std::ssize(chunk) < options.chunk_size && (element = source->next()))
          chunk.push_back(std::move(*element));
        spec = detail::make_chunk(f, std::move(chunk));
      }
      spec.options = options.task;
      return submit_task(core, std::move(spec));
    };
    return MapResults<R>(std::move(next), options);
  }

  std::shared_ptr<Core> core_;
};

using detail::Pending;
using detail::Waiting;

/// A pool on ranks that all run the program: `root` calls f(pool), the other ranks of `comm` are
/// its workers until f is over and its tasks are done; then all go on. For a part of a job (split
/// `comm` first; parts may have pools at the same time) or a phase of a program in syncro mode.
/// Collective. f may not use `comm`; on other ranks it is not looked at. A `comm` of one rank gets
/// a pool of one thread. The death of a rank ends the job.
/// @throws InvalidArgument  root is none of the ranks, inside a task; and what f throws. On every
///                          rank.
KRONSOLVE_EXPORT void with_pool(const Comm& comm, int root, const std::function<void(Pool&)>& f);

}  // namespace kronsolve
