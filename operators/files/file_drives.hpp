#pragma once

#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "operators/files/file_reader.hpp"

namespace kronsolve::detail {

/// One [[drive]] of a file without its operator: which function of time it is.
/// @throws InvalidArgument  at its place: neither or both of function and table, a formula that has
///                          no value, a table whose times do not ascend
TimeFunction time_function(const FileReader& file, const toml::table& drive,
                           const toml::node& node);

}  // namespace kronsolve::detail
