#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include <kronsolve/exec/pool.hpp>

#include "exec/channel.hpp"
#include "exec/handshake.hpp"
#include "exec/launcher.hpp"
#include "exec/worker.hpp"

namespace kronsolve::detail {

inline std::string seconds_text(double s) {
  std::ostringstream out;
  out << s;
  return out.str();
}

/// Workers that are processes. One thread owns everything about them: it starts them, sends tasks
/// to idle ones, takes results, notices deaths and overdue tasks. It waits in poll() and makes no
/// MPI call, so that the program may compute with MPI at the same time.
class RemotePool final : public Backend {
 public:
  /// How long a process that connects may take to prove that it is a worker.
  static constexpr std::chrono::seconds handshake_limit{20};

  /// Workers that this pool starts.
  explicit RemotePool(PoolOptions options);
  /// Workers that are already there: ranks 1 to `workers` of this job, told of `listener` and
  /// `secret`.
  RemotePool(int workers, Listener listener, const Secret& secret);
  ~RemotePool() override;

  void boot(Waiting waiting) override;
  int num_workers() override;
  void shutdown(Waiting waiting, Pending pending) override;
  void give_up(const TaskPtr& task) override;
  bool has_gangs() const noexcept override { return options_.isolation == Isolation::pool; }
  bool is_own_thread() const noexcept override;
  /// A worker of the job is stuck in a task that was given up: the job cannot end properly.
  bool has_lost_workers() const noexcept { return lost_ > 0; }

 protected:
  TaskPtr submit_checked(TaskSpec spec) override;
  TaskPtr submit_after_checked(const TaskPtr& before, TaskSpec spec) override;

 private:
  struct Slot;
  /// A task on its way.
  struct Job {
    std::uint64_t id = 0;
    TaskPtr state;
    TaskSpec spec;
    int attempts = 0;
    // While it runs:
    int members_left = 0;
    int first_member = 0;
    Failure failure;
    int failed_worker = 0;
    std::string failed_host;
    Message result;
    std::optional<Clock::time_point> deadline;
    bool overdue_is_straggler = false;
    // While it waits for a worker that is stuck in another task:
    std::optional<Clock::time_point> patience;
    std::string name() const;
  };
  using JobPtr = std::shared_ptr<Job>;
  struct Peer {
    Channel channel;
    OwnerHandshake handshake;
    bool known = false;  // has proved that it belongs to this pool
    Clock::time_point came = Clock::now();
    Slot* slot = nullptr;  // null until it has said who it is
    int index = 0;
    long pid = 0;
    std::string host;
    std::string trouble;  // why this process gave up the connection
    bool ready = false, alive = true, lost = false, closing = false;
    JobPtr job;
    bool idle() const { return ready && alive && !lost && !job; }
    std::string name() const;
  };
  /// Workers that were started together and end together.
  struct Slot {
    enum class State { empty, starting, alive } state = State::empty;
    int first_index = 0, count = 1, world = 0;
    pid_t launcher = -1;
    Clock::time_point deadline;
    std::vector<Peer*> members;
  };
  /// A process that should end by itself, is asked to after a while, and killed after another.
  struct ProcessToEnd {
    enum class Step { left_alone, asked, killed };
    pid_t pid;
    Clock::time_point next;
    Step step;
  };

  void start_thread();
  static JobPtr make_job(TaskPtr task, TaskSpec spec);
  void enqueue(JobPtr job);

  // The manager thread.
  void run();
  void take_incoming();
  void start_slots();
  void start_slot(Slot& slot);
  void dispatch();
  bool try_dispatch(const JobPtr& job);
  bool needs_lost_worker(const Job& job) const;
  void fail_unservable();
  Peer* idle_peer(const Job& job);
  void send_task(const JobPtr& job, const std::vector<Peer*>& members);
  void wait_for_events();
  int poll_timeout() const;
  void accept_peers();
  /// Connections that have not proved to be of a worker; workers that have not said who they are.
  std::ptrdiff_t strangers() const;
  std::ptrdiff_t awaited_workers() const;
  bool drop_stranger(Clock::time_point before);
  void shake_hands(Peer& peer, const Frame& frame);
  void read_peer(Peer& peer);
  void handle(Peer& peer, Frame& frame);
  void greet(Peer& peer, const Frame& frame);
  void take_ready(Peer& peer, const Frame& frame);
  void take_result(Peer& peer, const Frame& frame);
  void finish_job(const JobPtr& job);
  void peer_gone(Peer& peer);
  void end_slot(Slot& slot, const std::vector<JobPtr>& guilty, const std::string& why,
                bool timed_out);
  std::vector<JobPtr> stop_slot(Slot& slot);
  void retry_or_fail(const JobPtr& job, const Peer& peer, const std::string& why, bool timed_out);
  void check_deadlines();
  void end_given_up();
  void check_launchers();
  void break_pool(const std::string& text);
  bool all_done();
  void say_goodbye();
  void report(WorkerEvent::Kind kind, int worker, const std::string& text);
  std::vector<Peer*> peers_of(const JobPtr& job);

  PoolOptions options_;
  const bool own_workers_;  // started by this pool, or ranks of the job
  // What the workers must be as well. Of now: a plugin that is loaded later, even while workers
  // come up, makes no strangers of them.
  const std::uint64_t digest_ = code_digest();
  const std::string description_ = program_description();
  const Secret secret_;
  Listener listener_;
  WakeUp wake_;
  std::thread thread_;
  std::mutex joining_;
  std::atomic<int> lost_{0};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::deque<JobPtr> incoming_;
  std::vector<TaskPtr> given_up_;
  int continuations_ = 0;
  bool boot_requested_ = false, closing_ = false, cancel_ = false, all_ready_ = false,
       ended_ = false;
  std::string broken_;

  // Of the manager thread alone.
  std::deque<JobPtr> ready_;
  bool queue_cancelled_ = false;
  std::list<Peer> peers_;
  std::vector<Slot> slots_;
  std::vector<ProcessToEnd> to_end_;
  std::uint64_t next_job_ = 1;
  int next_world_ = 1, idle_cursor_ = 0, failures_in_a_row_ = 0;
  bool ever_ready_ = false;
};

}  // namespace kronsolve::detail
