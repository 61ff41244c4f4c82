#pragma once
// Where an operator leads from a sector of charges and momenta. Local.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sectors.hpp>

namespace kronsolve::detail {

/// What an operator adds to each charge of a sector.
using ChargeShifts = std::vector<int>;

/// The operator in parts that change each charge by a definite amount; Sx and the like are written
/// in S+ and S-.
/// @throws InvalidArgument  an operator of the user's own that mixes amounts
std::map<ChargeShifts, OpSum> by_charge_shift(const OpSum& op, const std::vector<Charge>& charges);

/// The number m by which op changes a momentum: T op T^-1 = exp(2 pi i m / L) op for the
/// translation T, one of L; nothing if there is none.
std::optional<int> momentum_change(const OpSum& op, const SymmetryGenerator& translation);

/// Conditions of the sector that a part with these shifts leads to; nothing if it breaks one of the
/// symmetries.
std::optional<std::vector<std::string>> led_to(const Sector& from, const ChargeShifts& shifts,
                                               const OpSum& part);

}  // namespace kronsolve::detail
