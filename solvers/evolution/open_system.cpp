#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/hermitian_check.hpp>
#include <kronsolve/solvers/open_system.hpp>

namespace kronsolve {

OpSum OpenSystem::damping() const {
  OpSum sum(h.op.spaces());
  for (const auto& jump : jumps) sum += jump.adjoint() * jump;
  return simplify(sum);
}

OpSum OpenSystem::effective() const { return h.op - std::complex<double>(0, 0.5) * damping(); }

void OpenSystem::require_valid(const char* who) const {
  if (!h.basis) throw InvalidArgument(detail::concat(who, ": the operator has no basis"));
  require_hermitian(h.op, who);
  for (const auto& jump : jumps)
    if (jump.spaces() != h.op.spaces())
      throw DimensionError(detail::concat(who, ": a jump operator is on ", jump.sites(),
                                          " sites and H on ", h.op.sites(),
                                          ", or their local spaces differ"));
}

}  // namespace kronsolve
