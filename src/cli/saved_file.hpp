#pragma once

#include <string>

#include <kronsolve/core/hdf5_file.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// The files of --save and --state; docs/files.md is their layout.

/// True for what --state takes as a file.
bool names_state_file(const std::string& text);

/// Finds out before anything is computed whether a file can be written there. Collective.
/// @throws IoError  it cannot be created
void require_writable(const Comm& comm, const std::string& path);

/// All that was found and the last state. Collective. @throws IoError
void save(const Comm& comm, const std::string& path, const EvolveReport& report);

/// A state that was saved, normalised, in the same sites and sector. Collective.
/// @throws InvalidArgument  it is in another basis (both are named), or its norm is far from 1
/// @throws IoError          the file cannot be read
EvolutionState read_state(const Comm& comm, const std::string& path, const Basis& basis);

}  // namespace kronsolve::cli
