#include <algorithm>
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/symmetry_group.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "operators/descriptions/broken_term.hpp"
#include "operators/rows/element_walk.hpp"
#include "solvers/spectra/sector_transfer.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// Symmetries: U_g op U_g^-1 = (character of g in `to`) / (character of g in `from`) op.
void require_characters(const OpSum& op, const Basis& from, const Basis& to) {
  if (to.symmetries() == nullptr) return;
  const auto find = [](const SymmetryGroup& group, const SymmetryGenerator& g) {
    return std::find_if(group.elements().begin(), group.elements().end(),
                        [&](const auto& e) { return e.image == g.image && e.flip == g.flip; });
  };
  const SymmetryGroup &after = *to.symmetries(), *before = from.symmetries();
  for (const auto& g : after.generators()) {
    if (before == nullptr || find(*before, g) == before->elements().end())
      throw InvalidArgument(detail::concat(
          "apply_operator: the target sector has ", g.name,
          ", but the state is in a sector without this symmetry; solve for the state in a sector "
          "that has it, or leave it out of the target"));
    const Complex wanted = after.phase_value(find(after, g)->phase) *
                           std::conj(before->phase_value(find(*before, g)->phase));
    OpSum moved = permuted(op, g.image);
    if (g.flip == SpinFlip::yes) moved = spin_flipped(moved);
    if (const auto term = detail::difference(moved, wanted * op))
      throw InvalidArgument(detail::concat(
          "apply_operator: the operator leads out of the target sector ", g.name, " by the term ",
          *term,
          "; take the sector that it leads to, or such a sum over the sites as sum_j "
          "exp(iqj) A_j, which adds q to the momentum"));
  }
}

/// <image|op|state> of a move is not zero, but for rounding.
template <Scalar C>
bool moves_there(const detail::OperatorMove<C>& move, detail::PackedDigits image) {
  C sum{};
  double scale = 0;
  for (const auto& term : move.terms) {
    const C value = term.coefficient * term.diagonal(image);
    sum += value;
    scale += std::abs(value);
  }
  return std::abs(sum) > 1e-14 * scale;
}

/// A configuration outside `to` that op makes of `state`.
template <Scalar C>
std::optional<state_t> image_outside(const detail::OperatorMoves<C>& moves, state_t state,
                                     const Basis& to) {
  const auto digits = moves.digits(state);
  for (std::size_t m = 0; m < moves.moves().size(); ++m) {
    const auto& move = moves.moves()[m];
    const state_t image = state - move.step;
    if ((digits & move.mask) == moves.ket_value(m) && to.index(image) < 0 &&
        moves_there(move, moves.digits(image)))
      return image;
  }
  return std::nullopt;
}

/// Charges: no configuration of psi is moved to one outside `to`. Collective.
template <Scalar T, Scalar C>
void require_inside(const detail::OperatorMoves<C>& moves, const StateView<T>& psi,
                    const Basis& to) {
  const Basis& from = psi.basis();
  const Basis& target = to.configurations();
  if (target.paths() != nullptr && target.charges().empty()) return;
  // What a representative does the others of its orbit do as well, if op has the whole symmetry.
  const bool representatives =
      from.symmetries() == nullptr ||
      (to.symmetries() != nullptr && to.symmetries()->order() == from.symmetries()->order());
  const RowRange mine = psi.partition().range(psi.comm().rank());
  std::optional<std::pair<state_t, state_t>> leak;
#pragma omp parallel num_threads(num_threads())
  {
    std::vector<Component> components;
#pragma omp for schedule(static)
    for (index_t row = mine.begin; row < mine.end; ++row) {
      if (psi.owned()[static_cast<std::size_t>(row - mine.begin)] == T{}) continue;
      if (representatives)
        components.assign(1, {from.state(row), 1.0});
      else
        from.orbit(row, components);
      for (const auto& component : components)
        if (const auto image = image_outside(moves, component.state, target)) {
#pragma omp critical
          if (!leak || component.state < leak->first) leak = {component.state, *image};
        }
    }
  }
  psi.comm().agree([&] {
    if (leak)
      throw InvalidArgument(detail::concat(
          "apply_operator: the operator leads from ", from.code().text(leak->first), " to ",
          from.code().text(leak->second), ", which is not in the target sector"));
  });
}

template <Scalar T, Scalar C>
DistributedVectors<T> applied(const detail::OperatorMoves<C>& moves, const StateView<T>& psi,
                              const Basis& to) {
  DistributedVectors<T> result(to.partition(psi.comm().size()), psi.comm().rank(), 1);
  const auto w = result.column(0);
  const auto visit = [&](int, index_t row, const detail::OperatorMove<C>& move,
                         detail::PackedDigits digits, T value) {
    for (const auto& term : move.terms)
      w[static_cast<std::size_t>(row)] += term.coefficient * (value * term.diagonal(digits));
  };
  detail::ElementWalk<T, C, decltype(visit)>(to, moves, psi, visit).run([](RowRange) {});
  return result;
}

template <Scalar T, class Moves>
Moves moves_of(const OpSum& op) {
  if constexpr (is_complex<T>)
    if (!op.is_real())
      return std::make_shared<const detail::OperatorMoves<Complex>>(std::span(&op, 1));
  return std::make_shared<const detail::OperatorMoves<double>>(std::span(&op, 1));
}

template <Scalar T>
void check(const OpSum& op, const Basis& from, const Basis& to) {
  if (op.spaces() != from.spaces() || op.spaces() != to.spaces())
    throw DimensionError(
        "apply_operator: the operator and both bases must be about the same sites");
  if (!is_complex<T> && !op.is_real())
    throw InvalidArgument("apply_operator: the operator is complex; give a complex state");
  if (!is_complex<T> && to.scalar() == ScalarKind::complex)
    throw InvalidArgument(
        "apply_operator: states of the target sector are complex; give a complex state");
}

}  // namespace

namespace detail {

template <Scalar T>
SectorTransfer<T>::SectorTransfer(const Comm& comm, const OpSum& op, const Basis& from,
                                  const Basis& to)
    : comm_(&comm), from_(&from), to_(&to), moves_([&] {
        check<T>(op, from, to);
        require_characters(op, from, to);
        return moves_of<T, Moves>(op);
      }()) {}

template <Scalar T>
DistributedVectors<T> SectorTransfer<T>::operator()(std::span<const T> psi) const {
  const StateView<T> view(*comm_, *from_, psi);
  require_fitting(view, "apply_operator");
  return std::visit([&](const auto& moves) { return applied<T>(*moves, view, *to_); }, moves_);
}

template <Scalar T>
void SectorTransfer<T>::require_inside(std::span<const T> psi) const {
  const StateView<T> view(*comm_, *from_, psi);
  require_fitting(view, "apply_operator");
  std::visit([&](const auto& moves) { kronsolve::require_inside(*moves, view, *to_); }, moves_);
}

template class SectorTransfer<double>;
template class SectorTransfer<Complex>;

}  // namespace detail

template <Scalar T>
DistributedVectors<T> apply_operator(const Comm& comm, const OpSum& op, const Basis& from,
                                     VectorArgument<T> psi, const Basis& to) {
  const detail::SectorTransfer<T> transfer(comm, op, from, to);
  transfer.require_inside(psi);
  return transfer(psi);
}

template DistributedVectors<double> apply_operator(const Comm&, const OpSum&, const Basis&,
                                                   std::span<const double>, const Basis&);
template DistributedVectors<Complex> apply_operator(const Comm&, const OpSum&, const Basis&,
                                                    std::span<const Complex>, const Basis&);

}  // namespace kronsolve
