// Work that fails in the way its argument says, or shows how far it is, under the program's guard.

#include <chrono>
#include <functional>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/error.hpp>

#include "cli/guard.hpp"
#include "cli/progress_line.hpp"

namespace {

using namespace kronsolve;

using Scenario = std::function<int(const Comm&)>;

template <class E>
Scenario throws(E error) {
  return [error](const Comm&) -> int { throw error; };
}

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

/// Says nothing.
int quiet_work(const Comm&) {
  const cli::InterruptGuard interrupts(true);
  const cli::ProgressLine line;
  pause(2400);
  return 0;
}

/// Of ten seconds as its own clock has it, of which every other guess is 4 and 20.
int jumping_guesses(const Comm&) {
  const cli::InterruptGuard interrupts(true);
  cli::ProgressLine line;
  for (int step = 1; step <= 12; ++step) {
    pause(110);
    Progress progress;
    progress.wanted = 1;
    progress.best_value = -4.5;
    progress.products = step;
    progress.seconds = 0.3 * step;
    progress.remaining_seconds = (step % 2 == 0 ? 4 : 20) - progress.seconds;
    line.show(progress);
  }
  return 0;
}

const std::map<std::string, Scenario>& scenarios() {
  static const std::map<std::string, Scenario> all = {
      {"alone-in-barrier",
       [](const Comm& comm) {
         if (comm.rank() == 1) throw InvalidArgument("only here");
         comm.barrier();
         return 0;
       }},
      {"alone-in-reduction",
       [](const Comm& comm) {
         if (comm.rank() == 1) throw InvalidArgument("only here");
         return comm.all_reduce(0);
       }},
      {"together", throws(IoError("path", "everywhere"))},
      {"late",
       [](const Comm& comm) -> int {
         comm.agree([&] {
           if (comm.rank() == 2) std::this_thread::sleep_for(std::chrono::milliseconds(500));
           if (comm.rank() == 1) throw NotSupported("agreed");
         });
         return 0;
       }},
      {"InvalidArgument", throws(InvalidArgument("text"))},
      {"DimensionError", throws(DimensionError("text"))},
      {"NotConverged", throws(NotConverged("text"))},
      {"EngineError", throws(EngineError(7, "several\nlines"))},
      {"MpiError", throws(MpiError(7, "text"))},
      {"NotSupported", throws(NotSupported("text"))},
      {"IoError", throws(IoError("path", "text"))},
      {"Error", throws(Error("text"))},
      {"logic_error", throws(std::logic_error("text"))},
      {"bad_alloc", throws(std::bad_alloc())},
      {"int", throws(1)},
      {"quiet-work", quiet_work},
      {"jumping-guesses", jumping_guesses},
  };
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const Scenario scenario = scenarios().at(argc > 1 ? argv[1] : "");
  const bool job = launched_by_mpi();
  const Comm comm = job ? Comm::world() : Comm::serial();
  return cli::guarded(comm, [&] { return scenario(comm); });
}
