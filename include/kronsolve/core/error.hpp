#pragma once

#include <cstdint>
#include <source_location>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// Base of everything the library throws. The text says where, what was given and expected, and the
/// remedy.
class KRONSOLVE_EXPORT Error : public std::runtime_error {
 public:
  /// With a text for the user.
  explicit Error(const std::string& text) : std::runtime_error(text) {}
  ~Error() override;
};

/// A value the caller gave is not admissible.
class KRONSOLVE_EXPORT InvalidArgument : public Error {
 public:
  using Error::Error;
  ~InvalidArgument() override;
};

/// Shapes do not fit together; the text names both.
class KRONSOLVE_EXPORT DimensionError : public InvalidArgument {
 public:
  using InvalidArgument::InvalidArgument;
  ~DimensionError() override;
};

/// A sound request that this installation cannot serve (for example an engine that is not
/// installed).
class KRONSOLVE_EXPORT NotSupported : public Error {
 public:
  using Error::Error;
  ~NotSupported() override;
};

/// Thrown only by `result.require_converged()`.
class KRONSOLVE_EXPORT NotConverged : public Error {
 public:
  using Error::Error;
  ~NotConverged() override;
};

/// A back end (PETSc, SLEPc, LAPACK) failed; carries its code, the text holds its own words.
class KRONSOLVE_EXPORT EngineError : public Error {
 public:
  /// Code: as the back end gave it.
  EngineError(int code, const std::string& text) : Error(text), code_(code) {}
  ~EngineError() override;
  int code() const noexcept { return code_; }  ///< of the back end; see its manual

 private:
  int code_;
};

/// An MPI call failed; carries its error code.
class KRONSOLVE_EXPORT MpiError : public Error {
 public:
  MpiError(int code, const std::string& text) : Error(text), code_(code) {}  ///< code: of MPI
  ~MpiError() override;
  int code() const noexcept { return code_; }  ///< error class or code of MPI

 private:
  int code_;
};

/// A file cannot be opened, read or written; carries its path. (A file that says nonsense is
/// InvalidArgument.)
class KRONSOLVE_EXPORT IoError : public Error {
 public:
  /// Path: of the file.
  IoError(std::string path, const std::string& text) : Error(text), path_(std::move(path)) {}
  ~IoError() override;
  const std::string& path() const noexcept { return path_; }  ///< of the file, as it was given

 private:
  std::string path_;
};

namespace detail {

/// Joins anything streamable into one text.
template <class... Args>
std::string concat(const Args&... args) {
  std::ostringstream out;
  out.precision(17);
  (out << ... << args);
  return out.str();
}

[[noreturn]] KRONSOLVE_EXPORT void assertion_failed(const char* condition,
                                                    const std::source_location& where);

}  // namespace detail
}  // namespace kronsolve

// Checks an invariant of ours, never an argument. Level 0 off, 1 cheap, 2 full (may communicate).
#ifndef KRONSOLVE_ASSERT_LEVEL
#define KRONSOLVE_ASSERT_LEVEL 1
#endif
#define KRONSOLVE_ASSERT_AT(level, condition)                                               \
  do {                                                                                      \
    if constexpr ((level) <= KRONSOLVE_ASSERT_LEVEL) {                                      \
      if (!(condition))                                                                     \
        ::kronsolve::detail::assertion_failed(#condition, std::source_location::current()); \
    }                                                                                       \
  } while (false)
#define KRONSOLVE_ASSERT(condition) KRONSOLVE_ASSERT_AT(1, condition)
#define KRONSOLVE_ASSERT_FULL(condition) KRONSOLVE_ASSERT_AT(2, condition)
