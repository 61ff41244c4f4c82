// Work that fails in the way its argument says, under the program's guard.

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

namespace {

using namespace kronsolve;

using Scenario = std::function<int(const Comm&)>;

template <class E>
Scenario throws(E error) {
  return [error](const Comm&) -> int { throw error; };
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
