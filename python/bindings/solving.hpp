#pragma once
// Options and results of solvers, for the calls on a communicator and those of the session.

#include <optional>
#include <string>

#include <kronsolve/measure/observables.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "operator.hpp"

namespace kronsolve::python {

/// What a user calls with how a solve is doing. In the thread of the caller what it throws ends the
/// solve; in another it is kept, and `check` throws it where somebody waits. Ctrl-C is looked for as
/// well: engines with matrices of their own ask for no product of ours.
class ProgressCall {
 public:
  explicit ProgressCall(const py::object& call);
  std::function<void(const Progress&)> function() const;
  /// Throws what was kept.
  void check() const;

 private:
  struct Kept;
  std::shared_ptr<Kept> kept_;
};

EighOptions eigh_options(const py::dict& given);
SvdsOptions svds_options(const py::dict& given);
ExpmOptions expm_options(const py::dict& given);
EvolutionOptions evolution_options(const py::dict& given);

/// Results as dictionaries; the vectors as lists of arrays that share the memory of the solver's.
py::dict facts(EighResult result);
template <Scalar T>
py::dict facts(SvdsResult<T> result);
py::dict facts_of_evolution(EvolutionResult result);
py::dict facts_of_bounds(const SpectralBounds& bounds);

/// A number, or an array of one or two dimensions.
py::object value_of(const ObservableValue& value);

/// The amplitudes of an array of one dimension, or of one column.
using Amplitudes = std::variant<std::vector<double>, std::vector<std::complex<double>>>;
/// @throws InvalidArgument  a dtype that is no number; DimensionError: not one vector
Amplitudes amplitudes_of(const py::handle& array, const char* what);

/// The rows of this rank of a whole vector, or these rows as they were given; one column.
/// @throws DimensionError  neither
EvolutionState owned_column(const Comm& comm, const RowPartition& rows, const Amplitudes& given,
                            ScalarKind least, const char* what);

}  // namespace kronsolve::python
