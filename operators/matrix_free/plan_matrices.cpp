#include <algorithm>
#include <bit>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/threads.hpp>

#include "operators/matrix_free/plan_builder.hpp"

// The small matrices and diagonals on the low sites.

namespace kronsolve::detail {

namespace {

using Complex = std::complex<double>;

/// Low strings with a field of bits for each digit: what a term asks of a string is one comparison.
class PackedStrings {
 public:
  explicit PackedStrings(const BlockLayout& l) {
    const int count = l.sites - l.split;
    shift_.resize(static_cast<std::size_t>(count));
    bits_.resize(shift_.size());
    int used = 0;
    for (int s = count; s-- > 0;) {
      const auto at = static_cast<std::size_t>(s);
      const auto dim = static_cast<unsigned>(l.dims[static_cast<std::size_t>(l.split + s)]);
      shift_[at] = used;
      bits_[at] = std::bit_width(dim - 1);
      used += bits_[at];
    }
    // A string has at most 20 bits, so that fields take at most 40.
    KRONSOLVE_ASSERT(used <= 64);
    if (l.low_bits()) return;
    std::vector<int> digits;
    packed_.resize(l.low_strings);
    for (std::uint32_t string = 0; string < packed_.size(); ++string) {
      l.low_digits(string, digits);
      for (std::size_t s = 0; s < digits.size(); ++s)
        packed_[string] |= static_cast<std::uint64_t>(digits[s]) << shift_[s];
    }
  }
  std::uint64_t operator[](std::uint32_t string) const {
    return packed_.empty() ? string : packed_[string];
  }
  int shift(int site) const { return shift_[static_cast<std::size_t>(site)]; }
  int bits() const { return end_of(0); }
  int middle() const { return end_of(shift_.size() / 2); }  ///< bits of the last half of the sites
  std::uint64_t field(int site) const {
    return (std::uint64_t{1} << bits_[static_cast<std::size_t>(site)]) - 1;
  }

 private:
  /// Where the field of a site ends. Later sites have the lower bits.
  int end_of(std::size_t site) const {
    return site < shift_.size() ? shift_[site] + bits_[site] : 0;
  }
  std::vector<int> shift_, bits_;
  std::vector<std::uint64_t> packed_;  ///< empty: the string itself
};

/// A monomial on packed strings, but for what it asks of them.
struct LowTerm {
  LowTerm(const Monomial& m, const PackedStrings& strings)
      : coefficient(m.coefficient()),
        step(static_cast<std::int64_t>(m.step())),
        diagonal(m.is_diagonal()) {
    for (const auto& f : m.functions())
      functions.push_back({strings.shift(f.site), strings.field(f.site), f.table});
  }
  double factor(std::uint64_t packed) const {
    double product = 1;
    for (const auto& f : functions) product *= f.table[packed >> f.shift & f.field];
    return product;
  }
  /// Whether all digits it looks at are digits: a field may have room for more.
  bool can_be(std::uint64_t packed) const {
    return std::all_of(functions.begin(), functions.end(), [&](const auto& f) {
      return (packed >> f.shift & f.field) < f.table.size();
    });
  }

  struct Function {
    int shift;
    std::uint64_t field;
    std::vector<double> table;
  };
  Complex coefficient;
  std::int64_t step;
  bool diagonal;
  std::vector<Function> functions;
};

/// A sum of low terms, of equal steps together: their entries of a row come in ascending columns.
class LowSum {
 public:
  /// @param pick  says of a monomial whether it takes part
  template <class Pick>
  LowSum(std::vector<Monomial> all, const PackedStrings& strings, const Pick& pick) {
    std::erase_if(all, [&](const auto& m) { return !pick(m); });
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return static_cast<std::int64_t>(a.step()) < static_cast<std::int64_t>(b.step());
    });
    for (const auto& m : all) {
      std::uint64_t mask = 0, wanted = 0;
      for (const auto& move : m.moves()) {
        mask |= strings.field(move.site) << strings.shift(move.site);
        wanted |= static_cast<std::uint64_t>(move.row) << strings.shift(move.site);
      }
      asked_.push_back({mask, wanted});
      terms_.emplace_back(m, strings);
    }
  }
  void drop_real_diagonal() {
    for (auto& t : terms_)
      if (t.diagonal) t.coefficient = Complex(0, t.coefficient.imag());
  }
  /// Real numbers in places of their own: the terms are the entries.
  bool is_plain() const {
    for (std::size_t t = 0; t < terms_.size(); ++t)
      if (!terms_[t].functions.empty() || terms_[t].coefficient.imag() != 0 ||
          terms_[t].coefficient.real() == 0 || (t > 0 && terms_[t].step == terms_[t - 1].step))
        return false;
    return true;
  }
  /// Calls f(term), in their order, for all that may act on the string. Which these are is hard to
  /// foresee: they are found without a branch.
  template <class F>
  void for_each_at(std::uint64_t packed, const F& f) const {
    for (std::size_t first = 0; first < terms_.size(); first += 64) {
      const std::size_t count = std::min<std::size_t>(64, terms_.size() - first);
      std::uint64_t hits = 0;
      for (std::size_t t = 0; t < count; ++t) {
        const Asked& a = asked_[first + t];
        hits |= static_cast<std::uint64_t>((packed & a.mask) == a.wanted) << t;
      }
      for (; hits != 0; hits &= hits - 1)
        f(terms_[first + static_cast<std::size_t>(std::countr_zero(hits))]);
    }
  }

 private:
  struct Asked {
    std::uint64_t mask, wanted;
  };
  std::vector<Asked> asked_;
  std::vector<LowTerm> terms_;
};

/// A sum of diagonal low terms. Those that look at one half of the string only are looked up by
/// that half: three or four numbers are added up, however many terms there are.
class DiagonalSum {
 public:
  template <class Pick>
  DiagonalSum(const std::vector<Monomial>& all, const PackedStrings& strings, const Pick& pick) {
    middle_ = strings.middle();
    constexpr int most_bits = 12;
    const bool tables = middle_ <= most_bits && strings.bits() - middle_ <= most_bits;
    std::vector<LowTerm> low, high;
    for (const auto& m : all) {
      if (!pick(m)) continue;
      KRONSOLVE_ASSERT(m.is_diagonal());
      LowTerm term(m, strings);
      const auto below = [&](const auto& f) { return f.shift < middle_; };
      const auto& functions = term.functions;
      const auto count = std::count_if(functions.begin(), functions.end(), below);
      if (!tables)
        rest_.push_back(std::move(term));
      else if (count == static_cast<std::ptrdiff_t>(functions.size()))
        low.push_back(std::move(term));
      else
        (count == 0 ? high : rest_).push_back(std::move(term));
    }
    low_ = table(low, tables ? middle_ : 0, 0);
    high_ = table(high, tables ? strings.bits() - middle_ : 0, middle_);
    if (!tables) middle_ = 0;
  }
  double value(std::uint64_t packed) const {
    double sum = low_[packed & (low_.size() - 1)] + high_[packed >> middle_ & (high_.size() - 1)];
    for (const auto& t : rest_) sum += t.coefficient.real() * t.factor(packed);
    return sum;
  }

 private:
  static std::vector<double> table(const std::vector<LowTerm>& terms, int bits, int shift) {
    std::vector<double> values(std::size_t{1} << bits, 0.0);
    if (terms.empty()) return values;
    for (std::size_t half = 0; half < values.size(); ++half)
      for (const auto& t : terms) {
        const auto packed = static_cast<std::uint64_t>(half) << shift;
        if (t.can_be(packed)) values[half] += t.coefficient.real() * t.factor(packed);
      }
    return values;
  }
  int middle_ = 0;
  std::vector<double> low_, high_;
  std::vector<LowTerm> rest_;
};

/// Entries of one row that fall on the same place, added up.
struct EntrySum {
  std::int64_t step = 0;
  Complex value = 0;
  double scale = 0;
  int summands = 0;

  void add(std::int64_t at, Complex v) {
    if (summands > 0) scale = std::max({scale, std::abs(value), std::abs(v)});
    step = at;
    value += v;
    ++summands;
  }
  /// False if there is nothing, or the rounding of a zero.
  bool counts() const { return summands == 1 || std::abs(value) > 1e-15 * scale; }
};

/// Entries of a low operator between classes, row by row. They replace what `scratch` holds.
/// @param turn  how the rows that it acts on lie in their block
void matrix_entries(const LowSum& sum, const BlockLayout& l, const PackedStrings& packed, int to,
                    int from, Turn turn, LowMatrix::Scratch& scratch) {
  const auto& strings = l.low[static_cast<std::size_t>(to)];
  const bool folded = l.folded(to) || l.folded(from);
  scratch.re.clear();
  scratch.im.clear();
  const auto add = [&](std::uint32_t row, std::int64_t place, Complex value) {
    const auto target = static_cast<std::uint32_t>(place);
    KRONSOLVE_ASSERT(target < l.low_strings);
    const LowPlace found = l.find_low(target, from, turn);
    KRONSOLVE_ASSERT(found.rank >= 0 || folded || l.projects());
    if (found.rank < 0) return;  // forbidden, or its own image and nothing with this character
    double factor = found.sign;
    if (folded) factor *= l.amplitude(target, from) / l.amplitude(strings[row], to);
    const auto col = static_cast<std::uint32_t>(found.rank);
    if (value.real() != 0) scratch.re.push_back({row, col, factor * value.real()});
    if (value.imag() != 0) scratch.im.push_back({row, col, factor * value.imag()});
  };
  if (sum.is_plain()) {
    for (std::uint32_t i = 0; i < strings.size(); ++i)
      sum.for_each_at(packed[strings[i]],
                      [&](const LowTerm& t) { add(i, strings[i] + t.step, t.coefficient.real()); });
    return;
  }
  for (std::uint32_t i = 0; i < strings.size(); ++i) {
    const std::uint64_t digits = packed[strings[i]];
    EntrySum entry;
    const auto finish = [&] {
      if (entry.counts()) add(i, strings[i] + entry.step, entry.value);
    };
    sum.for_each_at(digits, [&](const LowTerm& t) {
      const Complex v = t.functions.empty() ? t.coefficient : t.coefficient * t.factor(digits);
      if (v == 0.0) return;
      if (entry.summands > 0 && entry.step != t.step) {
        finish();
        entry = {};
      }
      entry.add(t.step, v);
    });
    finish();
  }
}

}  // namespace

/// Everything that lives on the low sites: a job for each class and each wanted matrix, the large
/// ones first.
void PlanBuilder::build_matrices() {
  const PackedStrings packed(l_);
  const auto any = [](const Monomial&) { return true; };
  const auto low = terms_.monomials(terms_.low, l_);
  const DiagonalSum diagonal(low, packed, [](const auto& m) { return m.is_diagonal(); });
  LowSum moves(low, packed,
               [](const auto& m) { return !m.is_diagonal() || m.coefficient().imag() != 0; });
  moves.drop_real_diagonal();
  std::vector<DiagonalSum> pairs;
  std::vector<LowSum> mixed;
  for (const auto& pair : terms_.diagonal)
    pairs.emplace_back(terms_.monomials(pair.low, l_), packed, any);
  for (const auto& pair : terms_.mixed)
    mixed.emplace_back(terms_.monomials(pair.low, l_), packed, any);
  const LowSum alone({Monomial({1, {}}, terms_.elements, l_)}, packed, any);
  p_.diagonal_pairs = static_cast<int>(pairs.size());

  const std::size_t classes = l_.low.size(), jobs = classes + wanted_.size();
  p_.low_diagonal.resize(classes);
  p_.functions.resize(classes);
  std::vector<std::optional<LowMatrix>> built(jobs);
  const auto low_class = [&](std::size_t cls, LowMatrix::Scratch& scratch) {
    const int c = static_cast<int>(cls);
    matrix_entries(moves, l_, packed, c, c, l_.own_turn(c), scratch);
    built[cls].emplace(scratch, l_.low[cls].size(), true);
    built[cls]->from_class = c;
    auto& functions = p_.functions[cls];
    functions.resize(pairs.size());
    for (auto& f : functions) f.reserve(l_.low[cls].size());
    p_.low_diagonal[cls].reserve(l_.low[cls].size());
    for (const std::uint32_t string : l_.low[cls]) {
      p_.low_diagonal[cls].push_back(diagonal.value(packed[string]));
      for (std::size_t k = 0; k < pairs.size(); ++k)
        functions[k].push_back(pairs[k].value(packed[string]));
    }
  };
  const auto mixed_pair = [&](std::size_t at, LowMatrix::Scratch& scratch) {
    const WantedMatrix& w = wanted_[at];
    auto& matrix = built[classes + at];
    const LowSum& sum = w.pair < 0 ? alone : mixed[static_cast<std::size_t>(w.pair)];
    matrix_entries(sum, l_, packed, w.to, w.from, w.turn, scratch);
    matrix.emplace(scratch, static_cast<std::size_t>(l_.class_size(w.to)), false);
    matrix->from_class = w.from;
  };
  const auto rows = [&](std::size_t job) {
    return job < classes ? l_.low[job].size()
                         : l_.low[static_cast<std::size_t>(wanted_[job - classes].to)].size();
  };
  std::vector<std::size_t> order(jobs);
  for (std::size_t j = 0; j < jobs; ++j) order[j] = j;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows(a) > rows(b); });
#pragma omp parallel num_threads(num_threads())
  {
    LowMatrix::Scratch scratch;
#pragma omp for schedule(dynamic, 1)
    for (std::size_t j = 0; j < jobs; ++j)
      order[j] < classes ? low_class(order[j], scratch) : mixed_pair(order[j] - classes, scratch);
  }

  std::vector<LowMatrix> of_pairs;
  for (std::size_t j = 0; j < jobs; ++j)
    (j < classes ? p_.matrices : of_pairs).push_back(*std::move(built[j]));
  for (std::size_t cls = 0; cls < classes; ++cls) p_.low_matrix.push_back(static_cast<int>(cls));
  take_matrices(std::move(of_pairs));
  point_to_functions();
}

/// Keeps the matrices of mixed pairs that are not empty; rows that asked for others are dropped.
void PlanBuilder::take_matrices(std::vector<LowMatrix> mixed) {
  std::vector<int> place(mixed.size(), -1);
  for (std::size_t at = 0; at < mixed.size(); ++at) {
    if (mixed[at].empty()) continue;
    place[at] = static_cast<int>(p_.matrices.size());
    p_.matrices.push_back(std::move(mixed[at]));
  }
  std::size_t kept = 0, next = 0;
  for (std::size_t row = 0; row + 1 < entries_.dressed_start.size(); ++row) {
    for (const std::size_t end = entries_.dressed_start[row + 1]; next < end; ++next) {
      DressedEntry entry = entries_.dressed[next];
      entry.matrix = place[static_cast<std::size_t>(entry.matrix)];
      if (entry.matrix >= 0) entries_.dressed[kept++] = entry;
    }
    entries_.dressed_start[row + 1] = kept;
  }
  entries_.dressed.resize(kept);
}

void PlanBuilder::point_to_functions() {
  for (const auto& of_class : p_.functions) {
    auto& pointers = p_.function_pointers.emplace_back();
    for (const auto& values : of_class) pointers.push_back(values.data());
  }
}

}  // namespace kronsolve::detail
