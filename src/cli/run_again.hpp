#pragma once

namespace kronsolve::cli {

/// What ends a run that is then run again (exit code 75): a scheduler's signal, or the end of its
/// job.

/// When the scheduler will end this job, in seconds since 1970; infinite if there is none.
double end_of_job();
/// Seconds since 1970.
double time_now();
/// A job that is to end in less has no time left to begin anything.
inline constexpr double seconds_to_leave = 10;

/// While it lives, SIGTERM and SIGUSR1 are noted and end nothing.
class EndRequests {
 public:
  EndRequests();
  ~EndRequests();
  EndRequests(const EndRequests&) = delete;
  EndRequests& operator=(const EndRequests&) = delete;
  /// Whether the run is to end: a signal has come, or the job ends before another step like the
  /// longest so far, and a file, will have been done. Asked before each step.
  bool asked() noexcept;

 private:
  using Handler = void (*)(int);
  Handler terminate_, user_;
  double job_ends_, last_, longest_ = 0;
};

/// Workers that --ranks has started get the signals of this process.
void forward_requests_to(long pid) noexcept;

}  // namespace kronsolve::cli
