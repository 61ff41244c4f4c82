#include "cli/run_again.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <string_view>

#include <unistd.h>

#include <kronsolve/core/number.hpp>

#include "cli/guard.hpp"

namespace kronsolve::cli {

namespace {

volatile std::sig_atomic_t signal_came = 0;
volatile std::sig_atomic_t seconds_to_answer = 0;
std::atomic<long> worker{0};
static_assert(std::atomic<long>::is_always_lock_free);

extern "C" void note_signal(int) {
  signal_came = 1;
  if (seconds_to_answer > 0) (void)::alarm(static_cast<unsigned>(seconds_to_answer));
  if (const long pid = worker; pid > 0) (void)::kill(static_cast<pid_t>(pid), SIGUSR1);
}

extern "C" void leave(int) { leave_now(); }

}  // namespace

void leave_now() noexcept {
  constexpr std::string_view line =
      "kronsolve: stopped; what was under way cannot go on in the middle and begins anew\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_run_again);
}

double time_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double end_of_job() {
  double end = std::numeric_limits<double>::infinity();
  for (const char* name : {"SLURM_JOB_END_TIME", "KRONSOLVE_JOB_END_TIME"})
    if (const char* text = std::getenv(name); text != nullptr)
      end = std::min(end, read_number<double>(text).value_or(end));
  return end;
}

EndRequests::EndRequests(unsigned patience)
    : terminate_(std::signal(SIGTERM, note_signal)),
      user_(std::signal(SIGUSR1, note_signal)),
      alarm_(std::signal(SIGALRM, leave)),
      patience_before_(seconds_to_answer),
      job_ends_(end_of_job()) {
  seconds_to_answer = static_cast<int>(patience);
  if (patience == 0) answered();
  begin();
}

EndRequests::~EndRequests() {
  worker = 0;
  seconds_to_answer = patience_before_;
  (void)::alarm(came() ? static_cast<unsigned>(patience_before_) : 0);
  std::signal(SIGTERM, terminate_);
  std::signal(SIGUSR1, user_);
  std::signal(SIGALRM, alarm_);
}

void EndRequests::begin() noexcept {
  began_ = last_ = time_now();
  longest_ = 0;
}

bool EndRequests::came() const noexcept { return signal_came != 0; }

void EndRequests::answered() noexcept { (void)::alarm(0); }

bool EndRequests::asked() noexcept {
  const double now = time_now();
  longest_ = std::max(longest_, now - last_);
  last_ = now;
  // What has taken no longer than that is written in less.
  const double to_write = std::min(20.0, now - began_);
  constexpr double spare = 2;
  return came() || now > job_ends_ - seconds_to_leave - to_write - spare * longest_;
}

void forward_requests_to(long pid) noexcept {
  worker = pid;
  if (signal_came != 0 && pid > 0) (void)::kill(static_cast<pid_t>(pid), SIGUSR1);
}

void note_requests() noexcept { std::signal(SIGUSR1, note_signal); }

}  // namespace kronsolve::cli
