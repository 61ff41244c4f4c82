#pragma once

#include <complex>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/csr_rows.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/sector_operator.hpp>

#include "cli/arguments.hpp"

namespace kronsolve::cli {

/// The operator that was asked for, and what results say about it.
struct Problem {
  std::string model;                ///< name of the model, or path of the file
  std::string title;                ///< for people: "heisenberg, 20 sites, cyclic"
  std::optional<int> sites;         ///< nothing for a matrix
  std::vector<std::string> sector;  ///< empty for the full space
  index_t dimension = 0;
  ScalarKind scalar = ScalarKind::real;
  std::optional<Lattice> lattice;  ///< where the sites are; nothing for a matrix
  /// The description, or the rows of this rank.
  std::variant<SectorOperator, CsrRows<double>, CsrRows<std::complex<double>>> op;
  std::map<std::string, std::string> parameters = {};  ///< of the model, defaults included
  std::vector<Drive> drives = {};                      ///< what is added as functions of time
  bool hermitian = true;                               ///< false: the file says that it need not be
};

/// The operator as its description says, in no sector yet.
struct OperatorOnSites {
  std::string model;  ///< as in Problem
  std::string title;
  Lattice lattice;
  OpSum op;
  std::map<std::string, std::string> parameters = {};  ///< as in Problem
  std::vector<Drive> drives = {};
  std::vector<std::string> rules = {};  ///< that the operator file has about configurations
  bool hermitian = true;                ///< as in Problem

  /// With those of the rules that they do not name.
  std::vector<std::string> with_rules(std::vector<std::string> conditions) const;
  /// For all who know no space but the full one and sectors of charges and momenta.
  /// @throws InvalidArgument  there are rules; `where` is named
  void require_no_rules(const std::string& where) const;
};

/// A sector that the operator respects and that is likely to hold its ground state, and the states
/// in it.
struct SectorSuggestion {
  std::vector<std::string> conditions;
  index_t dimension = 0;
};
/// What would make the problem smaller; nothing for a matrix, for a problem in a sector, and where
/// nothing is conserved. Local; builds no basis.
std::optional<SectorSuggestion> suggest_sector(const Problem& problem);
/// The trivial sector of every symmetry of the lattice that the operator respects, together with
/// the suggested charges or with what was asked; nothing if there is none to add. Local; lists no
/// states.
std::optional<SectorSuggestion> suggest_symmetries(const Problem& problem);

/// States of a symmetry sector are listed to solve; to plan it is enough to count them.
enum class States { listed, counted };

/// Files with [[drive]] are for those who follow time.
enum class Drives { refused, taken };
inline Drives drives_of(std::string_view command) {
  return command == "evolve" || command == "floquet" ? Drives::taken : Drives::refused;
}

/// Files that say hermitian = false are for those who can do with that.
enum class NonHermitian { refused, taken };
inline NonHermitian non_hermitian_of(std::string_view command) {
  return command == "evolve" ? NonHermitian::taken : NonHermitian::refused;
}

/// Builds or reads what --model or --terms names. Collective.
/// @throws InvalidArgument  what the model or the file refuses; not Hermitian (with the term); a
///                          [[drive]] or hermitian = false where these are refused
/// @throws IoError          a file that cannot be read
OperatorOnSites operator_on_sites(const Comm& comm, const OperatorArguments& arguments,
                                  Drives drives = Drives::refused,
                                  NonHermitian other = NonHermitian::refused);

/// Builds or reads the operator and checks that it is Hermitian, unless its file says that it need
/// not be and that is taken. Collective.
/// @throws InvalidArgument  what the model, the operator file or the matrix file refuses; not
///                          square; not Hermitian (with the entry)
/// @throws IoError          a file that cannot be read
Problem hermitian_problem(const Comm& comm, const OperatorArguments& arguments,
                          States states = States::listed, Drives drives = Drives::refused,
                          NonHermitian other = NonHermitian::refused);

/// An operator on sites as the problem of one of its sectors. Collective.
/// @throws InvalidArgument  conditions that the operator or the lattice does not allow
Problem problem_in_sector(const Comm& comm, OperatorOnSites on_sites,
                          const std::vector<std::string>& conditions,
                          States states = States::listed);

}  // namespace kronsolve::cli
