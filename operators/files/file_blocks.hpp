#pragma once

#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>

#include "operators/files/file_reader.hpp"

namespace kronsolve::detail {

/// Adds what [[bond]] and [[site]] of a table of a file say: the same terms on every bond, on every
/// site.
/// @param number  of the first block, which random numbers depend on
/// @throws InvalidArgument  at its place: a key that is not known, what has no value, and what the
///                          sum or the lattice refuses
void add_blocks(OpSum& sum, const FileReader& file, const toml::table& table,
                const Lattice& lattice, std::uint64_t number);

}  // namespace kronsolve::detail
