#pragma once

#include <filesystem>
#include <string>

#include <unistd.h>

#include <kronsolve/solvers/checkpoint.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve::test {

/// Runs that end before any of their steps and go on, in a folder of their own.
class CheckpointTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string name = world().broadcast(detail::concat("kronsolve_checkpoint_", ::getpid()));
    folder_ = std::filesystem::temp_directory_path() / name;
    world().agree([&] {
      if (world().is_root()) std::filesystem::create_directory(folder_);
    });
  }
  void TearDown() override {
    world().barrier();
    if (world().is_root()) std::filesystem::remove_all(folder_);
  }
  std::string path(const std::string& name = "c") const { return (folder_ / name).string(); }
  void clear() const {
    world().barrier();
    if (world().is_root())
      for (const auto& entry : std::filesystem::directory_iterator(folder_))
        std::filesystem::remove(entry);
    world().barrier();
  }

  /// run(checkpoint) once to its end after it was stopped before its n-th step, for all of the
  /// first `most` steps; the number of those that came.
  template <class Run, class Check>
  int stop_everywhere(int most, int stride, Run&& run, Check&& check) {
    int stops = 0;
    for (int n = 1; n <= most; n += stride) {
      clear();
      int asked = 0;
      bool stopped = false;
      {
        Checkpoint checkpoint(world(), {.path = path(), .stop = [&] { return ++asked == n; }});
        EXPECT_FALSE(checkpoint.resumes());
        try {
          (void)run(checkpoint);
        } catch (const Stopped&) {
          stopped = true;
        }
      }
      if (!stopped) break;
      ++stops;
      Checkpoint checkpoint(world(), {.path = path()});
      EXPECT_TRUE(checkpoint.resumes()) << checkpoint.found();
      SCOPED_TRACE(detail::concat("stopped before step ", n));
      check(run(checkpoint));
    }
    return stops;
  }
  /// Between ranks every step waits for the others: fewer of them are looked at.
  static int stride(int alone) { return world().size() == 1 ? alone : 31 * alone; }
  std::filesystem::path folder_;
};

}  // namespace kronsolve::test
