// The kronsolve program: parse, call the library, print. launcher.cpp becomes it.

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/session.hpp>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/guard.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/rerun.hpp"
#include "cli/run_again.hpp"

namespace kronsolve::cli {

namespace {

void use_threads(const Arguments& arguments) {
  if (arguments.threads)
    set_threads(*arguments.threads);
  else
    (void)num_threads();  // refuses nonsense in the environment
}

/// Prints the answer on rank 0; the exit code. Collective.
int tell(const Comm& comm, const Arguments& arguments, Answer answer) {
  comm.agree([&] {
    if (!comm.is_root()) return;
    if (arguments.json && arguments.command != "info")
      add_origin(answer.json, arguments.command_line);
    print_result(arguments.json ? answer.json.dump(2) + "\n" : answer.text);
  });
  return answer.status;
}

int run_command(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  if (arguments.command != "batch") use_threads(arguments);  // there they are the job's
  if (arguments.command != "info") require_address_space();
  return tell(comm, arguments, command(arguments.command).run(comm, arguments, start));
}

/// What a worker of --ranks does: the whole command on the communicator of all of them.
int run_as_worker(const Comm& comm, const std::vector<std::string>& words, double seconds_so_far) {
  return guarded(comm, [&] {
    const auto start = Clock::now() - std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(seconds_so_far));
    return run_command(comm, parse_words(words), start);
  });
}

/// Where rank 0 of the workers is, "host pid"; from now on it listens.
std::string place_of_worker(const Comm& comm) {
  note_requests();
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  return comm.broadcast(detail::concat(host.data(), " ", ::getpid()));
}

/// Signals that come to this process go to the workers, if they are on this machine: one of them
/// tells the others.
void pass_on_signals(Pool& pool, int ranks) {
  const auto place =
      pool.submit_spmd({.label = "where it runs", .retries = 0}, ranks, task<place_of_worker>)
          .get();
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  const std::string here = detail::concat(host.data(), " ");
  if (place.starts_with(here)) forward_requests_to(std::atol(place.c_str() + here.size()));
}

/// --ranks N: starts N workers that solve this one problem; rank 0 of them prints.
int run_on_workers(Session& session, const Arguments& arguments,
                   const std::vector<std::string>& words, Clock::time_point start) {
  if (launched_by_mpi())
    throw InvalidArgument(
        "--ranks starts ranks of its own and cannot be used under mpirun or srun; drop it, or "
        "start the program plainly");
  Pool pool = session.make_pool(
      {.workers = arguments.ranks,
       .threads = arguments.threads.value_or(std::max(1, available_cores() / arguments.ranks))});
  if (!arguments.checkpoint.path.empty()) pass_on_signals(pool, arguments.ranks);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  try {
    return pool
        .submit_spmd({.label = "the solve", .retries = 0}, arguments.ranks, task<run_as_worker>,
                     words, seconds)
        .get();
  } catch (const BrokenPool& error) {
    throw MpiError(MPI_ERR_OTHER, detail::concat("--ranks ", arguments.ranks, ": ", error.what()));
  }
}

int run(Session& session, const Comm& comm, int argc, char** argv, Clock::time_point start,
        std::optional<EndRequests>& requests) {
  Arguments arguments = parse_arguments(argc, argv);
  if (!arguments.message.empty()) {
    if (comm.is_root()) print_result(arguments.message);
    return exit_fine;
  }
  std::vector<std::string> words(argv, argv + argc);
  if (arguments.command == "rerun") {
    words = words_of_run(comm, arguments);
    arguments = parse_words(words);
  }
  if (!arguments.checkpoint.path.empty())
    requests.emplace(arguments.ranks > 1 ? 0 : patience_outside_steps);
  if (arguments.command == "sweep") {
    use_threads(arguments);
    return tell(comm, arguments, run_sweep(session, arguments, start));
  }
  if (arguments.command == "selftest") {
    use_threads(arguments);
    require_address_space();
    return tell(comm, arguments, run_selftest(session, arguments, start));
  }
  const bool runs_later = arguments.command == "batch" || arguments.command == "plan";
  if (arguments.ranks > 1 && !runs_later) return run_on_workers(session, arguments, words, start);
  return run_command(comm, arguments, start);
}

/// `kronsolve complete WORDS`: what a shell asks while somebody types, so nothing is started for it.
std::optional<int> answer_a_shell(int argc, char** argv) {
  if (argc < 2 || argv[1] != std::string_view("complete")) return std::nullopt;
  return guarded(Comm::serial(), [&] {
    print_result(completion_lines(complete({argv + 2, argv + argc})));
    return exit_fine;
  });
}

}  // namespace

}  // namespace kronsolve::cli

int main(int argc, char** argv) {
  using namespace kronsolve;
  if (const auto status = cli::answer_a_shell(argc, argv)) return *status;
  const auto start = cli::Clock::now();
  // Under mpirun every rank runs the program; a worker of --ranks never gets past its session.
  std::optional<Session> session;
  // Of a run with a checkpoint: it listens to its end, so that a signal before the first step has it
  // run again, and one after its answer does not spoil that.
  std::optional<cli::EndRequests> requests;
  int status = cli::guarded(Comm::serial(), [&] {
    try {
      session.emplace(SessionOptions{.mode = launched_by_mpi() ? Mode::syncro : Mode::dynamic});
    } catch (...) {
      cli::let_first_rank_speak();
      throw;
    }
    return 0;
  });
  if (session) {
    const Comm& comm = session->comm();
    const cli::InterruptGuard interrupts(comm.is_root());
    status =
        cli::guarded(comm, [&] { return cli::run(*session, comm, argc, argv, start, requests); });
  }
  // The first rank that leaves makes srun end the others, who would not have this code then.
  if (status == cli::exit_run_again) std::signal(SIGTERM, SIG_IGN);
  session.reset();
  cli::end_process(status);
}
