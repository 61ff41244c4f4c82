#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/expand.hpp>
#include <kronsolve/operators/hermitian_check.hpp>

#include "core/counted.hpp"
#include "measure/symmetrized.hpp"
#include "operators/rows/element_walk.hpp"
#include "operators/vectors/compensated.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using detail::ElementWalk;
using detail::OperatorMove;
using detail::OperatorMoves;
using detail::PackedDigits;

template <Scalar T>
void require_sites(const StateView<T>& psi, const OpSum& op, const char* where) {
  if (op.spaces() != psi.basis().spaces())
    throw DimensionError(detail::concat(where, ": the operator is on ",
                                        detail::counted(op.sites(), "site"), ", the state on ",
                                        psi.basis().sites(), ", or their local spaces differ"));
}

bool all_real(std::span<const OpSum> ops) {
  return std::all_of(ops.begin(), ops.end(), [](const OpSum& op) { return op.is_real(); });
}

bool same_basis(const Basis& a, const Basis& b) {
  return &a == &b || (a.spaces() == b.spaces() && a.sector() == b.sector() && a.size() == b.size());
}

/// <bra|op_k|ket> for every k; C real if the operators are.
template <Scalar T, Scalar C>
std::vector<Complex> elements(const StateView<T>& bra, std::span<const OpSum> ops,
                              const StateView<T>& ket) {
  using Sum = decltype(T{} * C{});
  const OperatorMoves<C> moves(ops);
  const auto threads = static_cast<std::size_t>(num_threads());
  std::vector<std::vector<vec::Compensated<Sum>>> sums(
      threads, std::vector<vec::Compensated<Sum>>(ops.size()));
  const auto visit = [&](int thread, index_t row, const OperatorMove<C>& move, PackedDigits digits,
                         T value) {
    const T weight = conj(bra.owned()[static_cast<std::size_t>(row)]) * value;
    auto& sum = sums[static_cast<std::size_t>(thread)];
    for (const auto& term : move.terms)
      sum[static_cast<std::size_t>(term.op)] += term.coefficient * (weight * term.diagonal(digits));
  };
  ElementWalk<T, C, decltype(visit)>(bra.basis(), moves, ket, visit).run([](RowRange) {});
  std::vector<Complex> total(ops.size());
  for (const auto& sum : sums)
    for (std::size_t k = 0; k < sum.size(); ++k) total[k] += sum[k].value();
  bra.comm().all_reduce(std::span(total));
  return total;
}

template <Scalar T>
std::vector<Complex> elements(const StateView<T>& bra, std::span<const OpSum> ops,
                              const StateView<T>& ket, const char* where) {
  for (const auto& op : ops) {
    require_sites(bra, op, where);
    require_sites(ket, op, where);
  }
  require_fitting(bra, where);
  require_fitting(ket, where);
  if (ops.empty()) return {};
  const auto* group = ket.basis().symmetries();
  if (group != nullptr && !same_basis(bra.basis(), ket.basis()))
    return elements(bra, ops, expand(ket)->view(), where);
  if (group == nullptr) {
    if (const auto wide = expand(bra)) return elements(wide->view(), ops, ket, where);
    return all_real(ops) ? elements<T, double>(bra, ops, ket) : elements<T, Complex>(bra, ops, ket);
  }
  const auto symmetric = detail::symmetrized(ops, *group);
  const auto means = all_real(symmetric.means) ? elements<T, double>(bra, symmetric.means, ket)
                                               : elements<T, Complex>(bra, symmetric.means, ket);
  std::vector<Complex> values;
  for (const std::size_t k : symmetric.of) values.push_back(means[k]);
  return values;
}

/// |(op - shift) psi|^2, the part of it inside the basis.
template <Scalar T, Scalar C>
double deviation(const StateView<T>& psi, const OpSum& op, double shift) {
  using Sum = decltype(T{} * C{});
  const OperatorMoves<C> moves(std::span(&op, 1));
  std::vector<Sum> product;  // of the rows of one round
  index_t first = 0;
  const auto visit = [&](int, index_t row, const OperatorMove<C>& move, PackedDigits digits,
                         T value) {
    for (const auto& term : move.terms)
      product[static_cast<std::size_t>(row - first)] +=
          term.coefficient * (value * term.diagonal(digits));
  };
  vec::Compensated<double> sum;
  ElementWalk<T, C, decltype(visit)> walk(psi.basis(), moves, psi, visit);
  product.assign(static_cast<std::size_t>(
                     std::min(walk.rows_per_round(), static_cast<index_t>(psi.owned().size()))),
                 Sum{});
  walk.run([&](RowRange rows) {
    for (index_t i = rows.begin; i < rows.end; ++i) {
      Sum& value = product[static_cast<std::size_t>(i - first)];
      sum += std::norm(value - shift * psi.owned()[static_cast<std::size_t>(i)]);
      value = 0;
    }
    first = rows.end;
  });
  return psi.comm().all_reduce(sum.value());
}

/// True if the operator leads from some state of the basis to one outside. Collective.
bool leaves(const Comm& comm, const Basis& basis, const OpSum& op) {
  if (basis.sector().empty() && basis.size() == op.dimension()) return false;
  if (const auto* group = basis.symmetries())
    if (!equal(detail::symmetrized(std::span(&op, 1), *group).means.front(), op)) return true;
  const Basis& configurations = basis.configurations();
  const OperatorMoves<Complex> moves(std::span(&op, 1));
  const RowRange mine = basis.partition(comm.size()).range(comm.rank());
  int found = 0;
#pragma omp parallel for schedule(static) reduction(| : found) num_threads(num_threads())
  for (index_t row = mine.begin; row < mine.end; ++row) {
    if (found != 0) continue;
    const state_t state = basis.state(row);
    const PackedDigits digits = moves.digits(state);
    for (std::size_t m = 0; m < moves.moves().size(); ++m) {
      const auto& move = moves.moves()[m];
      if ((digits & move.mask) == moves.ket_value(m) && configurations.index(state - move.step) < 0)
        found = 1;
    }
  }
  return comm.all_reduce(found, Reduce::max) != 0;
}

}  // namespace

template <Scalar T>
Complex matrix_element(const StateView<T>& bra, const OpSum& op, const StateView<T>& ket) {
  return elements(bra, std::span(&op, 1), ket, "matrix element").front();
}

template <Scalar T>
Complex expectation(const StateView<T>& psi, const OpSum& op) {
  return elements(psi, std::span(&op, 1), psi, "expectation").front();
}

template <Scalar T>
std::vector<Complex> expectations(const StateView<T>& psi, std::span<const OpSum> ops) {
  return elements(psi, ops, psi, "expectations");
}

template <Scalar T>
double variance(const StateView<T>& psi, const OpSum& op) {
  require_hermitian(op, "variance");
  const double mean = expectation(psi, op).real();
  if (leaves(psi.comm(), psi.basis(), op))
    return std::max(0.0, expectation(psi, op * op).real() - mean * mean);
  return op.is_real() ? deviation<T, double>(psi, op, mean) : deviation<T, Complex>(psi, op, mean);
}

template <Scalar T>
double fidelity(const StateView<T>& a, const StateView<T>& b) {
  const double overlap_squared = norm_squared(overlap(a, b));
  const double norms = norm(a) * norm(b);
  if (!(norms > 0)) throw InvalidArgument("fidelity: a state is zero");
  return overlap_squared / (norms * norms);
}

template <Scalar T>
T amplitude(const StateView<T>& psi, std::span<const int> digits) {
  require_fitting(psi, "amplitude");
  const Basis& basis = psi.basis();
  if (static_cast<int>(digits.size()) != basis.sites())
    throw InvalidArgument(detail::concat("amplitude: ", detail::counted(digits.size(), "digit"),
                                         " for ", detail::counted(basis.sites(), "site")));
  state_t state = 0;
  for (int site = 0; site < basis.sites(); ++site) {
    const int digit = digits[static_cast<std::size_t>(site)];
    if (digit < 0 || digit >= basis.code().dim(site))
      throw InvalidArgument(detail::concat("amplitude: the digit of site ", site,
                                           " must be in [0, ", basis.code().dim(site) - 1,
                                           "], got ", digit));
    state += static_cast<state_t>(digit) * basis.code().stride(site);
  }
  const auto first = psi.comm().is_root() ? std::span(&state, 1) : std::span<const state_t>();
  const auto value = detail::Amplitudes<T>(psi).read(first);
  return psi.comm().all_reduce(value.empty() ? T{} : value.front());
}

#define KRONSOLVE_INSTANTIATE(T)                                                           \
  template Complex matrix_element(const StateView<T>&, const OpSum&, const StateView<T>&); \
  template Complex expectation(const StateView<T>&, const OpSum&);                         \
  template std::vector<Complex> expectations(const StateView<T>&, std::span<const OpSum>); \
  template double variance(const StateView<T>&, const OpSum&);                             \
  template double fidelity(const StateView<T>&, const StateView<T>&);                      \
  template T amplitude(const StateView<T>&, std::span<const int>);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
