#pragma once
// How operator descriptions travel to other processes: functions for cereal archives (include those
// that you use).

#include <complex>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <cereal/cereal.hpp>  // before complex.hpp, which needs it and does not include it
#include <cereal/types/complex.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include <kronsolve/core/serialize.hpp>
#include <kronsolve/operators/local_matrix.hpp>
#include <kronsolve/operators/local_space.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

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

/// Loading checks everything that building it did.
/// @throws InvalidArgument  the archive holds no operator sum
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

template <class Archive>
void serialize(Archive& archive, AdditiveRule& rule) {
  archive(rule.values, rule.target, rule.modulus, rule.others);
}
template <class Archive>
void serialize(Archive& archive, Charge& charge) {
  archive(charge.name, charge.rule);
}
template <class Archive>
void serialize(Archive& archive, SymmetryGenerator& generator) {
  archive(generator.name, generator.image, generator.flip, generator.turns, generator.of);
}
template <class Archive>
void serialize(Archive& archive, ForbiddenDigits& forbidden) {
  archive(forbidden.sites, forbidden.digits);
}
template <class Archive>
void serialize(Archive& archive, LocalRule& rule) {
  archive(rule.text, rule.forbidden, rule.total);
}
template <class Archive>
void serialize(Archive& archive, Sector& sector) {
  archive(sector.spaces, sector.charges, sector.generators, sector.conditions, sector.rules);
}

template <class Archive>
void serialize(Archive& archive, StateDescription::Configurations& state) {
  archive(state.terms);
}
template <class Archive>
void serialize(Archive& archive, StateDescription::Product::Group& group) {
  archive(group.sites, group.amplitudes);
}
template <class Archive>
void serialize(Archive& archive, StateDescription::Product& state) {
  archive(state.groups);
}
template <class Archive>
void serialize(Archive& archive, StateDescription::Random& state) {
  archive(state.seed);
}
template <class Archive>
void serialize(Archive& archive, StateDescription& state) {
  archive(state.name, state.spaces, state.content);
}

namespace detail {
/// Who sets up what this archive describes: the ranks of a gang together, else this process alone.
template <class Archive>
const Comm& readers_of(const Archive& archive) {
  static const Comm alone;
  if constexpr (std::same_as<Archive, UnpackArchive>)
    if (archive.comm() != nullptr) return *archive.comm();
  return alone;
}
}  // namespace detail

/// A basis travels as its conditions, never as a list of states, and is set up again where it
/// arrives: the argument of a gang by its ranks together (a sector of symmetries is then spread
/// over them and lives as long as their communicator), elsewhere by each process for itself.
/// @throws NotSupported  a basis of a user's own
template <class Archive>
void save(Archive& archive, const std::shared_ptr<const Basis>& basis) {
  archive(basis != nullptr);
  if (basis) archive(sector_of(*basis));
}
template <class Archive>
void load(Archive& archive, std::shared_ptr<const Basis>& basis) {
  bool present = false;
  archive(present);
  basis.reset();
  if (!present) return;
  Sector sector;
  archive(sector);
  basis = make_basis(detail::readers_of(archive), sector);
}

template <class Archive>
void serialize(Archive& archive, SectorOperator& h) {
  archive(h.op, h.basis);
}

}  // namespace kronsolve
