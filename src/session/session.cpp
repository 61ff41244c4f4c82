#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <kronsolve/core/failure.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/core/warning.hpp>
#include <kronsolve/session.hpp>

#include "core/counted.hpp"
#include "exec/local_pool.hpp"
#include "exec/ranks_as_workers.hpp"
#include "exec/remote_pool.hpp"
#include "exec/syncro_pool.hpp"
#include "session/core_share.hpp"

namespace kronsolve {

using namespace detail;

namespace {

/// Names in the order of Mode.
constexpr std::array<std::string_view, 6> modes = {"auto",    "serial",  "threads",
                                                   "dynamic", "futures", "syncro"};

/// Where this process stands in its job, for messages of last resort.
struct Place {
  int rank = 0, size = 1;
  bool worker = false;
};
Place place;
std::atomic<bool> session_exists{false};

std::string describe(const Place& p) {
  std::string text = p.worker ? "worker " : "rank ";
  return concat(text, p.rank, " of ", p.size, " on ", host_name());
}

/// For an exception that nobody catches: says which in one line and ends the whole job.
[[noreturn]] void end_with_message() noexcept {
  std::string text = "ended without an exception";
  if (std::current_exception()) try {
      throw;
    } catch (const std::exception& e) {
      const Failure failure = Failure::current();
      const RemoteOrigin* origin = remote_origin(e);
      text = concat(origin ? origin->text() : failure.type, ": ", e.what());
    } catch (...) {
      const Failure failure = Failure::current();
      text = concat(failure.type, ": ", failure.text);
    }
  // When all ranks throw the same, only rank 0 says so: it ends the others while they wait here.
  if (place.rank > 0 && !place.worker)
    std::this_thread::sleep_for(std::chrono::milliseconds(300 + 50 * std::min(place.rank, 20)));
  std::cout.flush();
  warn(concat(describe(place), ": uncaught ", text));
  kronsolve::Environment::abort(1);
}

int number_from_environment(const char* name, int most) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long n = std::strtol(text, &end, 10);
  if (*end != '\0' || n < 1 || n > most)
    throw InvalidArgument(concat(name, " must be a number from 1 to ", most, ", got '", text, "'"));
  return static_cast<int>(n);
}

constexpr int most_workers = 4096;

int check_workers(int workers) {
  if (workers < 0 || workers > most_workers)
    throw InvalidArgument(concat("pool: workers must be from 1 to ", most_workers,
                                 ", or 0 for the default, got ", workers));
  return workers;
}

Mode choose_mode(Mode asked) {
  if (asked == Mode::automatic)
    if (const char* text = std::getenv("KRONSOLVE_MODE"); text != nullptr && *text != '\0')
      asked = parse_mode(text);
  if (asked != Mode::automatic) return asked;
  return launched_by_mpi() ? Mode::futures : Mode::dynamic;
}

/// Where standard input or output is closed, a socket would get its number, and what the program
/// prints would go there.
void take_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      (void)!::open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

/// A process that a pool has started: serves it and ends.
[[noreturn]] void be_spawned_worker(const std::string& text) {
  const auto ticket = WorkerTicket::parse(text);
  // Programs that a task may start are not workers.
  ::unsetenv(worker_variable);
  ::signal(SIGINT, SIG_IGN);  // the owner of the pool decides
  place.worker = true;
  {
    PoolConnection connection(ticket);
    if (ticket.mpi) {
      kronsolve::Environment environment;
      const Comm world = Comm::world();
      place.rank = world.rank();
      place.size = world.size();
      connection.serve(&world, world.rank(), world.size());
    } else {
      connection.serve(nullptr, 0, 1);
    }
  }
  std::exit(0);
}

}  // namespace

std::string_view to_string(Mode mode) { return modes.at(static_cast<std::size_t>(mode)); }

Mode parse_mode(std::string_view text) {
  const auto found = std::find(modes.begin(), modes.end(), text);
  if (found == modes.end())
    throw InvalidArgument(
        concat("KRONSOLVE_MODE must be auto, serial, threads, dynamic, futures or syncro, got '",
               text, "'"));
  return static_cast<Mode>(found - modes.begin());
}

struct Session::State {
  Mode mode = Mode::serial;
  int workers = 0;
  std::vector<std::string> worker_command;
  std::unique_ptr<kronsolve::Environment> environment;
  Comm everybody;                           // of the job
  Comm mains;                               // those that run main
  std::shared_ptr<RemotePool> job_workers;  // futures mode
  std::mutex making_pools;
  std::map<int, Pool> pools;
  pid_t process = ::getpid();
  int exceptions_at_start = std::uncaught_exceptions();

  static State* open_one;
  static void close_at_exit();
  void begin(Mode chosen);
  void begin_job();
  [[noreturn]] void be_job_worker(const WorkerTicket& ticket, const Comm& others);
  void close();
  std::shared_ptr<Backend> make_backend(PoolOptions options);
};

/// exit() in the middle of main: the workers of a job must hear of it, or MPI's end would wait for
/// them.
Session::State* Session::State::open_one = nullptr;
void Session::State::close_at_exit() {
  State* const state = std::exchange(open_one, nullptr);
  if (state == nullptr || state->process != ::getpid()) return;  // a child that was forked off
  if (this_worker::is_task()) {
    if (state->mode == Mode::threads) return;  // would wait for itself
    if (state->everybody.size() > 1) {
      warn(describe(place) + ": a task called exit()");
      kronsolve::Environment::abort(1);
    }
  }
  state->close();
}

void Session::State::begin(Mode chosen) {
  mode = chosen;
  switch (chosen) {
    case Mode::serial:
    case Mode::threads:
    case Mode::dynamic:
      if (!launched_by_mpi()) return;
      begin_job();
      if (everybody.size() > 1)
        throw InvalidArgument(concat("KRONSOLVE_MODE=", to_string(chosen),
                                     " is for a single process, this is a job of ",
                                     detail::counted(everybody.size(), "rank"),
                                     "; use futures or syncro, or start it without mpirun"));
      return;
    case Mode::futures:
    case Mode::syncro:
      if (!launched_by_mpi()) {
        if (chosen == Mode::futures) mode = Mode::threads;  // rank 0 of a job without further ranks
        return;
      }
      begin_job();
      if (chosen == Mode::syncro)
        mains = everybody.duplicate();
      else if (everybody.size() == 1)
        mode = Mode::threads;
      return;
    case Mode::automatic:
      break;
  }
}

void Session::State::begin_job() {
  environment = std::make_unique<kronsolve::Environment>();
  everybody = Comm::world();
  place.rank = everybody.rank();
  place.size = everybody.size();
  const int least = everybody.all_reduce(static_cast<int>(mode), Reduce::min);
  const int most = everybody.all_reduce(static_cast<int>(mode), Reduce::max);
  if (least != most)
    throw InvalidArgument(concat(
        "KRONSOLVE_MODE is ", to_string(static_cast<Mode>(least)), " on some ranks and ",
        to_string(static_cast<Mode>(most)),
        " on others; mpirun brings it to other machines with -x KRONSOLVE_MODE, as kronsolve-mpi "
        "does"));
  choose_threads_of_rank(everybody);
  if (mode != Mode::futures || everybody.size() == 1) return;
  RankRoles roles = assign_roles(everybody, 0);
  if (!everybody.is_root()) be_job_worker(roles.ticket, roles.workers);
  job_workers = std::make_shared<RemotePool>(everybody.size() - 1, std::move(*roles.listener),
                                             Secret::parse(roles.ticket.secret));
}

void Session::State::be_job_worker(const WorkerTicket& ticket, const Comm& others) {
  place.worker = true;
  --place.rank;
  --place.size;
  PoolConnection connection(ticket);
  connection.serve(&others, others.rank(), others.size());
  everybody = Comm();
  environment.reset();
  std::exit(0);
}

void Session::State::close() {
  pools.clear();
  if (job_workers) dismiss(job_workers);
  if (mode == Mode::syncro && everybody.size() > 1 &&
      std::uncaught_exceptions() > exceptions_at_start) {
    // This rank leaves, the others may wait for it in a collective.
    warn(describe(place) + ": an exception left the scope of the session");
    kronsolve::Environment::abort(1);
  }
  mains = Comm();
  everybody = Comm();
  environment.reset();
}

std::shared_ptr<Backend> Session::State::make_backend(PoolOptions options) {
  switch (mode) {
    case Mode::dynamic:
      return std::make_shared<RemotePool>(std::move(options));
    case Mode::futures:
      return job_workers;
    case Mode::syncro:
      return std::make_shared<SyncroPool>(mains, options.initializer);
    case Mode::threads:
      return std::make_shared<LocalPool>(options.workers, options.threads, options.initializer);
    case Mode::automatic:
    case Mode::serial:
      break;
  }
  return std::make_shared<LocalPool>(0, options.threads, options.initializer);
}

Session::Session(const SessionOptions& options) : state_(std::make_unique<State>()) {
  if (session_exists.exchange(true))
    throw InvalidArgument("Session: one per process; pass the first one on");
  take_standard_descriptors();
  remember_environment();
  std::set_terminate(&end_with_message);
  (void)launched_by_mpi();  // asked before MPI starts, whoever starts it
  if (const char* ticket = std::getenv(worker_variable)) be_spawned_worker(std::string(ticket));
  try {
    state_->workers = check_workers(options.workers);
    state_->worker_command = options.worker_command;
    state_->begin(choose_mode(options.mode));
  } catch (...) {
    session_exists = false;
    throw;
  }
  static const bool registered =
      std::atexit(&State::close_at_exit) == 0;  // after MPI's own: called before it
  (void)registered;
  State::open_one = state_.get();
}

Session::~Session() {
  if (state_->process != ::getpid()) {  // a child that was forked off: nothing here is its own
    (void)state_.release();
    return;
  }
  State::open_one = nullptr;
  state_->close();
  session_exists = false;
}

Mode Session::mode() const noexcept { return state_->mode; }
const Comm& Session::comm() const noexcept { return state_->mains; }

int Session::default_workers() const {
  if (state_->mode == Mode::serial) return 1;
  if (state_->mode == Mode::futures) return state_->everybody.size() - 1;
  if (state_->mode == Mode::syncro) return state_->mains.size();
  if (state_->workers > 0) return state_->workers;
  const int chosen = number_from_environment("KRONSOLVE_NUM_WORKERS", most_workers);
  return chosen > 0 ? chosen : available_cores();
}

Pool& Session::pool(int workers) {
  check_workers(workers);
  const bool job_decides =
      mode() == Mode::futures || mode() == Mode::syncro || mode() == Mode::serial;
  const int n = workers == 0 || job_decides ? default_workers() : workers;
  const std::lock_guard lock(state_->making_pools);
  auto& pools = state_->pools;
  if (const auto found = pools.find(n); found != pools.end()) {
    if (found->second.is_open()) return found->second;
    pools.erase(found);  // its user has shut it down
  }
  PoolOptions options;
  options.workers = n;
  return pools.emplace(n, make_pool(std::move(options))).first->second;
}

Pool Session::make_pool(PoolOptions options) {
  if (check_workers(options.workers) == 0) options.workers = default_workers();
  if (options.threads < 1)
    throw InvalidArgument(concat("pool: threads must be at least 1, got ", options.threads));
  if (!(options.spawn_seconds > 0)) throw InvalidArgument("pool: spawn_seconds must be positive");
  if (const auto& command = state_->worker_command; options.program.empty() && !command.empty()) {
    options.program = command.front();
    options.program_arguments.assign(command.begin() + 1, command.end());
  }
  const Initializer first = options.initializer;
  Pool pool(state_->make_backend(std::move(options)), mode() != Mode::futures);
  if (mode() == Mode::futures && first.present) pool.run_initializer(first);
  return pool;
}

}  // namespace kronsolve
