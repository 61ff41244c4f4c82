#pragma once
// An operator sum turned into tables that produce the rows of its matrix one after the other.

#include <cmath>
#include <complex>
#include <cstdint>
#include <vector>

#include <kronsolve/core/scalar.hpp>
#include <kronsolve/operators/basis.hpp>
#include <kronsolve/operators/op_sum.hpp>

#include "operators/bases/digit_layout.hpp"

namespace kronsolve::detail {

/// A sum of diagonal products; values that are only rounding errors of what was added up for them
/// are returned as exact zeros.
template <Scalar T>
struct DiagonalSum {
  std::vector<std::pair<T, DiagonalProduct>> terms;

  T operator()(PackedDigits digits) const noexcept {
    constexpr double rounding = 1e-15;
    if (terms.size() == 1) return terms[0].first * terms[0].second(digits);
    T sum{};
    double scale = 0;
    for (const auto& [coefficient, product] : terms) {
      const T value = coefficient * product(digits);
      sum += value;
      scale += std::abs(value);
    }
    return std::abs(sum) <= rounding * scale ? T{} : sum;
  }
};

/// One way to get from a row to a column: where the digits of the row under `mask` are `value`, the
/// column is the state row + `step`, and the element is `constant` or, if that varies, sums[sum].
template <Scalar T>
struct Move {
  PackedDigits mask = 0, value = 0;
  state_t step = 0;  ///< modulo 2^128
  T constant{};
  int sum = -1;
  std::uint32_t low_step = 0;  ///< of the low part, modulo the number of low states
};

/// The tables of one operator. Immutable; shared by threads.
///
/// The digits are split into a high and a low part (low: the last sites, few enough states for
/// tables). Rows come in runs of one high part (a `Run`), for which the moves are sifted once; what
/// is left per row are one AND and one comparison a move.
template <Scalar T>
class CompiledOperator {
 public:
  /// @throws InvalidArgument  T is real and op is not
  explicit CompiledOperator(const OpSum& op);
  CompiledOperator(const CompiledOperator&) = delete;
  CompiledOperator& operator=(const CompiledOperator&) = delete;

  std::uint64_t low_states() const noexcept { return low_states_; }
  int first_low_site() const noexcept { return first_low_site_; }
  /// For each move a row that it applies to, and the column it leads to.
  std::vector<std::pair<state_t, state_t>> move_ends() const;
  /// Room that a row needs in `Run::fill`, which writes one entry ahead.
  int largest_row() const noexcept { return static_cast<int>(moves_.size()) + 2; }

  /// What is left of the operator for one high part; scratch of one thread.
  class Run {
   public:
    explicit Run(const CompiledOperator& compiled);
    /// Prepares for the states high*low_states() ... +low_states()-1.
    void enter(state_t high);
    bool entered(state_t high) const noexcept { return valid_ && high == high_; }
    /// Entries of the row; `low` is the state modulo low_states().
    int count(std::uint64_t low) const noexcept;
    /// Writes column states and elements, ascending in the state. Both arrays have room for
    /// largest_row().
    int fill(std::uint64_t low, state_t* columns, T* values) const noexcept;
    /// The same where states fit into 64 bits.
    int fill(std::uint64_t low, name_t* columns, T* values) const noexcept;
    /// This with the number of the move that leads to each column (-1: the row itself).
    int fill(std::uint64_t low, int* moves, name_t* columns, T* values) const noexcept;
    /// The same with rows of a basis as columns, -1 where the basis has none. In the basis the
    /// states of one high part must follow each other, in the order of ranks[low], and a move must
    /// join them with states of one other such group: charge sectors do.
    /// @param row  row of the state itself
    int fill_ranked(std::uint64_t low, index_t row, const Basis& basis, const std::uint32_t* ranks,
                    index_t* columns, T* values);

   private:
    struct LowMove {
      std::uint32_t mask, value;
    };
    T diagonal(std::uint64_t low) const noexcept;
    template <bool Named, class Word>
    int fill_moves(std::uint64_t low, int* moves, Word* columns, T* values) const noexcept;
    const CompiledOperator& c_;
    bool valid_ = false;
    state_t high_ = 0;
    state_t first_ = 0;  ///< high part alone
    PackedDigits high_digits_ = 0;
    T high_diagonal_{};
    std::vector<T> cross_;  ///< factor of each low function of the diagonal
    // Moves whose high part matches, in the order of their steps; those before `before_` go to
    // smaller states.
    std::vector<LowMove> tests_;
    std::vector<state_t> steps_;
    std::vector<T> constants_;
    std::vector<int> sums_;
    std::vector<int> numbers_;  ///< of all moves
    std::vector<std::uint32_t> low_steps_;
    std::vector<index_t>
        firsts_;  ///< of fill_ranked: row of rank 0 where a move leads to, as far as known
    std::vector<std::uint32_t> matches_;
    std::size_t before_ = 0;
    bool varying_ = false;
  };

 private:
  struct SplitTerm {
    T coefficient;
    DiagonalProduct high;
    int low_function;  ///< -1: none
  };
  void add_moves(const OpSum& op);
  void split_diagonal();
  bool try_split(int first_low_site);
  PackedDigits pack(state_t state, int first_site, int last_site) const noexcept;

  DigitLayout layout_;

  std::vector<Move<T>> moves_;  ///< ascending in the step
  std::size_t first_upward_ = 0;
  std::vector<DiagonalSum<T>> sums_;
  std::vector<std::pair<T, DiagonalProduct>> diagonal_;

  int first_low_site_ = 0;
  int low_bits_ = 0;
  std::uint64_t low_states_ = 1;
  std::vector<std::uint32_t> low_packed_;  ///< by low state
  // Diagonal = sum over split terms of coefficient * high(high digits) * low_function(low state) +
  // low_diagonal(low state).
  std::vector<SplitTerm> split_terms_;
  std::size_t low_functions_ = 0;
  std::vector<double> low_values_;  ///< [low state][low function]
  std::vector<T> low_diagonal_;
};

extern template class CompiledOperator<double>;
extern template class CompiledOperator<std::complex<double>>;

}  // namespace kronsolve::detail
