// Random problems against a dense oracle: every method, form and instruction set, on any number of ranks.
//
// usage: test_storm_storm [--count N] [--seed S] [--dimension D]
// Case c has the seed S + c; `--count 1 --seed S` repeats one. A failing case is made smaller as long as it
// still fails, and printed as an operator file with the command.

#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>

#include <unistd.h>

#include <kronsolve/core/error.hpp>

#include "storm/checks.hpp"

namespace kronsolve::storm {
namespace {

struct Settings {
  long count = 1000;
  std::uint64_t seed = 1;
  Limits limits;
};

/// What was going on, for the handler of signals.
char at_work[128] = "";

extern "C" void tell_and_die(int signal) {
  const char* what = signal == SIGALRM ? "storm: no end in sight: " : "storm: crash: ";
  (void)!write(STDERR_FILENO, what, std::strlen(what));
  (void)!write(STDERR_FILENO, at_work, std::strlen(at_work));
  std::signal(signal, SIG_DFL);
  if (signal == SIGALRM) _exit(1);
  std::raise(signal);
}

/// The same kind of failure with less: leaves things out until nothing can be.
Problem shrunk(const Comm& comm, Problem problem, std::uint64_t seed, Failure& failure) {
  Tally unused;
  for (std::size_t which = 0; true;) {
    const auto less = smaller(problem, which);
    if (!less) return problem;
    const bool same = less->file() == problem.file() && less->conditions() == problem.conditions();
    if (!same && states_of(*less) > 0) {
      const auto again = check(comm, *less, seed, unused);
      if (again && again->check == failure.check) {
        problem = *less;
        failure = *again;
        which = 0;
        continue;
      }
    }
    ++which;
  }
}

void print(const Comm& comm, std::uint64_t seed, const Problem& problem, const Failure& failure) {
  if (!comm.is_root()) return;
  std::cout << "storm: seed " << seed << ", " << comm.size() << " rank(s): " << failure.check
            << ": " << failure.text << "\n--- storm.toml\n"
            << problem.file() << "---\n";
  if (failure.command.empty())
    std::cout << "conditions: " << problem.options() << "\n";
  else
    std::cout << (comm.size() > 1 ? detail::concat("mpirun -n ", comm.size(), " ") : "")
              << "kronsolve " << failure.command << "\n";
  std::cout << std::flush;
}

/// One case; false if it failed.
bool run(const Comm& comm, const Settings& settings, std::uint64_t seed, Tally& tally) {
  std::snprintf(at_work, sizeof at_work, "--count 1 --seed %llu --dimension %lld on %d rank(s)\n",
                static_cast<unsigned long long>(seed),
                static_cast<long long>(settings.limits.dimension), comm.size());
  alarm(300);
  Dice dice(seed);
  Problem problem = random_problem(dice, settings.limits);
  if (states_of(problem) == 0) problem.symmetries.clear();
  auto failure = check(comm, problem, seed, tally);
  if (comm.all(!failure)) return true;
  if (!failure) failure = Failure{"another rank", "failed", ""};
  const Problem small = shrunk(comm, problem, seed, *failure);
  print(comm, seed, small, *failure);
  return false;
}

int storm(const Comm& comm, const Settings& settings) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGALRM})
    std::signal(signal, tell_and_die);
  Tally tally;
  long failed = 0;
  for (long c = 0; c < settings.count; ++c)
    failed += run(comm, settings, settings.seed + static_cast<std::uint64_t>(c), tally) ? 0 : 1;
  if (comm.is_root()) {
    for (const auto& [what, times] : tally) std::cout << "  " << times << " " << what << "\n";
    std::cout << "storm: " << settings.count << " cases from seed " << settings.seed << " on "
              << comm.size() << " rank(s), " << failed << " failed\n";
  }
  return failed == 0 ? 0 : 1;
}

Settings settings_from(int argc, char** argv) {
  Settings s;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const long value = std::strtol(argv[i + 1], nullptr, 10);
    if (name == "--count") s.count = value;
    if (name == "--seed") s.seed = static_cast<std::uint64_t>(value);
    if (name == "--dimension") s.limits.dimension = value;
  }
  return s;
}

}  // namespace
}  // namespace kronsolve::storm

int main(int argc, char** argv) {
  using namespace kronsolve;
  std::unique_ptr<Environment> environment;
  if (launched_by_mpi()) environment = std::make_unique<Environment>();
  const Comm comm = environment ? Comm::world() : Comm::serial();
  return storm::storm(comm, storm::settings_from(argc, argv));
}
