#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// A real function of time.
struct TimeFunction {
  std::string text;                     ///< tells it from others
  std::function<double(double)> value;  ///< @throws InvalidArgument  a time that it has no value at
  /// Times between two others where it changes much faster than these are apart: jumps, pulses and
  /// points of a table, ascending.
  std::function<std::vector<double>(double, double)> abrupt;
  // What it was made of; all empty for a function of the user's own.
  std::string formula = {};                            ///< as it was given
  std::map<std::string, double> values = {};           ///< of the names in the formula
  std::vector<std::pair<double, double>> points = {};  ///< of a table
};

/// A formula in the time t and in names with values: "A*sin(w*t)".
/// @throws InvalidArgument  it does not parse, a name without a value; its value: not finite
KRONSOLVE_EXPORT TimeFunction time_formula(const std::string& formula,
                                           const std::map<std::string, double>& values = {});
/// Straight lines between points (time, value), two at least, and nothing beyond the last.
/// @throws InvalidArgument  times that do not ascend; its value: a time beyond the ends
KRONSOLVE_EXPORT TimeFunction time_table(std::vector<std::pair<double, double>> points);

/// A part of an operator that a function of time multiplies.
struct Drive {
  TimeFunction function;  ///< its factor in time
  OpSum op;               ///< what it multiplies
};

/// What an operator file says.
struct OperatorFile {
  OpSum op;                                       ///< without what [[drive]] adds
  Lattice lattice;                                ///< a chain where the file names none
  std::map<std::string, std::string> parameters;  ///< as they hold, in short texts
  std::vector<Drive> drives = {};                 ///< the [[drive]] tables, in order
  std::vector<std::string> rules = {};            ///< conditions of the space that it is meant in
  bool hermitian = true;                          ///< false: the file says that it need not be

  /// For all who do not follow time.
  /// @param path  what the error calls the file
  /// @throws InvalidArgument  there is a [[drive]]
  KRONSOLVE_EXPORT void require_constant(const std::string& path) const;
  /// For all who need a Hermitian operator.
  /// @throws InvalidArgument  it is not Hermitian (names the term), or the file says that it need
  ///                          not be
  KRONSOLVE_EXPORT void require_hermitian(const std::string& path) const;
  /// For all who have their space from elsewhere.
  /// @throws InvalidArgument  there are rules
  KRONSOLVE_EXPORT void require_no_rules(const std::string& path) const;
};

/// An operator sum from the text of an operator file (TOML):
///
///     sites = 3
///     local = "spin-1/2"
///     terms = [[1.0, "Sz", 0, "Sz", 1], [[0, 0.5], "S+", 1, "S-", 2],
///              [[0, -0.5], "S-", 1, "S+", 2], [0.25, "M", 2]]
///     define.M = [[0, [0, -1]], [[0, 1], 0]]
///
/// `local` is one space for all sites (spin-1/2 if left out) or a list with one for each site:
/// ["spin-1", "boson:4", "dim:3"]. A term is its coefficient and then operator, site, operator,
/// site, ... `define` gives matrices a name. Numbers are real or [re, im], or texts such as "J/2"
/// over the names under [parameters]. In place of terms, or beside them, a lattice with [[bond]]
/// and [[site]], [[drive]] for what depends on time, rules = ["blockade"] for the configurations
/// that there are, and hermitian = false where it need not be Hermitian: docs/models.md. Local; O(terms).
/// @param name        what errors call the text, for example its path; edges in a file of their own
///                    are looked for in its folder
/// @param parameters  in place of those of the file: numbers or expressions
/// @throws InvalidArgument  "name:line:column: ..." for TOML that does not parse, a key that is not
///                          known, and everything that `OpSum` and `Lattice` refuse
/// @throws IoError          the file of edges cannot be read
KRONSOLVE_EXPORT OperatorFile
parse_operator_file(std::string_view text, const std::string& name,
                    const std::map<std::string, ModelValue>& parameters = {});

/// The operator of the file at `path`. Collective: rank 0 reads, all ranks get the same operator or
/// the same error.
/// @throws IoError          the file cannot be opened or read
/// @throws InvalidArgument  as parse_operator_file
KRONSOLVE_EXPORT OperatorFile
read_operator_file(const Comm& comm, const std::string& path,
                   const std::map<std::string, ModelValue>& parameters = {});

}  // namespace kronsolve
