#include "solvers/engine_petsc/petsc_call.hpp"

#include <string>

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

// PETSc calls back without a context of ours; the engine lets one call in at a time.
std::string recorded_text;
std::exception_ptr kept;

PetscErrorCode record(MPI_Comm, int, const char* function, const char*, PetscErrorCode code,
                      PetscErrorType type, const char* text, void*) {
  if (type == PETSC_ERROR_INITIAL) {
    recorded_text =
        detail::concat(function != nullptr ? function : "?", ": ", text != nullptr ? text : "");
    while (!recorded_text.empty() && (recorded_text.back() == '\n' || recorded_text.back() == ' '))
      recorded_text.pop_back();
    for (auto& c : recorded_text)
      if (c == '\n') c = ' ';
  }
  return code;
}

}  // namespace

void record_errors() { KRONSOLVE_PETSC(PetscPushErrorHandler(record, nullptr)); }

void forget_errors() noexcept {
  recorded_text.clear();
  kept = nullptr;
}

void keep_exception() noexcept {
  if (!kept) kept = std::current_exception();
}

void throw_recorded(PetscErrorCode code, const char* call) {
  if (kept) std::rethrow_exception(std::exchange(kept, nullptr));
  const char* meaning = nullptr;
  (void)PetscErrorMessage(code, &meaning, nullptr);
  std::string name(call);
  name.resize(std::min(name.size(), name.find('(')));
  throw EngineError(
      static_cast<int>(code),
      detail::concat("PETSc ", name, " failed (", meaning != nullptr ? meaning : "unknown error",
                     ")", recorded_text.empty() ? "" : ", in ", std::exchange(recorded_text, {})));
}

OptionsScope::OptionsScope(const std::string& text) {
  if (text.empty()) return;
  KRONSOLVE_PETSC(PetscOptionsCreate(options_.out()));
  KRONSOLVE_PETSC(PetscOptionsInsertString(options_.get(), text.c_str()));
  KRONSOLVE_PETSC(PetscOptionsPush(options_.get()));
  pushed_ = true;
}

OptionsScope::~OptionsScope() {
  if (pushed_) (void)PetscOptionsPop();
}

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE
