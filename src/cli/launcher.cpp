// What stands in bin: tells its version, or becomes the program. It needs no library but that of C,
// so it is there at once.
//
// A thread that waits for others spins, which on cores that are busy with something else keeps the
// others from running: a solve of 0.1 s then took up to 5. OpenMP reads how its threads wait while
// it is loaded, before main; so it is said here, before it is loaded. What the user has set stays.

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

#include "core/launch_variables.hpp"

namespace {

/// Where the program is, from the folder of this file: as installed, and as built.
constexpr const char* places[] = {KRONSOLVE_PROGRAM_FROM_BIN, "../lib/kronsolve/kronsolve"};

/// Under mpirun one of the ranks speaks, which is for the program to arrange.
bool is_alone() {
  for (const char* name : kronsolve::detail::launch_variables)
    if (std::getenv(name) != nullptr) return false;
  return std::getenv("KRONSOLVE_WORKER") == nullptr;
}

int tell_version() {
  if (std::puts("kronsolve " KRONSOLVE_VERSION) >= 0 && std::fflush(stdout) == 0) return 0;
  std::fprintf(stderr, "kronsolve: cannot write the result to stdout: %s\n", std::strerror(errno));
  return 5;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0 && is_alone()) return tell_version();
  if (std::getenv("OMP_WAIT_POLICY") == nullptr && std::getenv("GOMP_SPINCOUNT") == nullptr)
    ::setenv("OMP_WAIT_POLICY", "passive", 1);
  char self[PATH_MAX] = {};
  const ssize_t length = ::readlink("/proc/self/exe", self, sizeof self - 1);
  if (length > 0) {
    *(std::strrchr(self, '/') + 1) = '\0';
    for (const char* place : places) {
      char program[PATH_MAX + 256];
      std::snprintf(program, sizeof program, "%s%s", self, place);
      ::execv(program, argv);
    }
  }
  std::fprintf(stderr, "kronsolve: cannot start %s%s: %s; install kronsolve as a whole\n", self,
               places[0], std::strerror(errno));
  return 1;
}
