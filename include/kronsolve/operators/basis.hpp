#pragma once

#include <complex>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

/// Turns configurations into digits and back. A value.
class KRONSOLVE_EXPORT DigitCode {
 public:
  DigitCode() = default;
  /// @throws InvalidArgument  the digits of all sites, each in whole bits, need more than 128 bits
  explicit DigitCode(const std::vector<LocalSpace>& spaces);

  int sites() const noexcept { return static_cast<int>(dims_.size()); }  ///< number of sites
  /// Local dimension of a site.
  int dim(int site) const noexcept { return dims_[static_cast<std::size_t>(site)]; }
  /// What one unit of this site's digit adds to a state.
  state_t stride(int site) const noexcept { return strides_[static_cast<std::size_t>(site)]; }
  int digit(state_t state, int site) const noexcept {  ///< digit of a site in a state
    const auto base = static_cast<state_t>(dim(site));
    const state_t upper = detail::quotient(state, stride(site));
    return static_cast<int>(upper - detail::quotient(upper, base) * base);
  }
  state_t largest() const noexcept { return largest_; }  ///< configuration
  std::string text(
      state_t state) const;  ///< digits in site order, "0101" (comma-separated above 10)

 private:
  std::vector<int> dims_;
  std::vector<state_t> strides_;
  state_t largest_ = 0;
};

struct Charge;
struct LocalRule;
class SymmetryBasis;
class SymmetryGroup;

/// How a configuration lies in a basis: what the basis has of it is amplitude |row>.
struct Location {
  index_t key = -1;                    ///< names the row, for `Basis::owner` and `Basis::row`
  std::complex<double> amplitude = 0;  ///< <row|configuration>; 0: there is no such row
};

/// A configuration that a row is made of.
struct Component {
  state_t state = 0;               ///< the configuration; one may come several times
  std::complex<double> amplitude;  ///< <configuration|row>
};

/// Which states a vector is about, in which order: the full space or a sector.
///
/// A row is a configuration, or in sectors of symmetries a sum over the orbit of one, its
/// representative. `locate` and `orbit` say which, so that nobody has to ask what kind of basis it
/// is. Bases of configurations need `size`, `state`, `index` and `sector` only.
class KRONSOLVE_EXPORT Basis {
 public:
  /// On these sites, in order.
  /// @throws InvalidArgument  as DigitCode
  explicit Basis(std::vector<LocalSpace> spaces);
  virtual ~Basis();

  /// Local space of each site.
  const std::vector<LocalSpace>& spaces() const noexcept { return spaces_; }
  int sites() const noexcept { return static_cast<int>(spaces_.size()); }  ///< number of sites
  const DigitCode& code() const noexcept { return code_; }  ///< digits of configurations

  virtual index_t size() const = 0;  ///< states, on all ranks together
  /// Configuration (representative) of row i. O(1).
  /// @pre 0 <= i < size()
  virtual state_t state(index_t i) const = 0;
  /// Row of a configuration, -1 if it is not in the basis. O(1).
  virtual index_t index(state_t state) const = 0;
  /// state(range.begin + i) for every entry of `states`. One virtual call for many rows.
  virtual void states(RowRange range, std::span<state_t> states) const;
  /// index(states[i]) for every entry. One virtual call for many states.
  virtual void indices(std::span<const state_t> states, std::span<index_t> indices) const;

  /// How each configuration lies in the basis; `keys` may not overlap `states`. Local: in a basis
  /// that is spread over ranks it is known who has a row, but its number only there. One virtual
  /// call for many states.
  virtual void locate(std::span<const state_t> states, std::span<index_t> keys,
                      std::span<std::complex<double>> amplitudes) const;
  Location locate(state_t state) const;  ///< of one configuration
  /// Rank that has the row of a key.
  /// @pre rows == partition(ranks), the key's amplitude is not 0
  virtual int owner(index_t key, const RowPartition& rows) const { return rows.owner(key); }
  /// Row of a key, on its owner.
  virtual index_t row(index_t key) const { return key; }
  /// What an owned row is made of, into `components`; those of equal configuration add up. Local.
  virtual void orbit(index_t row, std::vector<Component>& components) const {
    components.assign(1, {state(row), 1.0});
  }
  /// The configurations that rows are made of, as a basis: this one, or the sector of the charges
  /// alone.
  virtual const Basis& configurations() const { return *this; }

  /// The charges that all its states have.
  virtual const std::vector<Charge>& charges() const;
  /// The local rules that its configurations obey: operators are projected on what does (see
  /// LocalRule).
  virtual const std::vector<LocalRule>& rules() const;
  /// The symmetries that its states have; nothing if rows are configurations.
  virtual const SymmetryGroup* symmetries() const { return nullptr; }
  /// The digit strings whose ascending list the basis is; nothing if it is no such list.
  virtual const DigitPaths* paths() const { return nullptr; }
  /// The basis as orbits under a group, for what needs more of them than `locate` tells; nothing if
  /// it is none.
  virtual const SymmetryBasis* orbits() const { return nullptr; }
  /// No if its states are counted and not known (`CountedBasis`).
  virtual bool is_listed() const { return true; }

  /// Complex if operators in this basis are complex matrices even where they are real on the full
  /// space.
  virtual ScalarKind scalar() const { return ScalarKind::real; }
  /// Who owns which rows on that many ranks: contiguous, balanced, aligned to what the fast product
  /// wants.
  virtual RowPartition partition(int ranks) const;
  /// As the command line takes it, one text a condition ("sz=0"); empty for the full space.
  virtual std::vector<std::string> sector() const = 0;

 protected:
  Basis(const Basis&) = default;             ///< for derived bases, which are values
  Basis& operator=(const Basis&) = default;  ///< for derived bases, which are values

 private:
  std::vector<LocalSpace> spaces_;
  DigitCode code_;
};

/// Every configuration, ascending.
class KRONSOLVE_EXPORT FullBasis final : public Basis {
 public:
  /// @throws InvalidArgument  the dimension exceeds 64 bits
  explicit FullBasis(std::vector<LocalSpace> spaces);
  index_t size() const override { return size_; }
  state_t state(index_t i) const override { return static_cast<state_t>(i); }
  index_t index(state_t state) const override { return static_cast<index_t>(state); }
  void states(RowRange range, std::span<state_t> states) const override;
  void indices(std::span<const state_t> states, std::span<index_t> indices) const override;
  RowPartition partition(int ranks) const override { return paths_.partition(ranks); }
  const DigitPaths* paths() const override { return &paths_; }
  std::vector<std::string> sector() const override { return {}; }

 private:
  index_t size_;
  DigitPaths paths_;
};

}  // namespace kronsolve
