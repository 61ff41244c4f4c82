#pragma once

#include <optional>
#include <string>

#include <kronsolve/measure/saved_states.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "cli/report.hpp"

namespace kronsolve::cli {

/// The files of --save, --state, --start and measure; docs/files.md is their layout.

StateOrigin origin_of(const Arguments& arguments, const Problem& problem);
StateOrigin origin_of(const Arguments& arguments, const OperatorOnSites& problem);

/// Finds out before anything is computed whether a file can be written there; an empty path is no
/// file. Collective.
/// @throws IoError  it cannot be created
void require_writable(const Comm& comm, const std::string& path);

/// Writes all that was found; an empty path is no file. Collective.
/// @throws IoError  an older file is as it was
void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const EvolveReport& report);
void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const EighReport& report);
void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const SpectralReport& report);
/// @param json  what is printed
template <Scalar T>
void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const SvdsResult<T>& result, const Json& json);

/// A file of states, or one of them: FILE.h5, FILE.h5:2 (counted from 0).
struct StateFile {
  std::string path;
  std::optional<index_t> position;
};
/// What --state and --start take as a file; nothing for other texts.
std::optional<StateFile> parse_state_file(const std::string& text);

/// The state asked for, or the first, normalised, in the same sites and sector. Collective.
/// @throws InvalidArgument  it is in another basis (both are named), or its norm is far from 1
/// @throws IoError          the file cannot be read
EvolutionState read_state(const Comm& comm, const StateFile& file, const Basis& basis);

/// Where an evolution begins: a state, and its time.
struct EvolutionStart {
  EvolutionState state;
  double time = 0;
};
/// The state of a file for an evolution under `problem`; its time is that of the file where it is
/// one of an evolution along the same axis. Collective.
/// @param quench  the state may be of another operator, and is then at time 0
/// @throws as read_state
/// @throws InvalidArgument  the state is of another operator: names what differs
EvolutionStart read_start(const Comm& comm, const StateFile& file, const Problem& problem,
                          TimeAxis axis, bool quench);

/// What measure looks at: the operator that a file describes, and its states, normalised.
struct SavedStates {
  Problem problem;
  index_t first = 0;  ///< place of the first of them in the file
  EvolutionState states;
};
/// Collective.
/// @throws as read_state
SavedStates read_states(const Comm& comm, const StateFile& file);

}  // namespace kronsolve::cli
