#include <kronsolve/operators/portable_operator.hpp>

namespace kronsolve {

PortableOperator::PortableOperator(OpSum op) : PortableOperator(on_full_space(std::move(op))) {}

PortableOperator::PortableOperator(OpSum op, Sector sector) {
  require_respects(op, sector);
  rows_ = cols_ = sector_size(sector);
  content_ = SumInSector{std::move(op), std::move(sector)};
}

PortableOperator::PortableOperator(const SectorOperator& h) {
  if (!h.basis) throw InvalidArgument("PortableOperator: the operator has no basis");
  rows_ = cols_ = h.basis->size();
  SumInSector sum{h.op, sector_of(*h.basis)};
  if (sum.sector.generators.empty()) basis_ = h.basis;
  content_ = std::move(sum);
}

std::shared_ptr<const Basis> PortableOperator::basis(const Comm& comm) const {
  if (basis_) return basis_;
  const SumInSector* s = sum();
  return s ? make_basis(comm, s->sector) : nullptr;
}

}  // namespace kronsolve
