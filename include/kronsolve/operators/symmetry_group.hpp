#pragma once

#include <complex>
#include <cstdint>
#include <string>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/local_rule.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

/// Does a symmetry turn every spin over?
enum class SpinFlip { no, yes };

/// A symmetry and how a state shall behave under it: U psi = exp(2 pi i turns / of) psi.
///
/// U takes the operators of site i to site image[i] (so fermions get their signs) and, if it flips,
/// m to -m on every spin without a phase and exchanges up and down operators of electrons. A plane
/// wave sum_j exp(ikj) |j> has U psi = exp(-ik) psi under the translation j -> j+1.
struct SymmetryGenerator {
  std::string name;              ///< as asked, for messages: "momentum=1"
  SitePermutation image;         ///< site i goes to image[i]
  SpinFlip flip = SpinFlip::no;  ///< besides, every spin is turned over
  int turns = 0;                 ///< numerator of the phase
  int of = 1;                    ///< denominator of the phase; 1: the state does not change
};

/// The group that generators span, with its one-dimensional character. A value.
class KRONSOLVE_EXPORT SymmetryGroup {
 public:
  /// One symmetry with its character.
  struct Element {
    SitePermutation image;         ///< site i goes to image[i]
    SpinFlip flip = SpinFlip::no;  ///< besides, every spin is turned over
    int phase = 0;                 ///< character exp(2 pi i phase / phases())
  };

  /// Closes the generators, which need not commute. The identity is the first element.
  /// @throws InvalidArgument  an image is no permutation of the sites or joins different local
  ///                          spaces, a flip without spins, more than 100000 elements, or a
  ///                          character that is not consistent: the text names the relation
  SymmetryGroup(std::vector<LocalSpace> spaces, std::vector<SymmetryGenerator> generators);

  /// Local space of each site.
  const std::vector<LocalSpace>& spaces() const noexcept { return spaces_; }
  /// As given.
  const std::vector<SymmetryGenerator>& generators() const noexcept { return generators_; }
  /// All of them, the identity first.
  const std::vector<Element>& elements() const noexcept { return elements_; }
  int order() const noexcept { return static_cast<int>(elements_.size()); }  ///< number of elements
  int phases() const noexcept { return phases_; }                            ///< even
  std::complex<double> phase_value(int phase) const {  ///< character of that phase
    return values_[static_cast<std::size_t>(phase)];
  }
  /// Complex if a character is.
  ScalarKind scalar() const noexcept;

 private:
  void close();
  std::string relation(std::size_t known, std::size_t from, std::size_t generator) const;
  std::vector<std::size_t> word(std::size_t element) const;

  std::vector<LocalSpace> spaces_;
  std::vector<SymmetryGenerator> generators_;
  std::vector<Element> elements_;
  std::vector<std::pair<std::size_t, std::size_t>> origins_;  ///< element = generator after element
  int phases_ = 2;
  std::vector<std::complex<double>> values_;
};

/// Digit of the state that a spin flip makes of `digit`.
KRONSOLVE_EXPORT int flipped_digit(const LocalSpace& space, int digit);

/// Number of states with these charges, rules and this symmetry, without listing them: the mean over the
/// group of character times trace (Burnside), the traces from the cycles of the permutations.
/// Local; milliseconds for 36 sites.
/// @throws InvalidArgument  the dimension exceeds 64 bits
KRONSOLVE_EXPORT index_t symmetric_dimension(const SymmetryGroup& group,
                                             const std::vector<Charge>& charges,
                                             const std::vector<LocalRule>& rules = {});

}  // namespace kronsolve
