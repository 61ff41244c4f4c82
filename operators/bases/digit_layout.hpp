#pragma once
// Configurations as digits side by side, and products of diagonal site functions of them.

#include <compare>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve::detail {

/// Digits of all sites side by side, each in as few bits as its dimension needs, site 0 the most
/// significant. `DigitCode` refuses sites that need more bits than there are.
__extension__ using PackedDigits = unsigned __int128;

/// A product of diagonal site functions of a configuration.
struct DiagonalProduct {
  struct Factor {
    int shift = 0;
    unsigned mask = 0;
    const double* values = nullptr;  ///< by digit; owned by the DigitLayout
  };
  PackedDigits sign_mask =
      0;  ///< (-1)^(set digits bits under the mask): Walsh functions, fermion strings
  std::vector<Factor> factors;  ///< what is not a sign

  double operator()(PackedDigits digits) const noexcept {
    const PackedDigits signs = digits & sign_mask;
    const auto folded = static_cast<std::uint64_t>(signs) ^ static_cast<std::uint64_t>(signs >> 64);
    double value = __builtin_parityll(folded) ? -1 : 1;
    for (const auto& f : factors)
      value *= f.values[static_cast<unsigned>(digits >> f.shift) & f.mask];
    return value;
  }
  friend bool operator==(const DiagonalProduct& a, const DiagonalProduct& b);
};

/// The unit matrix |row><col| on one site, row != col.
struct SiteUnit {
  int site, row, col;
  friend auto operator<=>(const SiteUnit&, const SiteUnit&) = default;
};

/// Where the digits of each site are, and the tables that diagonal products point into.
class DigitLayout {
 public:
  explicit DigitLayout(const std::vector<LocalSpace>& spaces);
  DigitLayout(const DigitLayout&) = delete;
  DigitLayout& operator=(const DigitLayout&) = delete;

  const DigitCode& code() const noexcept { return code_; }
  /// Every dimension is a power of two: packed digits are the state itself.
  bool bitwise() const noexcept { return bitwise_; }
  int bits(int site) const noexcept { return bits_[static_cast<std::size_t>(site)]; }
  PackedDigits mask(int site) const noexcept {
    return ((PackedDigits{1} << bits(site)) - 1) << shifts_[static_cast<std::size_t>(site)];
  }
  PackedDigits placed(int site, state_t digit) const noexcept {
    return static_cast<PackedDigits>(digit) << shifts_[static_cast<std::size_t>(site)];
  }
  /// The configuration with these digits.
  state_t state(PackedDigits digits) const noexcept;
  /// What a term of `form` does to the digits, and the diagonal rest of it, which points into this
  /// layout.
  std::pair<std::vector<SiteUnit>, DiagonalProduct> split(const CanonicalForm& form,
                                                          const CanonicalTerm& term);

 private:
  DigitCode code_;
  std::vector<int> shifts_, bits_;
  bool bitwise_ = true;
  std::set<std::vector<double>> tables_;  ///< diagonal functions, padded to a power of two
};

}  // namespace kronsolve::detail
