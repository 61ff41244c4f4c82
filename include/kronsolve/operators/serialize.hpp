#pragma once
// How operator descriptions travel to other processes: functions for cereal archives (include those
// that you use).

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <cereal/cereal.hpp>  // before complex.hpp, which needs it and does not include it
#include <cereal/types/complex.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <kronsolve/core/serialize.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/local_matrix.hpp>
#include <kronsolve/operators/local_space.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sector_operator.hpp>

namespace kronsolve {

template <class Archive>
std::string save_minimal(const Archive&, const LocalSpace& space) {
  return space.name();
}
template <class Archive>
void load_minimal(const Archive&, LocalSpace& space, const std::string& name) {
  space = LocalSpace::parse(name);
}

template <class Archive>
void serialize(Archive& archive, OpFactor& factor) {
  archive(factor.op, factor.site);
}

template <class Archive>
void serialize(Archive& archive, OpTerm& term) {
  archive(term.coefficient, term.factors);
}

template <class Archive>
void save(Archive& archive, const LocalMatrix& matrix) {
  std::vector<std::complex<double>> values;
  for (int i = 0; i < matrix.dim(); ++i)
    for (int j = 0; j < matrix.dim(); ++j) values.push_back(matrix(i, j));
  archive(matrix.dim(), values);
}
template <class Archive>
void load(Archive& archive, LocalMatrix& matrix) {
  int dim = 0;
  std::vector<std::complex<double>> values;
  archive(dim, values);
  matrix = LocalMatrix(dim, std::move(values));
}

/// Loading checks everything that building it did. @throws InvalidArgument  the archive holds no
/// operator sum
template <class Archive>
void save(Archive& archive, const OpSum& op) {
  archive(op.spaces(), static_cast<std::uint64_t>(op.definitions().size()));
  for (const auto& [name, matrix] : op.definitions()) archive(name, matrix);
  archive(op.terms());
}
template <class Archive>
void load(Archive& archive, OpSum& op) {
  std::vector<LocalSpace> spaces;
  std::uint64_t definitions = 0;
  archive(spaces, definitions);
  OpSum loaded(std::move(spaces));
  for (std::uint64_t i = 0; i < definitions; ++i) {
    std::string name;
    LocalMatrix matrix;
    archive(name, matrix);
    loaded.define(name, std::move(matrix));
  }
  std::vector<OpTerm> terms;
  archive(terms);
  for (auto& term : terms) loaded.add(term.coefficient, std::move(term.factors));
  op = std::move(loaded);
}

/// What must be there before it is read.
template <>
struct Blank<OpSum> {
  static OpSum make() { return OpSum(1); }
};
template <>
struct Blank<SectorOperator> {
  static SectorOperator make() { return {OpSum(1), nullptr}; }
};

/// The basis travels as its conditions and is set up again where it arrives.
/// @throws NotSupported  the sector has other conditions than charges: their basis is made by all
/// ranks together
template <class Archive>
void save(Archive& archive, const SectorOperator& h) {
  const auto conditions = h.basis->sector();
  for (const auto& condition : conditions)
    if (!Charge::parse(h.op.spaces(), condition))
      throw NotSupported("an operator in the sector '" + condition +
                         "' cannot be sent: send the operator sum and the conditions, and make the "
                         "basis in the task");
  archive(h.op, conditions);
}
template <class Archive>
void load(Archive& archive, SectorOperator& h) {
  std::vector<std::string> conditions;
  archive(h.op, conditions);
  if (conditions.empty()) {
    h.basis = std::make_shared<const FullBasis>(h.op.spaces());
    return;
  }
  std::vector<Charge> charges;
  for (const auto& condition : conditions)
    if (auto charge = Charge::parse(h.op.spaces(), condition))
      charges.push_back(std::move(*charge));
  h.basis = std::make_shared<const ChargeBasis>(h.op.spaces(), std::move(charges));
}

}  // namespace kronsolve
