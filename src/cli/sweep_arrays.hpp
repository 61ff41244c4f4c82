#pragma once

#include <string>

#include "cli/sweep_folder.hpp"

namespace kronsolve::cli {

/// The results of a sweep as arrays along what varies: arrays.h5 of its folder, whole or not there.
/// docs/campaigns.md is its layout.
/// @throws IoError  it cannot be written
void write_arrays(const SweepFolder& folder);
std::string arrays_path(const SweepFolder& folder);

}  // namespace kronsolve::cli
