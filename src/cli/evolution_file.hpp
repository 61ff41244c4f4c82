#pragma once

#include <optional>
#include <string>

#include <kronsolve/core/hdf5_file.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// True for what --state takes as a file.
bool names_state_file(const std::string& text);

/// Begins the file of --save on rank 0, before anything is computed. Collective.
/// @throws IoError  it cannot be created
std::optional<Hdf5File> begin_file(const Comm& comm, const std::string& path);

/// All that was found and the last state. Collective; rank 0 holds the file. @throws IoError
void save(const Comm& comm, std::optional<Hdf5File>& file, const EvolveReport& report);

/// A state that was saved, normalised, in the same sites and sector. Collective.
/// @throws InvalidArgument  it is in another basis (both are named)
/// @throws IoError          the file cannot be read
EvolutionState read_state(const Comm& comm, const std::string& path, const Basis& basis);

}  // namespace kronsolve::cli
