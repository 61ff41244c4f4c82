#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <kronsolve/core/index.hpp>
#include <kronsolve/core/row_range.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/export.hpp>
#include <kronsolve/operators/local_space.hpp>

namespace kronsolve {

/// A configuration of all sites as one number: its digits in mixed radix, site 0 the most
/// significant.
using state_t = std::uint64_t;

/// Turns configurations into digits and back. A value.
class KRONSOLVE_EXPORT DigitCode {
 public:
  DigitCode() = default;
  /// @throws InvalidArgument  the number of configurations exceeds 2^64
  explicit DigitCode(const std::vector<LocalSpace>& spaces);

  int sites() const noexcept { return static_cast<int>(dims_.size()); }
  int dim(int site) const noexcept { return dims_[static_cast<std::size_t>(site)]; }
  /// What one unit of this site's digit adds to a state.
  state_t stride(int site) const noexcept { return strides_[static_cast<std::size_t>(site)]; }
  int digit(state_t state, int site) const noexcept {
    return static_cast<int>(state / stride(site) % static_cast<state_t>(dim(site)));
  }
  std::string text(
      state_t state) const;  ///< digits in site order, "0101" (comma-separated above 10)

 private:
  std::vector<int> dims_;
  std::vector<state_t> strides_;
};

/// Which states a vector is about, in which order: the full space or a sector.
class KRONSOLVE_EXPORT Basis {
 public:
  explicit Basis(std::vector<LocalSpace> spaces);
  virtual ~Basis();

  const std::vector<LocalSpace>& spaces() const noexcept { return spaces_; }
  int sites() const noexcept { return static_cast<int>(spaces_.size()); }
  const DigitCode& code() const noexcept { return code_; }

  virtual index_t size() const = 0;
  /// Configuration of row i. O(1).
  /// @pre 0 <= i < size()
  virtual state_t state(index_t i) const = 0;
  /// Row of a configuration, -1 if it is not in the basis. O(1).
  virtual index_t index(state_t state) const = 0;
  /// state(range.begin + i) for every entry of `states`. One virtual call for many rows.
  virtual void states(RowRange range, std::span<state_t> states) const;
  /// index(states[i]) for every entry; the two spans may be one memory. One virtual call for many
  /// states.
  virtual void indices(std::span<const state_t> states, std::span<index_t> indices) const;
  /// Complex if operators in this basis are complex matrices even where they are real on the full
  /// space.
  virtual ScalarKind scalar() const { return ScalarKind::real; }
  /// Who owns which rows on that many ranks: contiguous, balanced, aligned to what the fast product
  /// wants.
  virtual RowPartition partition(int ranks) const;
  /// As the command line takes it, one text a condition ("sz=0"); empty for the full space.
  virtual std::vector<std::string> sector() const = 0;

 protected:
  Basis(const Basis&) = default;
  Basis& operator=(const Basis&) = default;

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
  RowPartition partition(int ranks) const override;
  std::vector<std::string> sector() const override { return {}; }

 private:
  index_t size_;
};

}  // namespace kronsolve
