#pragma once

#include <exception>
#include <string>

#include <kronsolve/core/error.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Where an exception that was rebuilt here had been thrown: a base of every such exception.
class KRONSOLVE_EXPORT RemoteOrigin {
 public:
  RemoteOrigin() = default;
  /// As told by the worker that threw.
  RemoteOrigin(std::string type, int worker, std::string host)
      : type_(std::move(type)), host_(std::move(host)), worker_(worker) {}
  virtual ~RemoteOrigin();
  const std::string& type() const noexcept { return type_; }  ///< class, as the compiler names it
  int worker() const noexcept { return worker_; }             ///< its number in the pool
  const std::string& host() const noexcept { return host_; }  ///< machine of the worker
  std::string text() const;  ///< "std::range_error on worker 2 (node17)"

 private:
  std::string type_, host_;
  int worker_ = -1;
};

/// An exception thrown elsewhere whose class is not known here. The text is its own text.
class KRONSOLVE_EXPORT RemoteError : public Error, public RemoteOrigin {
 public:
  /// With the text of the exception and where it was thrown.
  RemoteError(const std::string& text, RemoteOrigin origin)
      : Error(text), RemoteOrigin(std::move(origin)) {}
  ~RemoteError() override;
};

/// Where `error` was thrown if that was in another process; null if it was here.
KRONSOLVE_EXPORT const RemoteOrigin* remote_origin(const std::exception& error) noexcept;

/// An exception as a value that can be sent: class, text, code and path.
struct KRONSOLVE_EXPORT Failure {
  /// Which class: one of ours, or the nearest of the standard library. none: no exception.
  enum class Kind : int {
    none,
    other,
    error,
    dimension,
    invalid,
    unsupported,
    unconverged,
    engine,
    mpi,
    io,
    memory,
    runtime,
    logic,
    invalid_argument,
    out_of_range,
    length,
    domain,
    range,
    overflow,
    underflow,
  };
  Kind kind = Kind::none;  ///< class of the exception
  int code = 0;            ///< of EngineError and MpiError; else 0
  std::string text,        ///< what()
      path,                ///< of IoError; else empty
      type;                ///< readable name of the class

  /// True if there is an exception.
  explicit operator bool() const noexcept { return kind != Kind::none; }
  /// Of the exception being handled, whatever it is.
  static Failure current();
  /// Throws an exception of the same class and text; `Error` if the class is not known.
  [[noreturn]] void rethrow() const;
  /// The same exception with its origin as a second base (`remote_origin`); RemoteError if the
  /// class is not known.
  std::exception_ptr rebuilt(int worker, const std::string& host) const;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(kind, code, text, path, type);
  }
};

namespace detail {
/// Readable form of a mangled type name.
KRONSOLVE_EXPORT std::string demangled(const char* name);
}  // namespace detail

}  // namespace kronsolve
