#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/local_matrix.hpp>

namespace kronsolve {

/// The states of one site: a spin, a boson with a cut-off, a spinless fermion, an electron, an
/// electron that never shares its site (t-J models), or just a dimension.
///
/// Digit 0 is the state with the largest Sz, or no particle. Electrons: 0 empty, 1 up, 2 down, 3 =
/// c+up c+down |0> (not on t-J sites).
class KRONSOLVE_EXPORT LocalSpace {
 public:
  /// What lives on the site; plain: a dimension and nothing else.
  enum class Kind { spin, boson, fermion, electron, tj, plain };

  LocalSpace() : LocalSpace(Kind::spin, 2) {}  ///< spin 1/2
  /// Spin S = twice_spin/2, dimension twice_spin + 1.
  /// @throws InvalidArgument  twice_spin < 1 or > 254
  static LocalSpace spin(int twice_spin);
  /// Bosons, at most dim-1 on the site.
  /// @throws InvalidArgument  dim < 2 or > 255
  static LocalSpace boson(int dim);
  static LocalSpace fermion();   ///< spinless: dimension 2
  static LocalSpace electron();  ///< dimension 4
  static LocalSpace tj();        ///< electrons without double occupation, dimension 3
  /// A site without operators of its own but the identity and projectors.
  /// @throws InvalidArgument  dim < 1 or > 255
  static LocalSpace plain(int dim);
  /// From text: `spin-1/2`, `spin-1`, `spin-3/2`, `boson:4` (dimension 4), `fermion`, `electron`,
  /// `tj`, `dim:3`.
  /// @throws InvalidArgument  naming what is allowed
  static LocalSpace parse(std::string_view text);

  Kind kind() const noexcept { return kind_; }          ///< what lives on the site
  int dim() const noexcept { return dim_; }             ///< number of its states
  int twice_spin() const noexcept { return dim_ - 1; }  ///< of a spin
  /// Electron or tj.
  bool has_electrons() const noexcept { return kind_ == Kind::electron || kind_ == Kind::tj; }
  /// Its operators carry strings.
  bool is_fermionic() const noexcept { return kind_ == Kind::fermion || has_electrons(); }
  std::string name() const;  ///< as parse() takes it

  /// Names of the operators of this space, for messages: `Sx Sy Sz S+ S- ...`.
  std::vector<std::string> operator_names() const;
  /// The matrix of an operator: `I`, `P0 P1 ...` (projector on a digit), for spins `Sx Sy Sz S+ S-`
  /// and for spin 1/2 Pauli `X Y Z`, for bosons `B+ B- N`, for fermions `C+ C- N` and Majorana `Mx
  /// = C+ + C-`, `My = i(C+ - C-)`, for electrons `Cup+ Cup- Cdn+ Cdn- Nup Ndn N Sz S+ S- Sx Sy`
  /// (on t-J sites projected on at most one electron). The sign that an electron's own up mode
  /// gives its down operators is in the matrix; strings are not. Nothing if there is no such
  /// operator here.
  std::optional<LocalMatrix> find(std::string_view op) const;

  /// Number of fermions that an operator changes, by spin: which strings it carries.
  struct FermionParity {
    bool up = false;    ///< odd in up (or spinless) modes
    bool down = false;  ///< odd in down modes
  };
  /// Of an operator by name; both false if it is not known here.
  FermionParity fermion_parity(std::string_view op) const noexcept;
  LocalMatrix up_parity()
      const;  ///< (-1)^(number of up or spinless fermions); the identity on other sites
  LocalMatrix down_parity() const;  ///< (-1)^(number of down fermions)

  friend bool operator==(const LocalSpace&, const LocalSpace&) = default;

 private:
  LocalSpace(Kind kind, int dim) : kind_(kind), dim_(dim) {}
  Kind kind_;
  int dim_;
};

}  // namespace kronsolve
