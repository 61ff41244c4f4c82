#pragma once

#include <functional>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// While it lives, what this thread computes by itself calls `check` between two products, and what
/// it waits for in a pool every twentieth of a second: what `check` throws ends the computation,
/// and comes out of it. For programs that must answer to Ctrl-C. Solves of several ranks call it
/// only where they are waited for: ranks could not agree to stop.
class KRONSOLVE_EXPORT InterruptionCheck {
 public:
  /// From here to the end of this object, on this thread. An older check of the thread is back
  /// then.
  explicit InterruptionCheck(std::function<void()> check);
  ~InterruptionCheck();
  InterruptionCheck(const InterruptionCheck&) = delete;
  InterruptionCheck& operator=(const InterruptionCheck&) = delete;

 private:
  std::function<void()> before_;
};

namespace detail {
/// Calls the check of this thread, if there is one.
KRONSOLVE_EXPORT void check_interruption();
/// True if this thread has one.
KRONSOLVE_EXPORT bool is_interruptible() noexcept;
}  // namespace detail

}  // namespace kronsolve
