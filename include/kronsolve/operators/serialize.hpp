#pragma once
// How operator descriptions travel to other processes: functions for cereal archives (include those
// that you use).

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <cereal/types/complex.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>

#include <kronsolve/operators/local_matrix.hpp>
#include <kronsolve/operators/local_space.hpp>
#include <kronsolve/operators/op_sum.hpp>

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

}  // namespace kronsolve
