#pragma once

#include <string>
#include <utility>

#include <kronsolve/core/error.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// The result of a task that was cancelled was asked for.
class KRONSOLVE_EXPORT Cancelled : public Error {
 public:
  using Error::Error;
  ~Cancelled() override;
};

/// Something was not there when the time the caller gave had passed.
class KRONSOLVE_EXPORT TimeoutError : public Error {
 public:
  using Error::Error;
  ~TimeoutError() override;
};

/// A task ran longer than its own limit in every attempt; its worker was ended.
class KRONSOLVE_EXPORT TaskTimeout : public TimeoutError {
 public:
  using TimeoutError::TimeoutError;
  ~TaskTimeout() override;
};

/// The pool cannot serve: its workers could not be started, kept dying, or their initializer
/// failed.
class KRONSOLVE_EXPORT BrokenPool : public Error {
 public:
  using Error::Error;
  ~BrokenPool() override;
};

/// The worker that ran a task died in every attempt that the task had.
class KRONSOLVE_EXPORT WorkerDied : public BrokenPool {
 public:
  /// With what is known of the worker.
  WorkerDied(const std::string& text, int worker, std::string host, long pid)
      : BrokenPool(text), worker_(worker), host_(std::move(host)), pid_(pid) {}
  ~WorkerDied() override;
  int worker() const noexcept { return worker_; }             ///< its number in the pool
  const std::string& host() const noexcept { return host_; }  ///< machine it ran on
  long pid() const noexcept { return pid_; }                  ///< of its process there

 private:
  int worker_;
  std::string host_;
  long pid_;
};

}  // namespace kronsolve
