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

/// With the end that was guessed, as long as it lies ahead.
Progress as_guessed(Progress progress, const std::optional<double>& end) {
  progress.remaining_seconds.reset();
  if (end && *end > progress.seconds) progress.remaining_seconds = *end - progress.seconds;
  return progress;
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
    : terminal_(redraws()),
      silent_(std::exchange(somebody_shows, true)),
      begin_(Clock::now()),
      last_(begin_),
      when_(begin_) {
  if (terminal_ && !silent_ && this_rank_speaks != 0)
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick(stop); });
}

ProgressLine::~ProgressLine() {
  if (silent_) return;
  if (ticker_.joinable()) {
    ticker_.request_stop();
    ticker_.join();
  }
  somebody_shows = false;
  if (line_is_drawn == 0) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  line_is_drawn = 0;
}

void ProgressLine::show(const Progress& progress) {
  // Each guess moves the end by a part: single ones jump as the residual does.
  constexpr double part = 0.2;
  const std::scoped_lock lock(lock_);
  if (progress.remaining_seconds) {
    const double guess = progress.seconds + *progress.remaining_seconds;
    end_ = end_ ? *end_ + part * (guess - *end_) : guess;
  }
  told_ = progress;
  when_ = Clock::now();
  if (is_time()) draw(progress_text(as_guessed(progress, end_)));
}

void ProgressLine::show(const std::function<std::string()>& text) {
  const std::scoped_lock lock(lock_);
  if (!is_time()) return;
  told_.reset();
  when_ = last_;
  text_ = text();
  draw(text_);
}

void ProgressLine::show(const char* part, index_t done, index_t all, Parts parts) {
  show([&] {
    const double passed = seconds();
    if (all == 0) return fmt::format("{}, {}", counted(done, part), seconds_text(passed));
    auto text = fmt::format("{} {} of {}, {}", part, grouped(std::min(done + 1, all)), grouped(all),
                            seconds_text(passed));
    if (parts == Parts::alike && done > 0)
      text += fmt::format(", about {} left",
                          seconds_text(passed * static_cast<double>(all - std::min(done, all)) /
                                       static_cast<double>(done)));
    return text;
  });
}

double ProgressLine::seconds() const {
  return std::chrono::duration<double>(Clock::now() - begin_).count();
}

/// Whether the next line is due, which begins to wait for the one after it.
bool ProgressLine::is_time() {
  if (silent_) return false;
  const auto now = Clock::now();
  const double waited = std::chrono::duration<double>(now - last_).count();
  if (waited < (terminal_ ? 0.1 : log_interval_)) return false;
  last_ = now;
  return true;
}

void ProgressLine::draw(std::string text) {
  if (terminal_) {
    line_is_drawn = 1;
    // A line that wraps could not be drawn over.
    const auto columns = std::max<std::size_t>(terminal_columns(STDERR_FILENO), 1);
    if (columns > 1) text.resize(std::min(text.size(), columns - 1));
    fmt::print(stderr, "\r{}\033[K", text);
  } else {
    fmt::print(stderr, "kronsolve: {}\n", text);
    log_interval_ = std::min(600.0, 2 * log_interval_);
  }
  std::fflush(stderr);
}

/// Where the solver has nothing to say the line goes on: with the time that has passed since.
void ProgressLine::tick(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds pause(1000);
  std::unique_lock lock(lock_);
  while (!wake_.wait_for(lock, stop, pause, [&] { return stop.stop_requested(); })) {
    const auto now = Clock::now();
    if (now - last_ < pause) continue;
    last_ = now;
    const double silent = std::chrono::duration<double>(now - when_).count();
    if (told_) {
      Progress shown = *told_;
      shown.seconds += silent;
      draw(progress_text(as_guessed(shown, end_)));
    } else if (!text_.empty()) {
      draw(fmt::format("{}, and {} since", text_, seconds_text(silent)));
    } else {
      draw(fmt::format("at work for {}", seconds_text(seconds())));
    }
  }
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
