#pragma once

#include <optional>
#include <set>
#include <string>

#include <kronsolve/solvers/neighbours.hpp>

#include "cli/arguments.hpp"
#include "cli/run_again.hpp"
#include "cli/solve_pairs.hpp"
#include "cli/sweep_folder.hpp"

namespace kronsolve::cli {

/// What one process does of a sweep.
class Worker {
 public:
  /// @param retried_before  points that failed before that time are computed again
  /// @param stop_file       a process on another machine says by it that the sweep is to end
  Worker(const std::string& path, Sweep sweep, double retried_before, std::string stop_file = {});

  SweepFolder& folder() noexcept { return folder_; }
  /// Whether a point is still to be computed, as far as is known here.
  bool is_open(std::size_t point) const;
  /// Whether one of those that are computed together with this one is.
  bool has_work(std::size_t unit) const;
  /// There is work, nobody else does it, and the job will not end before it.
  bool is_free(std::size_t unit);
  /// Points were not begun, or not ended, because the job would have ended before them.
  bool leaves_for_later() const noexcept {
    return !late_.empty() || (stopped_ && !requests_.came());
  }
  /// Whether the sweep is to end, by a signal or at the end of the job. Points under way that can go
  /// on have kept what they need in the folder; no other is begun.
  bool is_stopped();
  /// Takes away what finished points, and processes that were killed, have left in the folder.
  void tidy();
  /// Computes the point, or where the sweep interpolates the line that it begins, unless it is done
  /// or another process has it. True if it was computed. Collective on the ranks that compute it
  /// together.
  bool run(const Comm& comm, std::size_t unit);
  /// Records for points that end their process each time.
  void give_up(std::size_t unit, const std::string& reason);

 private:
  class LineRun;
  bool is_timely(std::size_t point);
  bool sees_stop_file();
  bool is_asked_to_stop();
  std::string checkpoint_of(std::size_t unit) const;
  bool is_finished(PointId unit);
  static void forget(const std::string& checkpoint);
  void run_point(const Comm& comm, std::size_t point);
  void run_line(const Comm& comm, const std::vector<std::uint32_t>& line);
  void add(Json& record, const Json& found) const;
  Json begin_record(std::size_t point) const;
  void solve(const Comm& comm, std::size_t point, Clock::time_point begin, PointHead& head,
             Json& record, const PairSolver& solver, const std::string& checkpoint = {});
  void write(PointHead head, const Json& record);

  EndRequests requests_{patience_outside_steps};
  SweepFolder folder_;
  double retried_before_;
  double job_ends_ = end_of_job();
  std::string stop_file_;
  bool stopped_ = false;
  Clock::time_point looked_ = Clock::now();  ///< for the stop file
  std::set<std::size_t> late_;
  Neighbours neighbours_;  ///< what was found here before
  Clock::time_point synced_ = Clock::now();
};

/// Looks at the first line of a sweep that interpolates, before any work. Collective.
/// @throws InvalidArgument  it cannot
void check_line(const Comm& comm, const Sweep& sweep);

}  // namespace kronsolve::cli
