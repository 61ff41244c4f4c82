#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/export.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/digit_paths.hpp>
#include <kronsolve/operators/local_rule.hpp>
#include <kronsolve/operators/op_sum.hpp>
#include <kronsolve/operators/path_index.hpp>

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
  /// The same of down electrons.
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

/// The states with given charges that obey local rules, ascending by digit string. No list of states is kept: `PathIndex`
/// gives rank and state.
class KRONSOLVE_EXPORT ChargeBasis final : public Basis {
 public:
  /// @throws InvalidArgument  the sector is empty (the text names those that are not), two charges
  ///                          have one name, the dimension exceeds 64 bits
  ChargeBasis(std::vector<LocalSpace> spaces, std::vector<Charge> charges,
              std::vector<LocalRule> rules = {});

  index_t size() const override { return paths_.size(); }
  state_t state(index_t i) const override { return index_.string(i); }
  index_t index(state_t state) const override { return index_.row(state); }
  void states(RowRange range, std::span<state_t> states) const override {
    index_.strings(range, states);
  }
  void indices(std::span<const state_t> states, std::span<index_t> indices) const override {
    index_.rows(states, indices);
  }
  RowPartition partition(int ranks) const override { return paths_.partition(ranks); }
  std::vector<std::string> sector() const override;

  const std::vector<Charge>& charges() const noexcept override { return charges_; }
  const std::vector<LocalRule>& rules() const noexcept override { return rules_; }
  const DigitPaths* paths() const noexcept override { return &paths_; }
  /// Of the tables that find rows, bytes; the same on every rank.
  index_t memory_bytes() const noexcept { return index_.memory_bytes(); }

 private:
  std::vector<Charge> charges_;
  std::vector<LocalRule> rules_;
  DigitPaths paths_;
  PathIndex index_;
};

/// @throws InvalidArgument  a term of `op` changes a charge of the basis, or leads out of the values
///                          that it has there; the text names the term and the charge
KRONSOLVE_EXPORT void require_conserved(const OpSum& op, const Basis& basis);

/// @throws InvalidArgument  a term of `op` leads from the values of a charge that a rule allows to
///                          others; the text names the term and the values
KRONSOLVE_EXPORT void require_united(const OpSum& op, const std::vector<LocalRule>& rules);

}  // namespace kronsolve
