#pragma once
// PETSc's errors as exceptions, ours through PETSc's frames, and owners for its objects.

#include <exception>
#include <span>
#include <utility>

#include <kronsolve/core/error.hpp>

#include "solvers/engine_petsc/petsc_scalar.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

/// From now on PETSc's errors are recorded instead of printed.
void record_errors();
/// Forgets what earlier calls recorded; every entry of the engine begins with it.
void forget_errors() noexcept;
/// Throws the exception that a callback of ours kept, else EngineError with what PETSc said.
[[noreturn]] void throw_recorded(PetscErrorCode code, const char* call);
/// Keeps the exception being handled until the outer call returns.
void keep_exception() noexcept;

#define KRONSOLVE_PETSC(call)                                                      \
  do {                                                                             \
    const PetscErrorCode petsc_code_ = (call);                                     \
    if (petsc_code_ != 0)                                                          \
      ::kronsolve::KRONSOLVE_ENGINE_NAMESPACE::throw_recorded(petsc_code_, #call); \
  } while (false)

/// Body of a callback handed to PETSc: no exception leaves it.
template <class F>
PetscErrorCode guarded(F&& f) noexcept {
  try {
    std::forward<F>(f)();
    return 0;
  } catch (...) {
    keep_exception();
    return PETSC_ERR_USER;
  }
}

/// Owner of one PETSc object. A free that fails, as it may after a failed solve, is not an error.
template <class H, auto Destroy>
class Handle {
 public:
  Handle() = default;
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Handle() {
    if (raw_ != nullptr) (void)Destroy(&raw_);
  }
  H get() const noexcept { return raw_; }
  H* out() noexcept {
    KRONSOLVE_ASSERT(raw_ == nullptr);
    return &raw_;
  }

 private:
  H raw_ = nullptr;
};

using VecHandle = Handle<Vec, VecDestroy>;
using MatHandle = Handle<Mat, MatDestroy>;
using EpsHandle = Handle<EPS, EPSDestroy>;
using KspHandle = Handle<KSP, KSPDestroy>;
using MfnHandle = Handle<MFN, MFNDestroy>;
using OptionsHandle = Handle<PetscOptions, PetscOptionsDestroy>;

/// Owned entries of a vector, for reading.
class ReadArray {
 public:
  explicit ReadArray(Vec vec) : vec_(vec) {
    KRONSOLVE_PETSC(VecGetLocalSize(vec_, &size_));
    KRONSOLVE_PETSC(VecGetArrayRead(vec_, &data_));
  }
  ~ReadArray() { (void)VecRestoreArrayRead(vec_, &data_); }
  ReadArray(const ReadArray&) = delete;
  ReadArray& operator=(const ReadArray&) = delete;
  std::span<const Scalar> span() const noexcept { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  Vec vec_;
  PetscInt size_ = 0;
  const Scalar* data_ = nullptr;
};

/// Owned entries of a vector, for writing.
class WriteArray {
 public:
  explicit WriteArray(Vec vec) : vec_(vec) {
    KRONSOLVE_PETSC(VecGetLocalSize(vec_, &size_));
    KRONSOLVE_PETSC(VecGetArrayWrite(vec_, &data_));
  }
  ~WriteArray() { (void)VecRestoreArrayWrite(vec_, &data_); }
  WriteArray(const WriteArray&) = delete;
  WriteArray& operator=(const WriteArray&) = delete;
  std::span<Scalar> span() noexcept { return {data_, static_cast<std::size_t>(size_)}; }

 private:
  Vec vec_;
  PetscInt size_ = 0;
  Scalar* data_ = nullptr;
};

/// Raw options of the user for the duration of a scope, and of no other.
class OptionsScope {
 public:
  explicit OptionsScope(const std::string& text);
  ~OptionsScope();
  OptionsScope(const OptionsScope&) = delete;
  OptionsScope& operator=(const OptionsScope&) = delete;

 private:
  OptionsHandle options_;
  bool pushed_ = false;
};

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
