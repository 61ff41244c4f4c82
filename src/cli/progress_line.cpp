#include "cli/progress_line.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include <kronsolve/core/file.hpp>

#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

volatile std::sig_atomic_t line_is_drawn = 0;
bool somebody_shows = false;
volatile std::sig_atomic_t this_rank_speaks = 0;

/// A terminal that can redraw: NO_COLOR and TERM=dumb ask for plain lines.
bool redraws() {
  const char* term = std::getenv("TERM");
  const char* plain = std::getenv("NO_COLOR");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::strcmp(term, "dumb") != 0 &&
         (plain == nullptr || *plain == '\0');
}

extern "C" void end_on_signal(int signal) {
  const auto say = [](const char* text) { (void)!write(STDERR_FILENO, text, std::strlen(text)); };
  if (line_is_drawn != 0) say("\r\033[K");
  if (this_rank_speaks != 0)
    say(signal == SIGINT ? "kronsolve: interrupted\n" : "kronsolve: terminated\n");
  remove_unfinished_files();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

std::string progress_text(const Progress& p) {
  // Methods that find all pairs at once know neither a number nor a residual before the end.
  std::string text;
  if (p.wanted > 0) text += fmt::format("{}/{} pairs  ", p.converged, p.wanted);
  if (p.wanted > 0 && p.best_value != 0) text += fmt::format("value {:.9g}  ", p.best_value);
  if (p.worst_residual > 0) text += fmt::format("worst residual {:.1e}  ", p.worst_residual);
  text += fmt::format("{}  {}", counted(p.products, "product"), seconds_text(p.seconds));
  if (p.remaining_seconds)
    text += fmt::format(", about {} left", seconds_text(*p.remaining_seconds));
  return text;
}

ProgressLine::ProgressLine()
    : terminal_(redraws()), silent_(std::exchange(somebody_shows, true)), last_(Clock::now()) {}

ProgressLine::~ProgressLine() {
  if (silent_) return;
  somebody_shows = false;
  if (line_is_drawn == 0) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  line_is_drawn = 0;
}

void ProgressLine::show(const Progress& progress) {
  // Each guess moves the end by a part: single ones jump as the residual does.
  constexpr double part = 0.2;
  if (progress.remaining_seconds) {
    const double guess = progress.seconds + *progress.remaining_seconds;
    end_ = end_ ? *end_ + part * (guess - *end_) : guess;
  }
  show([&] {
    Progress shown = progress;
    if (end_ && *end_ > progress.seconds)
      shown.remaining_seconds = *end_ - progress.seconds;
    else
      shown.remaining_seconds.reset();
    return progress_text(shown);
  });
}

void ProgressLine::show(const std::function<std::string()>& text) {
  if (silent_) return;
  const auto now = Clock::now();
  const double waited = std::chrono::duration<double>(now - last_).count();
  if (waited < (terminal_ ? 0.1 : log_interval_)) return;
  last_ = now;
  if (terminal_) {
    line_is_drawn = 1;
    // A line that wraps could not be drawn over.
    const auto columns = std::max<std::size_t>(terminal_columns(STDERR_FILENO), 1);
    std::string now_text = text();
    if (columns > 1) now_text.resize(std::min(now_text.size(), columns - 1));
    fmt::print(stderr, "\r{}\033[K", now_text);
  } else {
    fmt::print(stderr, "kronsolve: {}\n", text());
    log_interval_ = std::min(600.0, 2 * log_interval_);
  }
  std::fflush(stderr);
}

InterruptGuard::InterruptGuard(bool speaks) {
  this_rank_speaks = speaks ? 1 : 0;
  std::signal(SIGINT, end_on_signal);
  std::signal(SIGTERM, end_on_signal);
  if (std::signal(SIGHUP, end_on_signal) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);  // nohup
  std::signal(SIGXFSZ, SIG_IGN);  // beyond a limit of files, write() then says so
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  if (std::signal(SIGHUP, SIG_DFL) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
}

}  // namespace kronsolve::cli
