#pragma once

#include <complex>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/linear_map.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/state_view.hpp>

namespace kronsolve {

/// What an observable came to: a number, a list, or a matrix by rows; of real or complex numbers.
struct ObservableValue {
  /// What kind of thing it is.
  enum class Shape { number, vector, matrix };
  Shape shape = Shape::number;               ///< of the value
  ScalarKind scalar = ScalarKind::real;      ///< real: imaginary parts are zero by construction
  index_t rows = 1,                          ///< of a list: its length
      cols = 1;                              ///< of a matrix; else 1
  std::vector<std::complex<double>> values;  ///< by rows, rows * cols of them
  /// How large the numbers may be for a normalised state (0: unknown): far below are rounding errors.
  double scale = 1;
  std::string axis = {};  ///< what numbers the rows and columns, if not sites: momentum, distance
  std::string note = {};  ///< what else the number says, for people: "S = 1/2"
};

/// What observables may need besides the state.
template <Scalar T>
struct ObservableContext {
  const OpSum* hamiltonian = nullptr;  ///< for energy and variance
  const LinearMap<T>* product =
      nullptr;  ///< the Hamiltonian as a map in the state's basis, if there is one at hand
  std::optional<StateView<T>> reference = {};  ///< psi0 of overlap and fidelity
};

/// A quantity by its name on the command line. A value; the same on every rank.
///
/// | text | value |
/// | --- | --- |
/// | `energy`, `variance`, `norm` | <H>, <H^2> - <H>^2, the 2-norm |
/// | `sz`, `n`, `local:OP` | list of <Sz_i>, <N_i>, <OP_i>; with `:3` at the end that of one site |
/// | `double-occupancy` | list of <Nup_i Ndn_i>; `:3` as above |
/// | `corr:A,B`, `corr:A,B:0,5` | matrix of <A_i B_j>, not connected; one of its entries |
/// | `distance:A,B` | list: mean of <A_i B_j> over the sites i, j that are 0, 1, 2 ... bonds apart |
/// | `sq:A,B` | sum_ij exp(iq(r_i - r_j)) <A_i B_j> / N: list over q = 2 pi m/N, in two dimensions matrix over (mx, my) |
/// | `bonds`, `bonds:A,B` | list over the bonds of <S_i . S_j> or <A_i B_j> |
/// | `current:A,B` | list over the bonds of <i (A_i B_j - its adjoint)> |
/// | `dimers` | matrix over the bonds of <(S_i . S_j)(S_k . S_l)>, not connected |
/// | `chirality`, `chirality:corr` | list over triangles (i, i+1, i+2 of a chain) of <S_i . (S_j x S_k)>; matrix of their products |
/// | `s2`, `spin` | <S^2> of the total spin; S of <S^2> = S(S+1) |
/// | `magnetisation`, `staggered` | <m> with m = sum_i Sz_i / N, or +Sz and -Sz on the two sublattices; `:2`, `:4`: <m^2>, <m^4>; `:binder`: 1 - <m^4> / (3 <m^2>^2) |
/// | `imbalance` | of particles between the sublattices over their number; of spins sum_i +-<Sz_i> / sum_i S_i |
/// | `participation` | 1 / sum over configurations of probability^2 |
/// | `entropy:half`, `entropy:4`, `entropy:0,3-5` | von Neumann entropy (nats) of the first floor(N/2) or 4 sites, or of a set of sites |
/// | `renyi:2:half`, `renyi:0.5:4` | Renyi entropy of that order |
/// | `schmidt:half` | Schmidt values, descending |
/// | `mutual:0,1:4,5` | S(A) + S(B) - S(AB) of two sets of sites |
/// | `negativity:0,1:4,5` | logarithmic negativity of two sets of sites |
/// | `overlap`, `fidelity` | <reference|psi>, [re, im]; \|<reference\|psi>\|^2 |
/// | `amplitude:0101` | of one configuration, [re, im] |
/// | `op:Sz 0 Sz 3 + 0.5 S+ 0 S- 1`, `op:FILE.toml` | <OP>; [re, im] if it is not Hermitian |
///
/// Lists of <OP_i> and correlations are complex numbers where neither Hermiticity nor real
/// arithmetic makes them real. Distances, sublattices and momenta are those of the lattice.
class KRONSOLVE_EXPORT Observable {
 public:
  /// Reads the text and checks it against the basis, before any state exists. Collective (an
  /// operator file is read on rank 0).
  /// @param lattice  where the sites are; if not given, an open chain
  /// @throws InvalidArgument  naming what is allowed
  /// @throws IoError          the operator file
  /// @throws NotSupported     not in this basis
  static Observable parse(const Comm& comm, std::string_view text, const Basis& basis,
                          const std::optional<Lattice>& lattice = std::nullopt);

  const std::string& text() const noexcept { return text_; }  ///< as it was asked for
  bool needs_hamiltonian() const noexcept;                    ///< for its value: energy, variance
  bool needs_reference() const noexcept;                      ///< for its value: overlap, fidelity
  /// It is linear in the density matrix: a mixture of states has the mean of their values. Entropies,
  /// ratios, overlaps and the like are not, or need one state.
  bool is_expectation() const;

  struct Quantity;  ///< what the text means; internal
  const Quantity& quantity() const noexcept { return *quantity_; }

 private:
  Observable(std::string text, std::shared_ptr<const Quantity> quantity)
      : text_(std::move(text)), quantity_(std::move(quantity)) {}
  std::string text_;
  std::shared_ptr<const Quantity> quantity_;
};

/// A Hamiltonian for `ObservableContext::product`: without storing it, on full spaces and charge
/// sectors, where that costs much less than looking at the elements one by one. Collective; `comm`
/// and `basis` must outlive it.
/// @return nothing in other sectors, for operators that lead out of the sector or that T cannot
///         hold, and where it does not fit
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> observable_product(const Comm& comm,
                                                                  const OpSum& hamiltonian,
                                                                  const Basis& basis);
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> observable_product(const Comm&&, const OpSum&,
                                                                  const Basis&) = delete;
template <Scalar T>
KRONSOLVE_EXPORT std::unique_ptr<LinearMap<T>> observable_product(const Comm&, const OpSum&,
                                                                  const Basis&&) = delete;

/// The values for one state, in order; energy and variance share one product, by
/// `observable_product` if the context has none. Collective.
/// @throws InvalidArgument  the context lacks what an observable needs
template <Scalar T>
KRONSOLVE_EXPORT std::vector<ObservableValue> evaluate(std::span<const Observable> observables,
                                                       const StateView<T>& psi,
                                                       const ObservableContext<T>& context = {});

}  // namespace kronsolve
