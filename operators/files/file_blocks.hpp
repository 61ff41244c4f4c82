#pragma once

#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>

#include "operators/files/file_reader.hpp"

namespace kronsolve::detail {

/// Adds what [[bond]] and [[site]] of a file say: the same terms on every bond, on every site.
/// @throws InvalidArgument  at its place: a key that is not known, what has no value, and what the
///                          sum or the lattice refuses
void add_blocks(OpSum& sum, const FileReader& file, const Lattice& lattice);

}  // namespace kronsolve::detail
