#pragma once
// Where an operator leads from a sector of charges and momenta. Local.

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sectors.hpp>

namespace kronsolve::detail {

using Conditions = std::vector<std::string>;

/// The same in operators that change charges by definite amounts, as far as their names are known:
/// Sx and the like in S+ and S-.
OpSum unmixed(const OpSum& op);

/// What an operator adds to each charge of a sector.
using ChargeShifts = std::vector<int>;

/// The operator in parts that change each charge by a definite amount, unmixed.
/// @throws InvalidArgument  an operator of the user's own that mixes amounts
std::map<ChargeShifts, OpSum> by_charge_shift(const OpSum& op, const std::vector<Charge>& charges);

/// The number m by which op changes a momentum: T op T^-1 = exp(2 pi i m / L) op for the
/// translation T, one of L; nothing if there is none.
std::optional<int> momentum_change(const OpSum& op, const SymmetryGenerator& translation);

/// Conditions of the sector that a part with these shifts leads to; nothing if it breaks one of the
/// symmetries.
std::optional<std::vector<std::string>> led_to(const Sector& from, const ChargeShifts& shifts,
                                               const OpSum& part);

/// From a sector to another one: the part of B that leads there, and that of A^+.
struct Transition {
  Conditions to;
  OpSum b, a_adjoint;
  bool same = false;  ///< a_adjoint = b
};
/// All of a pair that have both parts; the sectors may be empty.
/// @throws InvalidArgument  as by_charge_shift
std::vector<Transition> transitions(const OperatorPair& pair, const Sector& from);

/// False also where a charge is beyond what the sites can hold.
bool has_states(const Sector& sector);

/// Conditions that leave no charge and no momentum open, as far as all the operators have a definite
/// momentum: those given, and `all_sectors` of the others.
/// @throws InvalidArgument  a condition that is neither; a momentum that the operators do not keep
Conditions definite_conditions(const OpSum& h, const Lattice& lattice, const Conditions& given,
                               std::span<const OperatorPair> pairs);

/// For each pair the first one that complex conjugation makes of it, itself if there is none.
/// @param sectors  of the states that are taken together; they must be closed under conjugation
std::vector<std::size_t> conjugate_partners(const OpSum& h, const Lattice& lattice,
                                            std::span<const OperatorPair> pairs,
                                            const std::set<Conditions>& sectors);

}  // namespace kronsolve::detail
