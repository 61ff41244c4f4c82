#pragma once
// Rows of an operator in a symmetry sector as they are computed: columns still as representatives.

#include <algorithm>
#include <complex>
#include <span>
#include <utility>
#include <vector>

#include <kronsolve/operators/symmetry_basis.hpp>

#include "operators/bases/group_action.hpp"
#include "operators/rows/compiled_operator.hpp"

namespace kronsolve::detail {

/// For one thread.
///
/// <a|H|b> = sum over configurations c of <a|H|c> s character sqrt(|Stab_b| / |Stab_a|) where U|c>
/// = s|b>: see SymmetryBasis. The square root is left to who knows the columns' rows.
template <Scalar T>
class OrbitRows {
 public:
  OrbitRows(const CompiledOperator<T>& op, const SymmetryBasis& basis,
            const GroupAction::Steps& steps)
      : OrbitRows(op, basis.group(), basis.action(), steps) {}
  OrbitRows(const CompiledOperator<T>& op, const SymmetryGroup& group, const GroupAction& action,
            const GroupAction::Steps& steps)
      : op_(op),
        run_(op),
        neighbours_(action, steps),
        moves_(static_cast<std::size_t>(op.largest_row())),
        reached_(moves_.size()),
        led_by_(moves_.size()) {
    for (int phase = 0; phase < group.phases(); ++phase)
      phases_.push_back(from_complex<T>(group.phase_value(phase)));
  }

  /// Room that a row needs in the lists.
  std::size_t room() const noexcept { return moves_.size() + static_cast<std::size_t>(beside); }
  struct Row {
    T diagonal{};
    std::size_t entries = 0;  ///< off the diagonal
  };
  /// Writes columns, among them some of vanishing orbits, which are in no list, and values.
  Row operator()(name_t representative, name_t* columns, T* values) {
    const name_t high = representative / op_.low_states();
    if (!run_.entered(high)) run_.enter(high);
    auto n = static_cast<std::size_t>(run_.fill(representative - high * op_.low_states(),
                                                moves_.data(), reached_.data(), values));
    Row row;
    const auto own = static_cast<std::size_t>(
        std::find(moves_.begin(), moves_.begin() + static_cast<std::ptrdiff_t>(n), -1) -
        moves_.begin());
    if (own < n) {
      row.diagonal = values[own];
      --n;
      std::copy_n(moves_.data() + own + 1, n - own, moves_.data() + own);
      std::copy_n(reached_.data() + own + 1, n - own, reached_.data() + own);
      std::copy_n(values + own + 1, n - own, values + own);
    }
    if (n > 0) neighbours_.enter(representative);
    neighbours_.find({moves_.data(), n}, reached_.data(), columns, led_by_.data());
    for (std::size_t e = 0; e < n; ++e)
      if (led_by_[e] != 0) values[e] *= phases_[static_cast<std::size_t>(led_by_[e])];
    row.entries = n;
    return row;
  }

 private:
  const CompiledOperator<T>& op_;
  typename CompiledOperator<T>::Run run_;
  GroupAction::Neighbours neighbours_;
  std::vector<T> phases_;  ///< by phase
  std::vector<int> moves_;
  std::vector<name_t> reached_;  ///< configurations
  std::vector<int> led_by_;      ///< phases of what leads from them to representatives
};

}  // namespace kronsolve::detail
