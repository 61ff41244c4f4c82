#pragma once

#include <optional>
#include <set>
#include <string>

#include <kronsolve/solvers/neighbours.hpp>

#include "cli/arguments.hpp"
#include "cli/run_again.hpp"
#include "cli/sweep_folder.hpp"

namespace kronsolve::cli {

/// What one process does of a sweep.
class Worker {
 public:
  /// @param retried_before  points that failed before that time are computed again
  Worker(const std::string& path, Sweep sweep, double retried_before)
      : folder_(path, std::move(sweep)), retried_before_(retried_before) {}

  SweepFolder& folder() noexcept { return folder_; }
  /// Whether a point is still to be computed, as far as is known here.
  bool is_open(std::size_t point) const;
  /// Open, nobody else has it, and the job will not end before it.
  bool is_free(std::size_t point);
  /// Points that were not begun because the job would have ended before them.
  std::size_t left_for_later() const noexcept { return late_.size(); }
  /// Computes the point, unless it is done or another process has it. True if it was computed.
  /// Collective on the ranks that compute it together.
  bool run(const Comm& comm, std::size_t point);
  /// A record for a point that ends its process each time.
  void give_up(std::size_t point, const std::string& reason);

 private:
  bool is_timely(std::size_t point);
  Json begin_record(std::size_t point) const;
  Answer answer(const Comm& comm, const Arguments& arguments, Clock::time_point begin);
  void solve(const Comm& comm, std::size_t point, Clock::time_point begin, PointHead& head,
             Json& record);
  void write(PointHead head, const Json& record);

  SweepFolder folder_;
  double retried_before_;
  double job_ends_ = end_of_job();
  std::set<std::size_t> late_;
  Neighbours neighbours_;  ///< what was found here before
  Clock::time_point synced_ = Clock::now();
};

}  // namespace kronsolve::cli
