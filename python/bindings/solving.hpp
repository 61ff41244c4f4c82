#pragma once
// Options and results of solvers, for the calls on a communicator and those of the session.

#include <optional>
#include <string>

#include <kronsolve/measure/evolution_recorder.hpp>
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
/// exp(tA) v.
template <class R>
py::dict facts_of_function(R r) {
  py::dict d;
  d["error"] = r.error;
  d["converged"] = r.converged;
  d["products"] = r.products;
  d["degree"] = r.degree;
  d["reason"] = r.reason;
  d["bounds"] = facts_of_bounds(r.bounds);
  d["columns"] = columns_of(std::move(r.vectors));
  return d;
}
/// What all solvers say about how it went; takes the residuals.
template <class R>
py::dict facts_of_solve(R& r) {
  py::dict d;
  d["method"] = std::string(to_string(r.method));
  d["converged"] = r.converged;
  d["iterations"] = r.iterations;
  d["products"] = r.products;
  d["reason"] = r.reason;
  d["residuals"] = array_of(std::move(r.residuals));
  if constexpr (requires { r.certificate; }) {
    d["residual_kind"] = std::string(to_string(r.residual_kind));
    d["certified"] = r.certified;
    d["certificate"] = r.certificate;
    d["solve_seconds"] = r.solve_seconds;
    d["memory_estimate_bytes"] = r.memory_estimate_bytes;
  }
  return d;
}

/// Observables with a value for each time or level, as files take them.
struct Recorded {
  std::vector<RecordedObservable> all;
};
/// Adds what was measured at each time: `recorded` under their names, expectations of operators.
void add_measures(py::dict& d, std::vector<RecordedObservable> recorded,
                  const std::vector<std::vector<std::complex<double>>>& expectations);

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
