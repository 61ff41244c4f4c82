#include <array>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include <kronsolve/solvers/engine.hpp>

#include "core/modules.hpp"
#include "solvers/frontend/real_on_complex.hpp"

namespace kronsolve {

template <Scalar T>
Engine<T>::~Engine() = default;
template class Engine<double>;
template class Engine<std::complex<double>>;

namespace {

namespace fs = std::filesystem;
using Factory = const EngineModule* (*)();

constexpr std::array<const char*, 4> variants = {"real", "complex", "real64", "complex64"};
constexpr index_t largest_32bit = 2147483647;

ScalarKind scalar_of(std::string_view variant) {
  return variant.starts_with("complex") ? ScalarKind::complex : ScalarKind::real;
}

/// The folder of the engines: KRONSOLVE_ENGINE_DIR, else where all modules are.
fs::path engine_folder() {
  if (const char* folder = std::getenv("KRONSOLVE_ENGINE_DIR");
      folder != nullptr && *folder != '\0')
    return folder;
  return module_folder();
}

fs::path path_of(std::string_view variant) {
  return engine_folder() / detail::concat("kronsolve_engine_", variant, ".so");
}

/// A module that was opened, and what is known of it.
struct Opened {
  EngineInfo info;
  const EngineModule* module = nullptr;
  void* engine = nullptr;  ///< Engine<T>* once started
};

void describe(Opened& opened, std::string_view variant) {
  auto& info = opened.info;
  // Names that stay local keep the PETSc of real and of complex numbers apart.
  const auto factory =
      reinterpret_cast<Factory>(open_module(info.path, "kronsolve_engine_module", info.problem));
  if (factory == nullptr) return;
  const EngineModule* module = factory();
  if (module->abi != EngineModule::current_abi) {
    info.problem = detail::concat("it has interface ", module->abi, ", this kronsolve has ",
                                  EngineModule::current_abi, "; install both from one build");
    return;
  }
  info.index_bits = module->index_bits;
  info.petsc_version = module->petsc_version;
  info.slepc_version = module->slepc_version;
  info.has_mumps = module->has_mumps;
  info.has_superlu_dist = module->has_superlu_dist;
  if (std::string_view(module->scalar) != to_string(info.scalar) ||
      (module->index_bits == 64) != variant.ends_with("64")) {
    info.problem = detail::concat("it was built for ", module->scalar, " numbers and ",
                                  module->index_bits, "-bit indices, its name says ", variant);
    return;
  }
  opened.module = module;
}

std::mutex registry_mutex;

/// What was opened, by path: KRONSOLVE_ENGINE_DIR may change between calls.
std::map<std::string, Opened>& registry() {
  static std::map<std::string, Opened> opened;
  return opened;
}

/// @pre registry_mutex is held
Opened& open(std::string_view variant, const fs::path& path) {
  const auto [at, is_new] = registry().try_emplace(path.string());
  if (is_new) {
    at->second.info.path = path.string();
    at->second.info.variant = variant;
    at->second.info.scalar = scalar_of(variant);
    at->second.info.index_bits = variant.ends_with("64") ? 64 : 32;
    describe(at->second, variant);
  }
  return at->second;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

[[noreturn]] void refuse_missing(std::string_view variant) {
  const char* folder = std::getenv("KRONSOLVE_ENGINE_DIR");
  throw NotSupported(detail::concat(
      "engine ", variant, ": ", path_of(variant).string(), " is not there; ",
      folder != nullptr ? "correct KRONSOLVE_ENGINE_DIR"
                        : "set KRONSOLVE_ENGINE_DIR to the folder that holds it",
      " or build kronsolve with PETSc and SLEPc for ", to_string(scalar_of(variant)), " numbers"));
}

}  // namespace

namespace {

/// The engine of complex numbers for real problems, one for each that was loaded.
Engine<double>& real_on_complex(Engine<std::complex<double>>& complex) {
  static std::map<Engine<std::complex<double>>*, frontend::RealOnComplex> made;
  const std::lock_guard lock(registry_mutex);
  return made.try_emplace(&complex, complex).first->second;
}

bool has_module(ScalarKind scalar) {
  const std::string narrow_name(to_string(scalar));
  return is_file(path_of(narrow_name)) || is_file(path_of(narrow_name + "64"));
}

}  // namespace

template <Scalar T>
Engine<T>& load_engine(index_t largest_index) {
  if constexpr (!is_complex<T>)
    if (!has_module(ScalarKind::real) && has_module(ScalarKind::complex))
      return real_on_complex(load_engine<std::complex<double>>(largest_index));
  const std::lock_guard lock(registry_mutex);
  const std::string narrow_name(to_string(scalar_kind<T>)), wide_name = narrow_name + "64";
  const bool must_be_wide = largest_index > largest_32bit;
  // Narrow indices move less memory; where there are only wide ones, these do.
  const bool narrow_does = !must_be_wide && is_file(path_of(narrow_name));
  const bool wide = must_be_wide || (!narrow_does && is_file(path_of(wide_name)));
  const std::string& variant = wide ? wide_name : narrow_name;
  if (!is_file(path_of(variant))) {
    if (wide && is_file(path_of(narrow_name)))
      throw NotSupported(detail::concat(
          "engine ", narrow_name, ": its 32-bit indices end at ", largest_32bit, ", ",
          largest_index, " is needed; build kronsolve with a PETSc of 64-bit indices"));
    refuse_missing(variant);
  }
  Opened& opened = open(variant, path_of(variant));
  if (!opened.info.problem.empty())
    throw NotSupported(detail::concat("engine ", variant, ": ", opened.info.path,
                                      " is refused: ", opened.info.problem));
  if (opened.engine == nullptr) opened.engine = opened.module->start(opened.info);
  return *static_cast<Engine<T>*>(opened.engine);
}

template Engine<double>& load_engine(index_t);
template Engine<std::complex<double>>& load_engine(index_t);

std::vector<EngineInfo> list_engines() {
  const std::lock_guard lock(registry_mutex);
  std::vector<EngineInfo> found;
  for (const char* variant : variants)
    if (const auto path = path_of(variant); is_file(path))
      found.push_back(open(variant, path).info);
  return found;
}

bool engine_installed(ScalarKind scalar) {
  return has_module(scalar) || has_module(ScalarKind::complex);
}

bool counting_engine_installed() { return has_module(ScalarKind::real); }

std::string_view to_string(Factors factors) {
  switch (factors) {
    case Factors::automatic:
      return "auto";
    case Factors::mumps:
      return "mumps";
    case Factors::superlu_dist:
      break;
  }
  return "superlu_dist";
}

void require_factors(std::string_view where, const EngineInfo& info, Factors factors) {
  const bool superlu = factors == Factors::superlu_dist;
  if (superlu ? info.has_superlu_dist : info.has_mumps) return;
  const bool other = superlu ? info.has_mumps : info.has_superlu_dist;
  throw NotSupported(
      detail::concat(where, ": a factorisation is needed, and the PETSc of engine ", info.variant,
                     " was built without ", superlu ? "SuperLU_DIST" : "MUMPS", "; ",
                     other ? detail::concat("ask for factors ", superlu ? "mumps" : "superlu_dist")
                           : std::string("install one with it")));
}

}  // namespace kronsolve
