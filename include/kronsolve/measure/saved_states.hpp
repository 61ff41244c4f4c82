#pragma once

#include <complex>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/op_file.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// Files of states and of what was found with them; docs/files.md is their layout.

/// An operator in a sector of its sites, as files keep it.
struct OperatorDescription {
  std::string model;                ///< its name or where it comes from, for people
  OpSum op;                         ///< in no sector yet
  std::vector<std::string> sector;  ///< conditions
  Lattice lattice;                  ///< where its sites are
  std::vector<Drive> drives = {};   ///< their texts are written; none are read back
};
/// As JSON.
KRONSOLVE_EXPORT std::string describe(const OperatorDescription& operator_on_sites);
/// @throws InvalidArgument  no such text, or one that OpSum and Lattice refuse
KRONSOLVE_EXPORT OperatorDescription parse_description(const std::string& text);

/// Says in which basis a state is: states of equal texts fit together.
KRONSOLVE_EXPORT std::string basis_text(const Basis& basis);

/// Where the vectors of a file come from.
struct StateOrigin {
  std::string command_line;   ///< for people
  std::string model;          ///< for people
  std::string basis;          ///< basis_text
  std::string description;    ///< of describe; empty for a matrix
  std::string result = "{}";  ///< JSON: what else was found
};

/// Begins a file with the texts that all have. Local.
/// @param states  the array that will hold states; empty if there is none
/// @throws IoError  it cannot be created
KRONSOLVE_EXPORT Hdf5File begin_saved_file(const std::string& path, const StateOrigin& origin,
                                           const std::string& states);

/// 0, 1, 2, ...: coordinates of levels, sites and the like.
KRONSOLVE_EXPORT std::vector<double> numbered(index_t count);

/// Owned rows of vectors that lie elsewhere.
struct VectorsView {
  RowPartition rows;  ///< who owns which
  /// One for each vector.
  std::variant<std::vector<std::span<const double>>,
               std::vector<std::span<const std::complex<double>>>>
      columns;
  /// Whether there are none.
  bool empty() const {
    return std::visit([](const auto& all) { return all.empty(); }, columns);
  }
};
/// Of vectors that must outlive it.
template <Scalar T>
VectorsView view_of(const DistributedVectors<T>& vectors) {
  std::vector<std::span<const T>> columns;
  for (index_t j = 0; j < vectors.count(); ++j) columns.push_back(vectors.column(j));
  return {vectors.partition(), std::move(columns)};
}

/// Eigenpairs for a file.
struct PairsView {
  std::span<const double> eigenvalues;  ///< ascending
  std::span<const double> residuals;    ///< in that order
  VectorsView vectors;                  ///< may be empty
};
/// Singular triplets for a file.
struct TripletsView {
  std::span<const double> singular_values;  ///< descending
  std::span<const double> residuals;        ///< in that order
  VectorsView left;                         ///< may be empty
  VectorsView right;                        ///< may be empty
};
/// An evolution for a file.
struct EvolutionView {
  std::span<const double> times;      ///< that were reached
  std::span<const double> energies;   ///< at those
  std::span<const double> norms;      ///< at those
  std::span<const double> log_norms;  ///< imaginary time; else empty
  std::span<const double> errors;     ///< of the state
  VectorsView state;                  ///< the last
};
/// Observables with a value for each level or time.
struct ObservablesView {
  int sites = 0;                            ///< of the operator
  std::span<const RecordedObservable> all;  ///< none: nothing is written
};

/// Writes a file that is whole or not there. Collective; no rank ever holds more than its rows.
/// @throws IoError  an older file is as it was
KRONSOLVE_EXPORT void save_states(const Comm& comm, const std::string& path,
                                  const StateOrigin& origin, const PairsView& pairs,
                                  const ObservablesView& observables = {});
/// Triplets; collective.
KRONSOLVE_EXPORT void save_states(const Comm& comm, const std::string& path,
                                  const StateOrigin& origin, const TripletsView& triplets);
/// An evolution; collective.
KRONSOLVE_EXPORT void save_states(const Comm& comm, const std::string& path,
                                  const StateOrigin& origin, const EvolutionView& evolution,
                                  const ObservablesView& observables = {});
/// One state alone.
KRONSOLVE_EXPORT void save_states(const Comm& comm, const std::string& path,
                                  const StateOrigin& origin, const VectorsView& state);

}  // namespace kronsolve
