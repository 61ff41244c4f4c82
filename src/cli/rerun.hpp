#pragma once

#include <string>
#include <vector>

#include <kronsolve/core/comm.hpp>

#include "cli/arguments.hpp"
#include "cli/report.hpp"

namespace kronsolve::cli {

/// Adds what made a result: the program's version, the command line, and when.
void add_origin(Json& json, const std::string& command_line);

/// The command line that made a file of --json or --save, as words; `rerun --json` adds --json.
/// Collective.
/// @throws InvalidArgument  the file does not say how it was made
/// @throws IoError          it cannot be read
std::vector<std::string> words_of_run(const Comm& comm, const Arguments& arguments);

}  // namespace kronsolve::cli
