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
/// What cannot go on in the middle is given up so many seconds after a signal.
inline constexpr unsigned patience_outside_steps = 20;
/// Says so and ends the process with exit code 75, from a signal too.
[[noreturn]] void leave_now() noexcept;

/// While it lives, SIGTERM and SIGUSR1 are noted and end nothing. One within another has the word
/// until it goes.
class EndRequests {
 public:
  /// @param patience  seconds after a signal at which a process that has not answered it ends with
  ///                  exit code 75 all the same; 0: never
  explicit EndRequests(unsigned patience = 0);
  ~EndRequests();
  EndRequests(const EndRequests&) = delete;
  EndRequests& operator=(const EndRequests&) = delete;
  /// Whether the run is to end: a signal has come, or the job ends before another step like the
  /// longest so far, and a file, will have been done. Asked before each step.
  bool asked() noexcept;
  bool came() const noexcept;  ///< a signal
  void begin() noexcept;       ///< steps of another run
  void answered() noexcept;    ///< what has come

 private:
  using Handler = void (*)(int);
  Handler terminate_, user_, alarm_;
  int patience_before_;
  double job_ends_, began_ = 0, last_ = 0, longest_ = 0;
};

/// Workers that --ranks has started get the signals of this process, those too that have come.
void forward_requests_to(long pid) noexcept;
/// From now on SIGUSR1 is noted by this process, whatever it does.
void note_requests() noexcept;

}  // namespace kronsolve::cli
