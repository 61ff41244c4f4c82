#include <utility>

#include <kronsolve/core/interruption.hpp>

namespace kronsolve {

namespace {
std::function<void()>& check_of_this_thread() {
  thread_local std::function<void()> check;
  return check;
}
}  // namespace

InterruptionCheck::InterruptionCheck(std::function<void()> check)
    : before_(std::exchange(check_of_this_thread(), std::move(check))) {}

InterruptionCheck::~InterruptionCheck() { check_of_this_thread() = std::move(before_); }

void detail::check_interruption() {
  if (const auto& check = check_of_this_thread()) check();
}

bool detail::is_interruptible() noexcept { return static_cast<bool>(check_of_this_thread()); }

}  // namespace kronsolve
