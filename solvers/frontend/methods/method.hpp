#pragma once
// What a method of eigh is, and the table of them. Each is a file of this folder.

#include <array>
#include <string>
#include <string_view>

#include "solvers/frontend/eigh_problem.hpp"

namespace kronsolve::frontend {

/// What a method does in one arithmetic.
template <Scalar T>
struct MethodRun {
  /// Bytes on a rank, those of the operator included. Local.
  double (*bytes)(const EighProblem<T>&, const EighOptions&, OperatorForm);
  /// Collective.
  /// @pre check() has passed, and there is memory
  EighResult (*solve)(const EighProblem<T>&, const EighOptions&, OperatorForm);
};

/// A function that is not given says no, or nothing.
struct EighMethod {
  Method method;
  std::string_view name;                        ///< as the command line has it
  bool stores = false;                          ///< has no use for a product without a matrix
  bool engine = false;                          ///< is SLEPc's
  bool preconditioned = false;                  ///< by the diagonal of stored rows among others
  bool intervals = false;                       ///< finds every pair in an interval
  bool fragile = false;                         ///< breaks down where LAPACK does not
  double largest_number = 1e100;                ///< that it is sure with; and the inverse of it
  bool (*factorises)(const EighOptions&) = {};  ///< the matrix
  bool (*goes_on)(const EighOptions&) = {};     ///< from a checkpoint in the middle
  /// Why so few rows are left to LAPACK; empty if they are not.
  std::string (*too_small)(const EighOptions&, index_t rows) = {};
  /// Combinations of options that it cannot serve. Local.
  /// @throws InvalidArgument  with the remedy
  void (*check)(const EighOptions&) = {};
  MethodRun<double> real;
  MethodRun<std::complex<double>> complex;

  template <Scalar T>
  const MethodRun<T>& run() const noexcept {
    if constexpr (is_complex<T>)
      return complex;
    else
      return real;
  }
};

extern const EighMethod dense_method, slepc_method, lanczos_method, lobpcg_method, jd_method,
    gd_method, filter_method, ciss_method;

/// In the order of `Method`.
inline constexpr std::array eigh_methods = {&dense_method,  &slepc_method, &lanczos_method,
                                            &lobpcg_method, &jd_method,    &gd_method,
                                            &filter_method, &ciss_method};

/// @pre it is one of them, not `automatic`
const EighMethod& method_of(Method method);

/// Of methods for the ends of the spectrum.
/// @throws InvalidArgument
void require_end(const EighOptions& options);
/// Is a value, or an interval, inside the spectrum the target?
bool is_targeted(const EighOptions& options);

/// Bytes of `vectors` columns beside the operator.
template <Scalar T>
double bytes_with(const EighProblem<T>& p, OperatorForm form, double vectors) {
  return map_bytes(p, form) + vectors * double(p.partition.max_local_rows()) * sizeof(T);
}
/// What starting the engine adds.
inline double start_bytes() { return engine_bytes + (Environment::running() ? 0 : mpi_bytes); }
/// Pairs of an interval before they are counted: one slice. What the count then needs is checked
/// when it is known.
inline constexpr index_t expected_interval_pairs = 64;
/// Bytes of SLEPc's solvers that expand a space.
template <Scalar T>
double space_bytes(const EighProblem<T>& p, const EighOptions& o, OperatorForm form);

}  // namespace kronsolve::frontend
