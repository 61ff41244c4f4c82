// The one thing a module exports, and PETSc's life as a guest in somebody else's process.

#include <array>
#include <mutex>
#include <string>

#include <dlfcn.h>
#include <mpi.h>

#include <kronsolve/solvers/engine.hpp>

#include "solvers/engine_petsc/eig_general.hpp"
#include "solvers/engine_petsc/eps.hpp"
#include "solvers/engine_petsc/factors.hpp"
#include "solvers/engine_petsc/krylov_solve.hpp"
#include "solvers/engine_petsc/petsc_call.hpp"

namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE {

namespace {

/// File that a function of PETSc, as this module sees it, comes from.
std::string library_of(const void* function) {
  Dl_info info{};
  return dladdr(function, &info) != 0 && info.dli_fname != nullptr ? info.dli_fname
                                                                   : "an unknown file";
}

[[noreturn]] void refuse_foreign_petsc() {
  throw NotSupported(
      detail::concat("engine ", KRONSOLVE_ENGINE_VARIANT,
                     ": another PETSc in this process has taken over (calls go to ",
                     library_of(reinterpret_cast<const void*>(&VecCreateSeqWithArray)),
                     ", which has other numbers or indices); do not link or load PETSc globally in "
                     "a program that uses kronsolve"));
}

/// Does PETSc, as this module reaches it, lay vectors out as this module was compiled for? Before
/// PETSc has started: only facts that need no call of it. A PETSc in the global scope shadows ours
/// without a word.
void require_own_library() {
#ifdef PETSC_USE_COMPLEX
  const char* mark = "petsc_real";
#else
  const char* mark = "petsc_complex";
#endif
  for (const void* function : {reinterpret_cast<const void*>(&VecCreateSeqWithArray),
                               reinterpret_cast<const void*>(&PetscInitialize)})
    if (library_of(function).find(mark) != std::string::npos) refuse_foreign_petsc();
}

/// The same by a vector of two entries, in memory large enough for any scalar.
void probe_layout() {
  std::array<std::complex<double>, 8> memory{};
  auto* data = reinterpret_cast<Scalar*>(memory.data());
  VecHandle vec;
  KRONSOLVE_PETSC(VecCreateSeqWithArray(PETSC_COMM_SELF, 1, 2, data, vec.out()));
  PetscInt size = -1;
  KRONSOLVE_PETSC(VecGetSize(vec.get(), &size));
  const Scalar first = from_complex<Scalar>({1, 2}), second = from_complex<Scalar>({3, 4});
  const std::array<PetscInt, 2> places = {0, 1};
  const std::array<Scalar, 2> values = {first, second};
  KRONSOLVE_PETSC(VecSetValues(vec.get(), 2, places.data(), values.data(), INSERT_VALUES));
  KRONSOLVE_PETSC(VecAssemblyBegin(vec.get()));
  KRONSOLVE_PETSC(VecAssemblyEnd(vec.get()));
  PetscReal norm = 0;
  KRONSOLVE_PETSC(VecNorm(vec.get(), NORM_1, &norm));
  const bool fits = size == 2 && data[0] == first && data[1] == second &&
                    std::abs(norm - std::abs(first) - std::abs(second)) < 1e-12;
  if (!fits) refuse_foreign_petsc();
}

/// MPI deletes the attributes of MPI_COMM_SELF first when it ends: the last moment at which PETSc
/// may still use it.
int finalise_petsc(MPI_Comm, int, void*, void*) {
  (void)SlepcFinalize();
  return MPI_SUCCESS;
}

void end_before_mpi() {
  int key = MPI_KEYVAL_INVALID;
  check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, finalise_petsc, &key, nullptr),
            "MPI_Comm_create_keyval");
  check_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, key, nullptr), "MPI_Comm_set_attr");
  MPI_Comm_free_keyval(&key);  // goes with the attribute
}

void start_petsc() {
  PetscBool running = PETSC_FALSE;
  if (PetscInitialized(&running) == 0 && running == PETSC_FALSE) {
    // A communicator of its own, of this process alone: starting is local, and nothing of PETSc's
    // own meets our messages.
    check_mpi(MPI_Comm_dup(MPI_COMM_SELF, &PETSC_COMM_WORLD), "MPI_Comm_dup");
    std::array<std::string, 5> words = {"kronsolve", "-no_signal_handler", "-skip_petscrc",
                                        "-options_left", "no"};
    std::array<char*, 6> arguments{};
    int count = 5;
    for (int i = 0; i < count; ++i)
      arguments[static_cast<std::size_t>(i)] = words[static_cast<std::size_t>(i)].data();
    char** first = arguments.data();
    if (const auto code = SlepcInitialize(&count, &first, nullptr, nullptr); code != 0)
      throw EngineError(static_cast<int>(code), "PETSc cannot be started");
    end_before_mpi();
  } else if (const auto code = SlepcInitialize(nullptr, nullptr, nullptr, nullptr); code != 0) {
    throw EngineError(static_cast<int>(code), "SLEPc cannot be started");
  }
}

class PetscEngine final : public Engine<Scalar> {
 public:
  explicit PetscEngine(EngineInfo info) : info_(std::move(info)) {}
  const EngineInfo& info() const noexcept override { return info_; }
  EnginePairs<Scalar> eigh(const EngineEigh<Scalar>& problem) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return solve_hermitian(problem);
  }
  EngineGeneralPairs eig(const EngineEig<Scalar>& problem) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return solve_general(problem);
  }
  std::vector<index_t> count_below(const Comm& comm, const Lazy<Scalar>& rows,
                                   const RowPartition& partition,
                                   std::span<const double> shifts) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return count_by_inertia(comm, rows, partition, shifts);
  }
  DistributedVectors<Scalar> solve(const Comm& comm, const Lazy<Scalar>& rows,
                                   const DistributedVectors<Scalar>& b, Factors factors) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return solve_direct(comm, rows, b, factors);
  }
  EngineSolutions<Scalar> solve_krylov(const EngineKrylov<Scalar>& problem,
                                       const DistributedVectors<Scalar>& b) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return KRONSOLVE_ENGINE_NAMESPACE::solve_krylov(problem, b);
  }
  EngineExponential<Scalar> expm_multiply(const LinearMap<Scalar>& map, Scalar t,
                                          std::span<const Scalar> v, double tol,
                                          index_t max_products) override {
    const std::lock_guard lock(one_at_a_time_);
    forget_errors();
    return exponentiate(map, t, v, tol, max_products);
  }

 private:
  EngineInfo info_;
  std::mutex one_at_a_time_;  // PETSc is not for several threads
};

Engine<Scalar>* started(const EngineInfo& info) {
  require_own_library();
  Environment::ensure();
  start_petsc();
  record_errors();
  probe_layout();
  // Lives as long as the process, as the module does.
  static PetscEngine engine(info);
  return &engine;
}

void* start(const EngineInfo& info) {
  static Engine<Scalar>* const engine =
      started(info);  // what throws is tried again by the next call
  return engine;
}

std::string petsc_version() {
  PetscInt major = 0, minor = 0, patch = 0;
  (void)PetscGetVersionNumber(&major, &minor, &patch, nullptr);
  return detail::concat(major, ".", minor, ".", patch);
}

std::string slepc_version() {
  PetscInt major = 0, minor = 0, patch = 0;
  (void)SlepcGetVersionNumber(&major, &minor, &patch, nullptr);
  return detail::concat(major, ".", minor, ".", patch);
}

}  // namespace

}  // namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE

extern "C" __attribute__((visibility("default"))) const kronsolve::EngineModule*
kronsolve_engine_module() {
  using namespace kronsolve::KRONSOLVE_ENGINE_NAMESPACE;
  static const std::string petsc = petsc_version(), slepc = slepc_version();
  static const kronsolve::EngineModule module = {
      .abi = kronsolve::EngineModule::current_abi,
      .scalar = kronsolve::is_complex<Scalar> ? "complex" : "real",
      .variant = KRONSOLVE_ENGINE_VARIANT,
      .index_bits = index_bits,
      .petsc_version = petsc.c_str(),
      .slepc_version = slepc.c_str(),
#ifdef PETSC_HAVE_MUMPS
      .has_mumps = true,
#else
      .has_mumps = false,
#endif
#ifdef PETSC_HAVE_SUPERLU_DIST
      .has_superlu_dist = true,
#else
      .has_superlu_dist = false,
#endif
      .start = start,
  };
  return &module;
}
