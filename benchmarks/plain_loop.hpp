#pragma once
// What published codes do: for every row a loop over the terms, bit tests, and a look-up of the
// column in index tables (Lin's two tables). The yardstick of the product.

#include <bit>
#include <cstdint>
#include <map>
#include <vector>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/sector_operator.hpp>

namespace kronsolve::bench {

template <Scalar T>
class PlainLoop {
 public:
  explicit PlainLoop(const SectorOperator& h) {
    const auto& spaces = h.op.spaces();
    int bits = 0;
    std::vector<int> shift(spaces.size());
    for (std::size_t s = spaces.size(); s-- > 0;) {
      shift[s] = bits;
      bits += std::bit_width(static_cast<unsigned>(spaces[s].dim() - 1));
    }
    add_terms(h.op, shift);
    add_states(*h.basis, shift, bits);
  }

  void apply(const T* x, T* y) const {
    const auto n = static_cast<index_t>(states_.size());
#pragma omp parallel for schedule(dynamic, 4096) num_threads(num_threads())
    for (index_t i = 0; i < n; ++i) {
      const std::uint64_t s = states_[static_cast<std::size_t>(i)];
      double d = diagonal_.empty() ? 0 : diagonal_[static_cast<std::size_t>(i)];
      T sum{};
      for (const auto& b : bonds_) {
        const std::uint64_t t = s & b.mask;
        if (t != 0 && t != b.mask) {
          d -= b.zz;
          sum += b.flip * x[index(s ^ b.mask)];
        } else {
          d += b.zz;
        }
      }
      for (const auto& m : moves_)
        if ((s & m.mask) == m.value)
          sum += (std::popcount(s & m.sign) % 2 == 0 ? m.coefficient : -m.coefficient) *
                 x[index(s ^ m.flip)];
      for (const auto& f : fields_)
        d += std::popcount(s & f.sign) % 2 == 0 ? f.coefficient : -f.coefficient;
      y[i] = d * x[i] + sum;
    }
  }

 private:
  struct Bond {
    std::uint64_t mask;
    T flip;
    double zz;
  };
  struct Move {
    std::uint64_t mask, value, flip, sign;
    T coefficient;
  };
  struct Field {
    std::uint64_t sign;
    double coefficient;
  };

  std::size_t index(std::uint64_t s) const {
    return full_ ? s : first_[s >> low_bits_] + rank_[s & low_mask_];
  }

  void add_terms(const OpSum& op, const std::vector<int>& shift) {
    std::map<std::uint64_t, Bond> bonds;
    std::vector<Move> moves;
    const CanonicalForm& form = op.canonical_form();
    bool signs = true;
    for (const auto& element : form.elements)
      signs = signs && (!element.is_diagonal() || element.sign_mask() >= 0);
    for (const auto& term : form.terms) {
      Move m{};
      m.coefficient = from_complex<T>(term.coefficient);
      for (const auto& factor : term.factors) {
        const auto s = static_cast<std::size_t>(factor.site);
        const LocalElement& element = form[factor];
        if (element.is_diagonal()) {
          m.sign |= static_cast<std::uint64_t>(element.sign_mask()) << shift[s];
          continue;
        }
        m.mask |= (std::bit_ceil(static_cast<std::uint64_t>(element.dim)) - 1) << shift[s];
        m.value |= static_cast<std::uint64_t>(element.row) << shift[s];
        m.flip |= static_cast<std::uint64_t>(element.row ^ element.col) << shift[s];
      }
      if (m.mask == 0) {
        if (!signs) continue;  // a stored diagonal then
        const double c = term.coefficient.real();
        if (std::popcount(m.sign) == 2)
          bonds.try_emplace(m.sign, Bond{m.sign, T{}, 0}).first->second.zz += c;
        else
          fields_.push_back({m.sign, c});
        continue;
      }
      moves.push_back(m);
    }
    // Two moves that exchange two unequal bits are one bond.
    for (const auto& m : moves) {
      const bool pair = std::popcount(m.mask) == 2 && m.flip == m.mask && m.sign == 0 &&
                        std::popcount(m.value) == 1;
      const Move* other = nullptr;
      for (const auto& o : moves)
        if (pair && o.mask == m.mask && o.value == (m.value ^ m.mask) &&
            o.coefficient == m.coefficient && o.sign == 0)
          other = &o;
      if (other == nullptr)
        moves_.push_back(m);
      else
        bonds.try_emplace(m.mask, Bond{m.mask, T{}, 0}).first->second.flip = m.coefficient;
    }
    for (const auto& [mask, bond] : bonds) {
      if (bond.flip == T{})
        fields_.push_back({mask, bond.zz});
      else
        bonds_.push_back(bond);
    }
    stored_ = !signs;
    op_ = &op;
  }

  void add_states(const Basis& basis, const std::vector<int>& shift, int bits) {
    const auto& code = basis.code();
    const auto n = static_cast<std::size_t>(basis.size());
    states_.resize(n);
    if (stored_) diagonal_.resize(n);
    const CanonicalForm& form = op_->canonical_form();
    std::vector<CanonicalTerm> diagonal;
    if (stored_)
      for (const auto& term : form.terms)
        if (form.is_diagonal(term)) diagonal.push_back(term);
#pragma omp parallel for num_threads(num_threads())
    for (index_t i = 0; i < static_cast<index_t>(n); ++i) {
      const state_t state = basis.state(i);
      std::uint64_t packed = 0;
      for (int s = 0; s < code.sites(); ++s)
        packed |= static_cast<std::uint64_t>(code.digit(state, s))
                  << shift[static_cast<std::size_t>(s)];
      states_[static_cast<std::size_t>(i)] = packed;
      double d = 0;
      for (const auto& term : diagonal) {
        double v = term.coefficient.real();
        for (const auto& factor : term.factors)
          v *= form[factor].values[static_cast<std::size_t>(code.digit(state, factor.site))];
        d += v;
      }
      if (stored_) diagonal_[static_cast<std::size_t>(i)] = d;
    }
    full_ = n == (std::uint64_t{1} << bits);
    low_bits_ = bits / 2;
    low_mask_ = (std::uint64_t{1} << low_bits_) - 1;
    first_.assign(std::size_t{1} << (bits - low_bits_), 0);
    rank_.assign(std::size_t{1} << low_bits_, 0);
    for (std::size_t i = n; i-- > 0;) first_[states_[i] >> low_bits_] = i;
    for (std::size_t i = 0; i < n; ++i)
      rank_[states_[i] & low_mask_] =
          static_cast<std::uint32_t>(i - first_[states_[i] >> low_bits_]);
  }

  const OpSum* op_ = nullptr;
  bool full_ = false, stored_ = false;
  int low_bits_ = 0;
  std::uint64_t low_mask_ = 0;
  std::vector<std::uint64_t> states_;
  std::vector<std::uint64_t> first_;
  std::vector<std::uint32_t> rank_;
  std::vector<double> diagonal_;
  std::vector<Bond> bonds_;
  std::vector<Move> moves_;
  std::vector<Field> fields_;
};

}  // namespace kronsolve::bench
