#include <array>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/solvers/blas.hpp>
#include <kronsolve/solvers/engine.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {

namespace {

/// First line of what MPI says about itself; works without starting it.
std::string mpi_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check_mpi(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  std::string version(text.data(), static_cast<std::size_t>(length));
  return version.substr(0, version.find_first_of(",\n"));
}

std::string description(const EngineInfo& engine) {
  if (!engine.problem.empty()) return engine.problem;
  return fmt::format("PETSc {}, SLEPc {}, {}-bit indices{}{}; {}", engine.petsc_version,
                     engine.slepc_version, engine.index_bits, engine.has_mumps ? ", MUMPS" : "",
                     engine.has_superlu_dist ? ", SuperLU_DIST" : "", engine.path);
}

/// What is known of the engine for a scalar: the first usable one, else why there is none; and of
/// a second one with wider indices that it is there.
Json engine_for(ScalarKind scalar, const std::vector<EngineInfo>& engines) {
  const char* folder = std::getenv("KRONSOLVE_ENGINE_DIR");
  const std::string missing =
      folder == nullptr ? "not installed"
                        : detail::concat("not in ", folder, ", where KRONSOLVE_ENGINE_DIR points");
  Json json = {{"available", false}, {"description", missing}};
  for (const auto& engine : engines) {
    if (engine.scalar != scalar) continue;
    const bool usable = engine.problem.empty();
    if (!json["available"])
      json = {{"available", usable}, {"description", description(engine)}};
    else if (usable)
      json["description"] = fmt::format("{}; also with {}-bit indices",
                                        json["description"].get<std::string>(), engine.index_bits);
  }
  if (!json["available"] && scalar == ScalarKind::real &&
      engine_for(ScalarKind::complex, engines)["available"])
    json["description"] =
        json["description"].get<std::string>() + "; real problems run on the complex engine";
  return json;
}

std::string text_of(const Json& info) {
  std::string text;
  for (const auto& [key, value] : info.items()) {
    if (key == "command") continue;
    if (key == "engines") {
      for (const auto& [scalar, engine] : value.items())
        text += fmt::format("{:<16}{}{}\n", scalar + " engine", engine["available"] ? "" : "none: ",
                            engine["description"].get<std::string>());
    } else if (key == "available_memory_bytes") {
      text += fmt::format("{:<16}{} available\n", "memory", format_bytes(value.get<double>()));
    } else {
      text += fmt::format("{:<16}{}\n", key,
                          value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return text;
}

}  // namespace

Answer run_info(const Comm& comm, const Arguments&, Clock::time_point) {
  const auto engines = list_engines();
  Json info;
  info["command"] = "info";
  info["version"] = version();
  info["engines"] = {{"real", engine_for(ScalarKind::real, engines)},
                     {"complex", engine_for(ScalarKind::complex, engines)}};
  info["mpi"] = mpi_version();
  info["blas"] = blas_version();
  info["ranks"] = comm.size();
  info["threads"] = num_threads();
  info["cores"] = available_cores();
  info["available_memory_bytes"] = available_memory();
  std::string text = text_of(info);
  return {exit_fine, std::move(info), std::move(text)};
}

}  // namespace kronsolve::cli
