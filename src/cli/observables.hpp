#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/operators/sector_operator.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve::cli {

/// What an observable gave: a number, a complex number, or a list of such (a profile, the rows of a
/// matrix).
struct Value {
  std::variant<double, std::complex<double>, std::vector<Value>> content;
};

/// Something to measure on a state, as asked for with --observe. A value; everything about it has
/// been checked.
struct Observable {
  enum class Kind {
    energy,
    variance,
    norm,
    profile,
    site,
    correlations,
    correlation,
    entropy,
    overlap,
    amplitude,
    expectation
  };
  std::string text;  ///< as asked: the name of the result
  Kind kind = Kind::energy;
  std::string a = {}, b = {};    ///< operator names of a correlation
  std::vector<int> sites = {};   ///< of a site, a correlation or an entropy; digits of an amplitude
  std::optional<OpSum> op = {};  ///< of expectation
};

/// A state to compare with in evolutions exists, or not.
enum class InitialState { none, given };

/// Reads what was asked for. Collective (operator files).
/// @throws InvalidArgument  unknown observable, operator or site; with what is allowed
/// @throws IoError          an operator file that cannot be read
std::vector<Observable> parse_observables(const Comm& comm, const std::vector<std::string>& texts,
                                          const SectorOperator& h, InitialState initial);

/// Measures a normalised state. Collective. @param initial  owned rows of the state that `overlap`
/// is taken with
template <Scalar T>
Value measure(const Observable& observable, const SectorOperator& h, const StateView<T>& psi,
              const StateView<T>* initial = nullptr);

extern template Value measure(const Observable&, const SectorOperator&, const StateView<double>&,
                              const StateView<double>*);
extern template Value measure(const Observable&, const SectorOperator&,
                              const StateView<std::complex<double>>&,
                              const StateView<std::complex<double>>*);

/// Names and values, in the order asked for.
using Measured = std::vector<std::pair<std::string, Value>>;

}  // namespace kronsolve::cli
