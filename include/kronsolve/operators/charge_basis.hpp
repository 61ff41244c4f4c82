#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/op_sum.hpp>

namespace kronsolve {

/// A conserved charge with its value: total Sz, a number of particles, a parity. A value.
struct KRONSOLVE_EXPORT Charge {
  std::string name;   ///< sz, n, nup, ndown, parity
  AdditiveRule rule;  ///< sz counts in halves: values and target are twice Sz

  /// Total Sz = twice/2 of spins and electrons (other sites count 0).
  /// @throws InvalidArgument  no site has a spin
  static Charge sz(const std::vector<LocalSpace>& spaces, int twice);
  /// Total number of bosons and fermions.
  /// @throws InvalidArgument  no site holds particles
  static Charge particles(const std::vector<LocalSpace>& spaces, int number);
  /// Number of up (down) electrons.
  /// @throws InvalidArgument  no site holds electrons
  static Charge up(const std::vector<LocalSpace>& spaces, int number);
  static Charge down(const std::vector<LocalSpace>& spaces, int number);
  /// Number of particles modulo 2 (sites without particles: their digit).
  /// @throws InvalidArgument  value is not 0 or 1
  static Charge parity(const std::vector<LocalSpace>& spaces, int value);
  /// From `sz=0`, `sz=-1/2`, `n=4`, `nup=2`, `ndown=2`, `parity=1`; nothing if the key is none of
  /// these.
  /// @throws InvalidArgument  the value is no number, or half a number where a whole one is wanted
  static std::optional<Charge> parse(const std::vector<LocalSpace>& spaces, std::string_view text);

  std::string text() const;                 ///< "sz=1/2", as parse() takes it
  std::string value_text(int value) const;  ///< "1/2" of a value counted as in the rule
};

/// The states with given charges, ascending by digit string. No list of states is kept: tables over
/// parts of the sites (a few thousand to a million entries each, small also where 64 sites hold a
/// few particles) give rank and state.
class KRONSOLVE_EXPORT ChargeBasis final : public Basis {
 public:
  /// @throws InvalidArgument  the sector is empty (the text names those that are not), two charges
  ///                          have one name, the dimension exceeds 64 bits
  ChargeBasis(std::vector<LocalSpace> spaces, std::vector<Charge> charges);

  index_t size() const override { return paths_.size(); }
  state_t state(index_t i) const override;
  index_t index(state_t state) const override;
  void states(RowRange range, std::span<state_t> states) const override;
  void indices(std::span<const state_t> states, std::span<index_t> indices) const override;
  RowPartition partition(int ranks) const override { return paths_.partition(ranks); }
  std::vector<std::string> sector() const override;

  const std::vector<Charge>& charges() const noexcept override { return charges_; }
  const DigitPaths* paths() const noexcept override { return &paths_; }
  index_t memory_bytes() const noexcept;

 private:
  /// A run of sites. For each node at its front: the strings of the run that something completes,
  /// with the rows that come before them; and the same by string.
  struct Part {
    int begin = 0, end = 0;
    state_t stride = 1, strings = 1;
    struct Node {
      std::vector<std::uint32_t> string;
      std::vector<index_t> first;  ///< rows before; one more entry at the end
      std::vector<std::uint32_t> guide;
      int shift = 0;
    };
    std::vector<Node> nodes;
    struct Entry {
      index_t first = -1;
      int node = -1;  ///< where it leads; of the last part: the only node it may come from
    };
    std::vector<Entry> entries;  ///< [node][string]; of the last part [string]
    bool last = false;
  };
  void fill(Part& part) const;

  std::vector<Charge> charges_;
  DigitPaths paths_;
  std::vector<Part> parts_;
};

/// @throws InvalidArgument  a term of `op` changes a charge of the basis; the text names the term
///                          and the charge
KRONSOLVE_EXPORT void require_conserved(const OpSum& op, const Basis& basis);

}  // namespace kronsolve
