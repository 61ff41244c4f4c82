#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include <kronsolve/solvers/eigh.hpp>

namespace kronsolve::cli {

/// Shows where a solve is, on stderr: one redrawn line on a terminal (at most ten times a second, and
/// every second where nothing is told: whole matrices are diagonalised without a word), a plain line
/// now and then in a log. Silent for solves that end at once, and while another that was made before
/// it lives.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();  ///< takes the redrawn line away
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const Progress& progress);
  void show(const std::function<std::string()>& text);  ///< asked for when it is time to show
  enum class Parts { alike, different };                ///< whether one takes as long as another
  /// "sector 3 of 28, 8.1 s"; of parts that are alike with what is left.
  /// @param all  0: not known
  void show(const char* part, index_t done, index_t all, Parts parts = Parts::different);

 private:
  using Clock = std::chrono::steady_clock;
  bool is_time();
  void draw(std::string text);
  void tick(const std::stop_token& stop);
  double seconds() const;

  bool terminal_, silent_;
  Clock::time_point begin_, last_;
  double log_interval_ = 2;       ///< seconds; grows, so that a log of a long run stays short
  std::optional<double> end_;     ///< seconds of the whole solve as guessed so far
  std::mutex lock_;               ///< of what follows, and of the line
  std::optional<Progress> told_;  ///< last
  std::string text_;              ///< last, of another kind
  Clock::time_point when_;        ///< it was told
  std::condition_variable_any wake_;
  std::jthread ticker_;  ///< the last member: it uses the others
};

/// "2/4 pairs  value -5.38739  worst residual 3.1e-07  112 products  8.1 s, about 5 s left"
std::string progress_text(const Progress& progress);

/// While it lives, Ctrl-C, SIGTERM and SIGHUP end the program with a clean terminal, without
/// unfinished files and with a line that says so. It ends before MPI does: mpirun sends SIGTERM to the ranks that are still leaving once one
/// has left with an error, and that is no interruption to tell of.
class InterruptGuard {
 public:
  explicit InterruptGuard(bool speaks);  ///< `speaks`: this rank prints
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

}  // namespace kronsolve::cli
