#include "operators/rows/compiled_operator.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include <kronsolve/core/error.hpp>

namespace kronsolve::detail {

namespace {

constexpr std::uint64_t most_low_states = 4096;
/// Not looked up yet.
constexpr index_t unknown_row = -2;
constexpr std::size_t most_table_bytes = std::size_t{4} << 20;

PackedDigits low_mask(int bits) { return (PackedDigits{1} << bits) - 1; }

}  // namespace

template <Scalar T>
CompiledOperator<T>::CompiledOperator(const OpSum& op) : layout_(op.spaces()) {
  if constexpr (!is_complex<T>)
    if (!op.is_real())
      throw InvalidArgument("the operator is not real; build its rows as complex numbers");
  add_moves(op);
  split_diagonal();
  for (auto& move : moves_) {
    // A step down is 2^128 less than it reads, which need not be a multiple of the low states.
    const bool upward = &move >= moves_.data() + first_upward_;
    const state_t length = upward ? move.step : -move.step;
    const auto part = static_cast<std::uint64_t>(length % low_states_);
    move.low_step = static_cast<std::uint32_t>(upward || part == 0 ? part : low_states_ - part);
  }
}

template <Scalar T>
void CompiledOperator<T>::add_moves(const OpSum& op) {
  const DigitCode& code = layout_.code();
  std::map<std::vector<SiteUnit>, DiagonalSum<T>> patterns;
  const CanonicalForm& form = op.canonical_form();
  for (const auto& term : form.terms) {
    auto [units, diagonal] = layout_.split(form, term);
    const T coefficient = from_complex<T>(term.coefficient);
    if (coefficient != T{}) patterns[units].terms.emplace_back(coefficient, std::move(diagonal));
  }
  std::vector<std::pair<bool, Move<T>>> ordered;  // whether it leads upwards
  for (auto& [units, sum] : patterns) {
    if (units.empty()) {
      diagonal_ = std::move(sum.terms);
      continue;
    }
    Move<T> move;
    for (const auto& [site, row, col] : units) {
      move.mask |= layout_.mask(site);
      move.value |= layout_.placed(site, static_cast<state_t>(row));
      move.step += code.stride(site) * (static_cast<state_t>(col) - static_cast<state_t>(row));
    }
    const bool constant = sum.terms.size() == 1 && sum.terms[0].second == DiagonalProduct{};
    if (constant) {
      move.constant = sum.terms[0].first;
    } else {
      move.sum = static_cast<int>(sums_.size());
      sums_.push_back(std::move(sum));
    }
    // The first site that changes decides: units ascend by site.
    ordered.emplace_back(units.front().col > units.front().row, move);
  }
  // Two moves with the same step never apply to one row: they would change the same digits in the
  // same way. So in the order of their steps the columns of every row ascend strictly, without
  // sorting or merging.
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first, a.second.step) < std::pair(b.first, b.second.step);
  });
  for (const auto& [upward, move] : ordered) {
    if (!upward) ++first_upward_;
    moves_.push_back(move);
  }
}

template <Scalar T>
std::vector<std::pair<state_t, state_t>> CompiledOperator<T>::move_ends() const {
  std::vector<std::pair<state_t, state_t>> ends;
  for (const auto& move : moves_) {
    const state_t row = layout_.state(move.value);
    ends.emplace_back(row, row + move.step);
  }
  return ends;
}

template <Scalar T>
PackedDigits CompiledOperator<T>::pack(state_t state, int first_site,
                                       int last_site) const noexcept {
  PackedDigits digits = 0;
  for (int site = last_site; site-- > first_site;) {
    const auto dim = static_cast<state_t>(layout_.code().dim(site));
    const state_t rest = quotient(state, dim);
    digits |= layout_.placed(site, state - rest * dim);
    state = rest;
  }
  return digits;
}

template <Scalar T>
void CompiledOperator<T>::split_diagonal() {
  int first = layout_.code().sites();
  std::uint64_t states = 1;
  while (first > 0 &&
         states * static_cast<std::uint64_t>(layout_.code().dim(first - 1)) <= most_low_states)
    states *= static_cast<std::uint64_t>(layout_.code().dim(--first));
  // With many different low functions the tables must have fewer states; without low sites there
  // are none.
  while (!try_split(first)) ++first;
}

template <Scalar T>
bool CompiledOperator<T>::try_split(int first_low_site) {
  int bits = 0;
  std::uint64_t states = 1;
  for (int site = first_low_site; site < layout_.code().sites(); ++site) {
    bits += layout_.bits(site);
    states *= static_cast<std::uint64_t>(layout_.code().dim(site));
  }
  std::vector<DiagonalProduct> functions;
  std::vector<std::pair<T, DiagonalProduct>> all_low;
  split_terms_.clear();
  for (const auto& [coefficient, whole] : diagonal_) {
    DiagonalProduct high, low;
    low.sign_mask = whole.sign_mask & low_mask(bits);
    high.sign_mask = whole.sign_mask ^ low.sign_mask;
    for (const auto& f : whole.factors) (f.shift < bits ? low : high).factors.push_back(f);
    if (high == DiagonalProduct{}) {
      all_low.emplace_back(coefficient, low);
      continue;
    }
    int function = -1;
    if (!(low == DiagonalProduct{})) {
      const auto found = std::find(functions.begin(), functions.end(), low);
      function = static_cast<int>(found - functions.begin());
      if (found == functions.end()) functions.push_back(low);
    }
    split_terms_.push_back({coefficient, std::move(high), function});
  }
  if (functions.size() * states * sizeof(double) > most_table_bytes) return false;

  first_low_site_ = first_low_site;
  low_bits_ = bits;
  low_states_ = states;
  low_functions_ = functions.size();
  low_packed_.resize(states);
  low_diagonal_.assign(states, T{});
  low_values_.resize(states * functions.size());
  for (std::uint64_t low = 0; low < states; ++low) {
    const PackedDigits digits = pack(low, first_low_site, layout_.code().sites());
    low_packed_[low] = static_cast<std::uint32_t>(digits);
    for (const auto& [coefficient, f] : all_low) low_diagonal_[low] += coefficient * f(digits);
    for (std::size_t i = 0; i < functions.size(); ++i)
      low_values_[low * functions.size() + i] = functions[i](digits);
  }
  return true;
}

template <Scalar T>
CompiledOperator<T>::Run::Run(const CompiledOperator& compiled)
    : c_(compiled), cross_(compiled.low_functions_) {
  const auto most = compiled.moves_.size();
  tests_.reserve(most);
  steps_.reserve(most);
  constants_.reserve(most);
  sums_.reserve(most);
  numbers_.reserve(most);
  low_steps_.reserve(most);
  matches_.resize(most + 1);
}

template <Scalar T>
void CompiledOperator<T>::Run::enter(state_t high) {
  valid_ = true;
  high_ = high;
  first_ = high * c_.low_states_;
  high_digits_ = c_.layout_.bitwise() ? static_cast<PackedDigits>(high) << c_.low_bits_
                                      : c_.pack(high, 0, c_.first_low_site_);
  high_diagonal_ = T{};
  std::fill(cross_.begin(), cross_.end(), T{});
  for (const auto& term : c_.split_terms_) {
    const T value = term.coefficient * term.high(high_digits_);
    (term.low_function < 0 ? high_diagonal_
                           : cross_[static_cast<std::size_t>(term.low_function)]) += value;
  }
  tests_.clear();
  steps_.clear();
  constants_.clear();
  sums_.clear();
  numbers_.clear();
  low_steps_.clear();
  varying_ = false;
  before_ = 0;
  const PackedDigits low = low_mask(c_.low_bits_);
  for (std::size_t i = 0; i < c_.moves_.size(); ++i) {
    const auto& move = c_.moves_[i];
    if (((high_digits_ ^ move.value) & move.mask & ~low) != 0) continue;
    tests_.push_back({static_cast<std::uint32_t>(move.mask & low),
                      static_cast<std::uint32_t>(move.value & low)});
    steps_.push_back(move.step);
    constants_.push_back(move.constant);
    sums_.push_back(move.sum);
    numbers_.push_back(static_cast<int>(i));
    low_steps_.push_back(move.low_step);
    varying_ = varying_ || move.sum >= 0;
    if (i < c_.first_upward_) ++before_;
  }
  firsts_.assign(tests_.size(), unknown_row);
}

template <Scalar T>
T CompiledOperator<T>::Run::diagonal(std::uint64_t low) const noexcept {
  if (c_.diagonal_.empty()) return T{};
  T value = high_diagonal_ + c_.low_diagonal_[low];
  const double* functions = c_.low_values_.data() + low * cross_.size();
  for (std::size_t i = 0; i < cross_.size(); ++i) value += functions[i] * cross_[i];
  return value;
}

template <Scalar T>
int CompiledOperator<T>::Run::count(std::uint64_t low) const noexcept {
  const std::uint32_t digits = c_.low_packed_[low];
  int entries = diagonal(low) != T{} ? 1 : 0;
  if (!varying_) {
    for (const auto& test : tests_) entries += (digits & test.mask) == test.value ? 1 : 0;
    return entries;
  }
  for (std::size_t i = 0; i < tests_.size(); ++i) {
    if ((digits & tests_[i].mask) != tests_[i].value) continue;
    if (sums_[i] < 0 || c_.sums_[static_cast<std::size_t>(sums_[i])](high_digits_ | digits) != T{})
      ++entries;
  }
  return entries;
}

template <Scalar T>
template <bool Named, class Word>
int CompiledOperator<T>::Run::fill_moves(std::uint64_t low, int* moves, Word* columns,
                                         T* values) const noexcept {
  const std::uint32_t digits = c_.low_packed_[low];
  const auto row = static_cast<Word>(first_ + low);
  int n = 0;
  const auto move = [&](std::size_t first, std::size_t last) {
    if (!varying_) {  // no branch: write first, advance if it was right
      for (std::size_t i = first; i < last; ++i) {
        if constexpr (Named) moves[n] = numbers_[i];
        columns[n] = row + static_cast<Word>(steps_[i]);
        values[n] = constants_[i];
        n += (digits & tests_[i].mask) == tests_[i].value ? 1 : 0;
      }
      return;
    }
    for (std::size_t i = first; i < last; ++i) {
      if ((digits & tests_[i].mask) != tests_[i].value) continue;
      if constexpr (Named) moves[n] = numbers_[i];
      columns[n] = row + static_cast<Word>(steps_[i]);
      values[n] = sums_[i] < 0
                      ? constants_[i]
                      : c_.sums_[static_cast<std::size_t>(sums_[i])](high_digits_ | digits);
      n += values[n] != T{} ? 1 : 0;
    }
  };
  move(0, before_);
  if constexpr (Named) moves[n] = -1;
  columns[n] = row;
  values[n] = diagonal(low);
  n += values[n] != T{} ? 1 : 0;
  move(before_, tests_.size());
  return n;
}

template <Scalar T>
int CompiledOperator<T>::Run::fill(std::uint64_t low, state_t* columns, T* values) const noexcept {
  return fill_moves<false>(low, nullptr, columns, values);
}

template <Scalar T>
int CompiledOperator<T>::Run::fill(std::uint64_t low, name_t* columns, T* values) const noexcept {
  return fill_moves<false>(low, nullptr, columns, values);
}

template <Scalar T>
int CompiledOperator<T>::Run::fill(std::uint64_t low, int* moves, name_t* columns,
                                   T* values) const noexcept {
  return fill_moves<true>(low, moves, columns, values);
}

template <Scalar T>
int CompiledOperator<T>::Run::fill_ranked(std::uint64_t low, index_t row, const Basis& basis,
                                          const std::uint32_t* ranks, index_t* columns, T* values) {
  const std::uint32_t digits = c_.low_packed_[low];
  const auto low_states = static_cast<std::uint32_t>(c_.low_states_);
  std::size_t matches = 0, before = 0;
  for (std::size_t i = 0; i < tests_.size();
       ++i) {  // no branch: write first, advance if it was right
    if (i == before_) before = matches;
    matches_[matches] = static_cast<std::uint32_t>(i);
    matches += (digits & tests_[i].mask) == tests_[i].value ? 1 : 0;
  }
  if (before_ == tests_.size()) before = matches;
  int n = 0;
  const auto diagonal_entry = [&] {
    columns[n] = row;
    values[n] = diagonal(low);
    n += values[n] != T{} ? 1 : 0;
  };
  for (std::size_t k = 0; k < matches; ++k) {
    if (k == before) diagonal_entry();
    const std::size_t i = matches_[k];
    const T value = sums_[i] < 0
                        ? constants_[i]
                        : c_.sums_[static_cast<std::size_t>(sums_[i])](high_digits_ | digits);
    if (sums_[i] >= 0 && value == T{}) continue;
    auto to = static_cast<std::uint32_t>(low) + low_steps_[i];
    to -= to >= low_states ? low_states : 0;
    if (firsts_[i] == unknown_row) {
      const index_t found = basis.index(first_ + low + steps_[i]);
      firsts_[i] = found < 0 ? -1 : found - static_cast<index_t>(ranks[to]);
    }
    // Rank 0 of a group may lie before row 0 only if there is no such group: -1 is no first row
    // otherwise.
    columns[n] = firsts_[i] < 0 ? -1 : firsts_[i] + static_cast<index_t>(ranks[to]);
    values[n++] = value;
  }
  if (before == matches) diagonal_entry();
  return n;
}

template class CompiledOperator<double>;
template class CompiledOperator<std::complex<double>>;

}  // namespace kronsolve::detail
