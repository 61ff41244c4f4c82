#pragma once
// A random problem: sites, terms, a sector; how it is written down, and how it is made smaller.

#include <optional>
#include <random>
#include <string>
#include <vector>

#include <kronsolve/operators/sectors.hpp>

#include "storm/oracle.hpp"

namespace kronsolve::storm {

/// Numbers that depend on the seed alone, on any machine.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  int below(int n) { return static_cast<int>(engine_() % static_cast<std::uint64_t>(n)); }
  bool chance(double p) { return uniform() < p; }
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  template <class T>
  const T& pick(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(below(static_cast<int>(list.size())))];
  }

 private:
  std::mt19937_64 engine_;
};

/// What a term stands for: itself, its images under the symmetries, and the adjoints of all.
struct Problem {
  Spaces spaces;
  Terms seeds;
  Definitions definitions;
  double unit = 1;
  Charges charges;
  std::vector<Symmetry> symmetries;  ///< commuting

  Terms terms() const;
  std::vector<std::string> conditions() const;
  OpSum op() const;
  Sector sector() const;
  std::string file() const;  ///< an operator file
  /// "--terms storm.toml --sector ..."
  std::string options() const;
};

struct Limits {
  Index dimension = 256;  ///< of the whole space
};

Problem random_problem(Dice& dice, const Limits& limits);
/// Products as written, not made Hermitian, of any operators.
Terms random_terms(Dice& dice, const Problem& problem, int count);
std::string term_text(const OpTerm& term);

/// The same with one thing less; nothing when there is no `which`-th thing to leave out.
std::optional<Problem> smaller(const Problem& problem, std::size_t which);

}  // namespace kronsolve::storm
