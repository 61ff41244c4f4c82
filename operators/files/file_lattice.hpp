#pragma once

#include <kronsolve/core/comm.hpp>
#include <kronsolve/operators/lattice.hpp>

#include "operators/files/file_reader.hpp"

namespace kronsolve::detail {

/// The lattice of an operator file: `lattice`, `size`, `cyclic`, `cluster`, `edges`, `sites`; a chain
/// where none is named. Collective if the edges are in a file of their own.
/// @throws InvalidArgument  what does not go together, and what `Lattice` refuses, at its place
/// @throws IoError          the file of edges cannot be read
Lattice lattice_of(const FileReader& file, const Comm& comm);

}  // namespace kronsolve::detail
