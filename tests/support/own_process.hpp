#pragma once
// What this process has open and running, as Linux counts it: what a test looks at for leaks.

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace kronsolve::test {

inline std::ptrdiff_t entries_of(const char* folder) {
  const std::filesystem::directory_iterator all(folder);
  return std::distance(begin(all), end(all));
}
inline std::ptrdiff_t open_descriptors() { return entries_of("/proc/self/fd"); }
/// One that has been joined may be counted a moment longer.
inline std::ptrdiff_t threads_of_this_process() { return entries_of("/proc/self/task"); }

/// Processes that this one has started, by any of its threads, and that are still there.
inline int child_processes() {
  int count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream in(thread.path() / "children");
    for (long pid; in >> pid;) ++count;
  }
  return count;
}

}  // namespace kronsolve::test
