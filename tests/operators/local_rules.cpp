// Bases whose configurations obey local rules: which configurations these are, against all of them
// looked at one by one; operators in them, against dense matrices of the full space cut down to
// them.

#include <algorithm>
#include <functional>
#include <random>

#include <Eigen/Eigenvalues>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sector_scan.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/dense_oracle.hpp"
#include "support/expect_product.hpp"
#include "support/instruction_sets.hpp"
#include "support/orbit_sectors.hpp"

namespace kronsolve {
namespace {

using test::ring;
using test::sites;
using test::Spaces;
using test::world;
using Complex = std::complex<double>;
using Digits = std::vector<int>;
using Conditions = std::vector<std::string>;

const LocalSpace atom = LocalSpace::boson(2);

Digits digits_of(const DigitCode& code, state_t state) {
  Digits digits;
  for (int site = 0; site < code.sites(); ++site) digits.push_back(code.digit(state, site));
  return digits;
}

/// All configurations with the charges of the sector that `allowed` says yes to, one by one.
std::vector<state_t> looked_at(const Sector& sector,
                               const std::function<bool(const Digits&)>& allowed) {
  const FullBasis full(sector.spaces);
  std::vector<state_t> states;
  for (index_t i = 0; i < full.size(); ++i) {
    const auto state = static_cast<state_t>(i);
    const Digits digits = digits_of(full.code(), state);
    bool has = allowed(digits);
    for (const auto& charge : sector.charges) {
      int total = -charge.rule.target;
      for (std::size_t s = 0; s < digits.size(); ++s)
        total += charge.rule.values[s][static_cast<std::size_t>(digits[s])];
      has = has && (charge.rule.modulus > 0 ? total % charge.rule.modulus == 0 : total == 0);
    }
    if (has) states.push_back(state);
  }
  return states;
}

void expect_states(const Basis& basis, const std::vector<state_t>& wanted) {
  ASSERT_EQ(basis.size(), static_cast<index_t>(wanted.size()));
  std::vector<state_t> states(wanted.size());
  basis.states({0, basis.size()}, states);
  EXPECT_EQ(states, wanted);
  const FullBasis full(basis.spaces());
  std::vector<index_t> rows(static_cast<std::size_t>(full.size()), -1);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    rows[static_cast<std::size_t>(wanted[i])] = static_cast<index_t>(i);
  index_t wrong = 0;
  for (index_t i = 0; i < full.size(); ++i)
    wrong += basis.index(static_cast<state_t>(i)) != rows[static_cast<std::size_t>(i)];
  EXPECT_EQ(wrong, 0);
}

bool run_above(const Digits& digits, int most, bool cyclic) {
  const auto n = static_cast<int>(digits.size());
  int run = 0;
  for (int i = 0; i < (cyclic ? 2 * n : n); ++i) {
    run = digits[static_cast<std::size_t>(i % n)] > 0 ? run + 1 : 0;
    if (run > most) return true;
  }
  return false;
}

TEST(LocalRules, dimensions_of_a_blockade_are_fibonacci_and_lucas_numbers) {
  index_t fibonacci = 1, next = 2;  // of no site and one
  index_t lucas = 2, lucas_next = 1;
  for (int n = 1; n <= 64; ++n) {
    std::tie(fibonacci, next) = std::pair(next, fibonacci + next);
    std::tie(lucas, lucas_next) = std::pair(lucas_next, lucas + lucas_next);
    const auto dimension = [&](const Lattice& lattice) {
      return sector_size(parse_sector(sites(n, atom), lattice, {"blockade"}));
    };
    if (n < 2) continue;  // no bond, nothing to forbid
    EXPECT_EQ(dimension(Lattice::chain(n)), fibonacci) << n;
    if (n > 2) {
      EXPECT_EQ(dimension(ring(n)), lucas) << n;
    }
  }
  EXPECT_EQ(sector_size(parse_sector(sites(24, atom), ring(24), {"blockade"})), 103682);
}

TEST(LocalRules, words_mean_what_they_say_on_chains_and_rings) {
  for (const bool cyclic : {false, true})
    for (int n = 3; n <= 12; ++n) {
      const Lattice lattice = Lattice::chain(n, cyclic ? Cyclic::all : Cyclic::none);
      const auto expect = [&](const Conditions& conditions, const auto& allowed) {
        SCOPED_TRACE(testing::Message() << n << cyclic << conditions.back());
        const auto sector = parse_sector(sites(n, atom), lattice, conditions);
        expect_states(*make_basis(world(), sector), looked_at(sector, allowed));
      };
      const auto has = [&](const Digits& d, const Digits& pattern) {
        for (int i = 0; i < n; ++i) {
          bool here = cyclic || i + static_cast<int>(pattern.size()) <= n;
          for (std::size_t k = 0; k < pattern.size(); ++k)
            here = here && d[(static_cast<std::size_t>(i) + k) % d.size()] == pattern[k];
          if (here) return true;
        }
        return false;
      };
      expect({"blockade"}, [&](const Digits& d) { return !run_above(d, 1, cyclic); });
      expect({"max-run=2"}, [&](const Digits& d) { return !run_above(d, 2, cyclic); });
      if (n >= 5)
        expect({"forbid=101", "n=3"}, [&](const Digits& d) { return !has(d, {1, 0, 1}); });
      expect({"forbid=10", "forbid=000"}, [&](const Digits& d) {
        return !has(d, {1, 0}) && !has(d, {0, 0, 0});
      });
      expect({"forbid=11@0,2;00@1,2"}, [&](const Digits& d) {
        return !(d[0] == 1 && d[2] == 1) && !(d[1] == 0 && d[2] == 0);
      });
    }
}

TEST(LocalRules, blockade_on_other_lattices_and_sites) {
  const auto expect = [&](const Spaces& spaces, const Lattice& lattice,
                          const std::function<bool(int)>& excited, const Conditions& more) {
    Conditions conditions = more;
    conditions.insert(conditions.begin(), "blockade");
    const auto sector = parse_sector(spaces, lattice, conditions);
    expect_states(*make_basis(world(), sector), looked_at(sector, [&](const Digits& d) {
      return std::none_of(lattice.bonds().begin(), lattice.bonds().end(), [&](const Bond& bond) {
        return excited(d[static_cast<std::size_t>(bond.a)]) &&
               excited(d[static_cast<std::size_t>(bond.b)]);
      });
    }));
  };
  const auto occupied = [](int digit) { return digit > 0; };
  expect(sites(12, atom), Lattice::square(3, 4, Cyclic::all), occupied, {});
  expect(sites(12, atom), Lattice::triangular(4, 3), occupied, {"n=3"});
  expect(sites(12, atom), Lattice::kagome(2, 2, Cyclic::all), occupied, {});
  expect(sites(8, LocalSpace::fermion()), Lattice::complete(8), occupied, {});
  expect(sites(7, LocalSpace::boson(3)), ring(7), occupied, {"n=4"});
  expect(sites(10), ring(10), [](int digit) { return digit == 0; }, {"sz=-2"});  // 0 is up
}

TEST(LocalRules, several_values_of_a_charge_are_one_basis) {
  const auto expect = [](const Spaces& spaces, const Conditions& conditions,
                         const std::function<bool(const Digits&)>& allowed) {
    const auto sector =
        parse_sector(spaces, Lattice::chain(static_cast<int>(spaces.size())), conditions);
    expect_states(*make_basis(world(), sector), looked_at(sector, allowed));
  };
  const auto sum = [](const Digits& d) {
    int total = 0;
    for (const int digit : d) total += digit;
    return total;
  };
  expect(sites(10, atom), {"n=3,4,5"}, [&](const Digits& d) { return sum(d) >= 3 && sum(d) <= 5; });
  expect(sites(10, atom), {"n=0,7", "max-run=4"},
         [&](const Digits& d) { return (sum(d) == 0 || sum(d) == 7) && !run_above(d, 4, false); });
  expect(sites(9), {"sz=-1/2,3/2"}, [&](const Digits& d) { return sum(d) == 5 || sum(d) == 3; });
  expect(sites(4, LocalSpace::electron()), {"nup=1,2", "ndown=1"}, [](const Digits& d) {
    int up = 0;
    for (const int digit : d) up += digit & 1;
    return up == 1 || up == 2;
  });
  // All values of a parity: what creates pairs stays inside.
  OpSum pairs(5, LocalSpace::boson(3));
  pairs.add(1, {{"B+", 0}, {"B+", 1}}).add(1, {{"B-", 0}, {"B-", 1}});
  const auto inside = parse_sector(pairs.spaces(), Lattice::chain(5), {"n=0,2,4,6,8,10"});
  EXPECT_NO_THROW(require_respects(pairs, inside));
  EXPECT_ERROR(require_respects(pairs, parse_sector(pairs.spaces(), Lattice::chain(5), {"n=2,4"})),
               InvalidArgument, "n=2 to 0");
}

TEST(LocalRules, of_a_function) {
  // At most one particle on three neighbours, and never two in all behind an empty first site.
  const Spaces spaces = sites(7, LocalSpace::boson(3));
  std::vector<std::vector<int>> groups;
  for (int i = 0; i + 2 < 7; ++i) groups.push_back({i, i + 1, i + 2});
  const auto rule = LocalRule::make(spaces, groups,
                                    [](std::span<const int> d) { return d[0] + d[1] + d[2] <= 1; });
  const auto sector = with_rule(parse_sector(spaces, Lattice::chain(7), {"n=2"}), rule);
  const auto allowed = [](const Digits& d) {
    for (std::size_t i = 0; i + 2 < d.size(); ++i)
      if (d[i] + d[i + 1] + d[i + 2] > 1) return false;
    return true;
  };

  expect_states(*make_basis(world(), sector), looked_at(sector, allowed));
  // Its text is a condition again.
  const auto again = parse_sector(spaces, Lattice::chain(7), sector.conditions);
  EXPECT_EQ(forbidden_digits(again.rules), forbidden_digits(sector.rules));
}

/// The dense matrix of the full space between these configurations.
test::DenseMatrix restricted(const OpSum& op, const std::vector<state_t>& states) {
  const test::DenseMatrix full = test::dense(op);
  const auto n = static_cast<Eigen::Index>(states.size());
  test::DenseMatrix part(n, n);
  for (Eigen::Index i = 0; i < n; ++i)
    for (Eigen::Index j = 0; j < n; ++j)
      part(i, j) = full(static_cast<Eigen::Index>(states[static_cast<std::size_t>(i)]),
                        static_cast<Eigen::Index>(states[static_cast<std::size_t>(j)]));
  return part;
}

/// What the random cases are made of: any sites, any operators, any rule about any groups of sites.
struct Case {
  OpSum op;
  Sector sector;
  std::function<bool(const Digits&)> allowed;
  std::string text;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

  Case any(bool complex, bool flips) {
    while (true) {
      Spaces spaces = some_spaces(flips);
      Sector sector = parse_sector(spaces, Lattice::chain(static_cast<int>(spaces.size())), {});
      const bool several = below(3) == 0;
      auto totals = several ? add_union(sector, flips) : anything;
      if (!several && below(2) == 0) add_charge(sector, flips);
      auto local = several && below(2) == 0 ? anything : add_rules(sector, flips);
      if (!totals || !local) continue;
      const auto allowed = [=](const Digits& digits) { return totals(digits) && local(digits); };
      if (looked_at(sector, allowed).empty()) continue;
      OpSum op = some_operator(sector, complex, flips);
      std::string text = op.text() + " |";
      for (const auto& space : spaces) text += " " + space.name();
      for (const auto& condition : sector.conditions) text += " " + condition;
      return {std::move(op), std::move(sector), std::move(allowed), std::move(text)};
    }
  }

 private:
  using Allowed = std::function<bool(const Digits&)>;
  static bool anything(const Digits&) { return true; }

  /// Two or three values of a charge; what a flip makes of them is among them.
  Allowed add_union(Sector& sector, bool flips) {
    const std::string name = flips || below(2) == 0 ? "sz" : "n";
    std::vector<int> halves =
        flips ? std::vector{below(3), 0} : std::vector{below(7) - 3, below(7)};
    if (flips) halves[1] = -halves[0];
    if (halves[0] == halves[1]) return {};
    if (below(2) == 0 && std::abs(halves[0] - halves[1]) > 1 && !flips)
      halves.push_back(halves[0] + 1);
    std::string text = name + "=";
    for (const int value : halves) text += (text.back() == '=' ? "" : ",") + std::to_string(value);
    try {
      const auto n = static_cast<int>(sector.spaces.size());
      sector = with_rule(sector, *LocalRule::parse(sector.spaces, Lattice::chain(n), text));
    } catch (const InvalidArgument&) {  // no spins, no particles, or never so many
      return {};
    }
    const auto of_site = [name, spaces = sector.spaces](std::size_t s, int digit) {
      const auto& space = spaces[s];
      const bool spin = space.kind() == LocalSpace::Kind::spin;
      if (space.has_electrons()) {
        const int up = digit & 1, down = digit >> 1 & 1;
        return name == "n" ? 2 * (up + down) : up - down;
      }
      if (name == "n") return spin ? 0 : 2 * digit;
      return spin ? space.twice_spin() - 2 * digit : 0;
    };
    return [=](const Digits& digits) {
      int twice = 0;
      for (std::size_t s = 0; s < digits.size(); ++s) twice += of_site(s, digits[s]);
      return std::any_of(halves.begin(), halves.end(), [&](int v) { return twice == 2 * v; });
    };
  }

  Spaces some_spaces(bool flips) {
    const int kind = below(flips ? 2 : 4);
    Spaces spaces;
    for (double dim = 1; spaces.size() < 10;) {
      const LocalSpace some[] = {LocalSpace(), LocalSpace::spin(2), LocalSpace::boson(3),
                                 LocalSpace::electron(), LocalSpace::fermion()};
      const LocalSpace space = kind == 0   ? LocalSpace()
                               : kind == 1 ? some[below(flips ? 2 : 5)]
                               : kind == 2 ? LocalSpace::boson(2)
                                           : LocalSpace::fermion();
      if (dim * space.dim() > 400) break;
      dim *= space.dim();
      spaces.push_back(space);
    }
    return spaces;
  }

  void add_charge(Sector& sector, bool flips) {
    for (int tries = 0; tries < 10; ++tries) try {
        const int n = below(6);
        sector.charges = {flips || below(2) == 0 ? Charge::sz(sector.spaces, flips ? 0 : n - 3)
                                                 : Charge::particles(sector.spaces, n)};
        (void)ChargeBasis(sector.spaces, sector.charges);
        sector.conditions = {sector.charges[0].text()};
        return;
      } catch (const InvalidArgument&) {
        sector.charges.clear();
      }
  }

  /// One or two rules about all neighbours, or about any sites; with a flip what it makes of them
  /// as well.
  std::function<bool(const Digits&)> add_rules(Sector& sector, bool flips) {
    const auto n = static_cast<int>(sector.spaces.size());
    std::vector<ForbiddenDigits> all;
    std::vector<std::vector<int>> groups;
    const int length = 1 + below(3);
    const bool around = below(2) == 0;
    if (below(3) != 0)
      for (int i = 0; i + (around ? 1 : length) <= n; ++i) {
        auto& group = groups.emplace_back();
        for (int k = 0; k < length; ++k) group.push_back((i + k) % n);
      }
    else
      for (int g = 1 + below(4); g-- > 0;) {
        std::vector<int> order(static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
        std::shuffle(order.begin(), order.end(), random_);
        groups.emplace_back(order.begin(), order.begin() + std::min(n, length));
      }
    const auto salt = static_cast<unsigned>(random_());
    const auto says_no = [salt](std::span<const int> digits) {
      unsigned mixed = salt;
      for (const int d : digits) mixed = mixed * 2654435761U + static_cast<unsigned>(d) + 1;
      return (mixed >> 16) % 3 == 0;
    };
    // The flip of a spin turns its digits round.
    const auto fine = [=, spaces = sector.spaces](const std::vector<int>& group,
                                                  std::span<const int> digits) {
      if (says_no(digits)) return false;
      if (!flips) return true;
      Digits turned;
      for (std::size_t k = 0; k < digits.size(); ++k)
        turned.push_back(spaces[static_cast<std::size_t>(group[k])].dim() - 1 - digits[k]);
      return !says_no(turned);
    };
    try {
      for (const auto& group : groups)
        sector = with_rule(
            sector, LocalRule::make(sector.spaces, {group}, [&](std::span<const int> digits) {
              return fine(group, digits);
            }));
    } catch (const InvalidArgument&) {
      return {};  // nothing forbidden somewhere, or a site twice
    }
    return [=](const Digits& digits) {
      return std::all_of(groups.begin(), groups.end(), [&](const auto& group) {
        Digits some;
        for (const int site : group) some.push_back(digits[static_cast<std::size_t>(site)]);
        return fine(group, some);
      });
    };
  }

  OpSum some_operator(const Sector& sector, bool complex, bool flips) {
    OpSum op(sector.spaces);
    const int wanted = 1 + below(16);
    for (int tries = 0, added = 0; added < wanted && tries < 30 * wanted; ++tries) {
      OpSum term(sector.spaces);
      const Complex c(0.25 * (1 + below(7)), complex && below(2) == 0 ? 0.5 : 0);
      term.add(c, factors(sector.spaces));
      if (std::any_of(sector.charges.begin(), sector.charges.end(),
                      [&](const Charge& charge) { return breaks(term, charge.text()); }))
        continue;
      try {
        require_united(term, sector.rules);
      } catch (const InvalidArgument&) {
        continue;
      }
      op += flips ? term + spin_flipped(term) : term;
      ++added;
    }
    return op;
  }

  std::vector<OpFactor> factors(const Spaces& spaces) {
    const int n = static_cast<int>(spaces.size());
    const auto kind = [&](int s) { return spaces[static_cast<std::size_t>(s)].kind(); };
    const auto pair = [&](int s) -> std::pair<std::string, std::string> {
      using Kind = LocalSpace::Kind;
      return kind(s) == Kind::spin      ? std::pair("S+", "S-")
             : kind(s) == Kind::boson   ? std::pair("B+", "B-")
             : kind(s) == Kind::fermion ? std::pair("C+", "C-")
                                        : std::pair("Cup+", "Cup-");
    };
    const int i = below(n), j = below(n), k = below(n);
    std::vector<OpFactor> list;
    const bool fermions = spaces[static_cast<std::size_t>(i)].is_fermionic() ||
                          spaces[static_cast<std::size_t>(j)].is_fermionic();
    if (!fermions && below(2) == 0)
      list = {{below(2) == 0 ? pair(i).first : pair(i).second, i}};
    else if (spaces[static_cast<std::size_t>(i)].is_fermionic() ==
             spaces[static_cast<std::size_t>(j)].is_fermionic())
      list = {{pair(i).first, i}, {pair(j).second, j}};
    if (list.empty() || below(3) == 0)
      list.push_back({detail::concat("P", below(spaces[static_cast<std::size_t>(k)].dim())), k});
    return list;
  }

  std::mt19937 random_;
};

/// Rows and products in the basis are those of the dense matrix between its configurations.
template <Scalar T>
void expect_restricted(const Case& c, const Basis& basis, const LinearMap<T>& map) {
  const auto wanted = restricted(c.op, looked_at(c.sector, c.allowed));
  const index_t n = basis.size();
  const auto rows = build_rows<T>(c.op, basis, {0, n});
  test::DenseMatrix found = test::DenseMatrix::Zero(n, n);
  for (index_t i = 0; i < n; ++i)
    for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
      found(i, rows.row_columns(i)[e]) += rows.row_values(i)[e];
  EXPECT_LT(test::max_difference(found, wanted), 1e-13);
  EXPECT_EQ(count_entries(c.op, basis, {0, n}), rows.entries());
  std::vector<T> x(static_cast<std::size_t>(n));
  fill_normal<T>(x, {0, n}, 3);
  const RowRange mine = map.row_range();
  std::vector<T> y(static_cast<std::size_t>(mine.size()));

  map.apply(std::span<const T>(x).subspan(static_cast<std::size_t>(mine.begin), y.size()), y);

  Eigen::VectorXcd in(n);
  for (index_t i = 0; i < n; ++i) in[i] = x[static_cast<std::size_t>(i)];
  const Eigen::VectorXcd expected = wanted * in;
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_LT(std::abs(y[i] - expected[mine.begin + static_cast<index_t>(i)]), 1e-11);
}

MatrixFreeOptions some_options(Generator& random, int sites) {
  MatrixFreeOptions options;
  options.split = random.below(3) == 0 ? -1 : random.below(sites + 1);
  options.message_bytes = random.below(2) == 0 ? 200 * random.below(20) : options.message_bytes;
  options.node_ranks = random.below(2) == 0 ? 0 : 1 + random.below(3);
  options.in_place_rows = 0;
  options.thread_operations = 1e-9;
  return options;
}

template <class T>
class LocalRulesOf : public testing::Test {};
using Scalars = testing::Types<double, Complex>;
TYPED_TEST_SUITE(LocalRulesOf, Scalars, );

TYPED_TEST(LocalRulesOf, random_operators_are_cut_down_to_what_is_allowed) {
  using T = TypeParam;
  constexpr unsigned seed = 71;
  const int cases = world().size() == 1 ? 100 : 30;
  const char* const sets[] = {"baseline", "avx2", "avx512", ""};
  Generator random(seed + (is_complex<T> ? 1000 : 0));
  const int threads = num_threads();
  index_t projected = 0;
  for (int trial = 0; trial < cases; ++trial) {
    const Case c = random.any(is_complex<T>, false);
    const auto options = some_options(random, c.op.sites());
    const std::string set = sets[trial % 4];
    SCOPED_TRACE(testing::Message() << "seed " << seed << ", trial " << trial << ", split "
                                    << options.split << ", set " << set << ": " << c.text);
    set_threads(world().size() == 1 ? 1 + trial % 3 : 1);
    const auto basis = make_basis(world(), c.sector);
    const SectorOperator h{c.op, basis};
    const test::InstructionSet asked(test::machine_has(set) ? set.c_str() : "");

    const auto map = make_matrix_free<T>(world(), h, options);

    expect_states(*basis, looked_at(c.sector, c.allowed));
    test::expect_product(h, *map, trial % 3 != 0 ? Placement::node : Placement::process);
    expect_restricted<T>(c, *basis, *map);
    projected += count_entries(c.op, *basis, {0, basis->size()}) > 0;
    if (!world().all(!testing::Test::HasFailure())) break;
  }
  set_threads(threads);
  EXPECT_GT(projected, cases / 2);
}

TYPED_TEST(LocalRulesOf, random_operators_between_orbits_of_the_spin_flip) {
  using T = TypeParam;
  constexpr unsigned seed = 72;
  const int cases = world().size() == 1 ? 40 : 12;
  Generator random(seed + (is_complex<T> ? 1000 : 0));
  int sectors = 0;
  for (int trial = 0; trial < cases; ++trial) {
    const Case c = random.any(is_complex<T>, true);
    const auto options = some_options(random, c.op.sites());
    const auto states = looked_at(c.sector, c.allowed);
    const auto wanted = restricted(c.op, states);
    for (const int character : {1, -1}) {
      SCOPED_TRACE(testing::Message()
                   << "seed " << seed << ", trial " << trial << ", flip " << character << ", split "
                   << options.split << ": " << c.text);
      Sector sector = c.sector;
      SitePermutation identity;
      for (int i = 0; i < c.op.sites(); ++i) identity.push_back(i);
      sector.generators = {{"spinflip", identity, SpinFlip::yes, character > 0 ? 0 : 1, 2}};
      sector.conditions.push_back("spinflip");
      if (sector_size(sector) == 0) continue;
      const auto basis = make_basis(world(), sector);
      ASSERT_NE(basis->paths(), nullptr);
      const SectorOperator h{c.op, basis};
      const auto map = make_matrix_free<T>(world(), h, options);
      test::expect_product(h, *map, Placement::node);
      // Rows between orbits: V^H H V.
      const index_t n = basis->size();
      test::DenseMatrix v = test::DenseMatrix::Zero(wanted.rows(), n);
      std::vector<Component> components;
      for (index_t row = 0; row < n; ++row) {
        basis->orbit(row, components);
        for (const auto& part : components)
          v(std::lower_bound(states.begin(), states.end(), part.state) - states.begin(), row) +=
              part.amplitude;
      }
      EXPECT_LT((v.adjoint() * v - test::DenseMatrix::Identity(n, n)).norm(), 1e-12);
      const RowRange mine = basis->partition(world().size()).range(world().rank());
      const auto rows = build_rows<T>(c.op, *basis, mine);
      test::DenseMatrix found = test::DenseMatrix::Zero(n, n);
      test::DenseMatrix expected = v.adjoint() * wanted * v;
      for (index_t i = 0; i < n; ++i) {
        if (!mine.contains(i)) {
          expected.row(i).setZero();
          continue;
        }
        for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
          found(i, rows.row_columns(i)[e]) += rows.row_values(i)[e];
      }
      EXPECT_LT(test::max_difference(found, expected), 1e-13);
      ++sectors;
    }
    if (!world().all(!testing::Test::HasFailure())) break;
  }
  EXPECT_GT(sectors, cases);
}

TEST(LocalRules, sectors_of_symmetries_together_are_the_whole_space) {
  if (!world().is_root()) return;  // everything below is local
  const auto expect = [](const OpSum& op, const Lattice& lattice, const Conditions& rules,
                         const Conditions& scan) {
    const auto whole = parse_sector(op.spaces(), lattice, rules);
    const auto basis = make_basis(world(), whole);
    std::vector<state_t> states(static_cast<std::size_t>(basis->size()));
    basis->states({0, basis->size()}, states);
    const Eigen::VectorXd wanted =
        Eigen::SelfAdjointEigenSolver<test::DenseMatrix>(restricted(op, states)).eigenvalues();
    Conditions conditions = scan;
    conditions.insert(conditions.end(), rules.begin(), rules.end());
    std::vector<double> found;
    const Comm alone;
    for (const auto& scanned : scan_sectors(op, lattice, conditions)) {
      const auto sector = make_basis(alone, scanned.sector);
      ASSERT_EQ(sector->size(), scanned.dimension);
      const auto rows = build_rows<Complex>(op, *sector, {0, sector->size()});
      test::DenseMatrix h = test::DenseMatrix::Zero(sector->size(), sector->size());
      for (index_t i = 0; i < sector->size(); ++i)
        for (std::size_t e = 0; e < rows.row_columns(i).size(); ++e)
          h(i, rows.row_columns(i)[e]) += rows.row_values(i)[e];
      const Eigen::VectorXd levels =
          Eigen::SelfAdjointEigenSolver<test::DenseMatrix>(h).eigenvalues();
      for (int copy = 0; copy < scanned.copies(); ++copy)
        found.insert(found.end(), levels.begin(), levels.end());
    }
    std::sort(found.begin(), found.end());
    ASSERT_EQ(static_cast<index_t>(found.size()), wanted.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      EXPECT_NEAR(found[i], wanted[static_cast<Eigen::Index>(i)], 1e-11);
  };
  const auto model = [](const char* name, const ModelOptions& options) {
    return make_model(name, options).op;
  };
  // PXP, and Rydberg atoms whose drive leads out of the blockade.
  const ModelOptions ten = {.sites = 10, .cyclic = Cyclic::all};
  expect(model("pxp", ten), ring(10), {"blockade"}, {"momentum=all", "reflection=all"});
  expect(model("rydberg", ten), ring(10), {"blockade"}, {"momentum=all"});
  expect(model("rydberg", ten), ring(10), {"max-run=2", "forbid=1001"},
         {"momentum=all", "reflection=all"});
  expect(model("hubbard-hardcore", ten), ring(10), {"blockade"}, {"n=all", "momentum=all"});
  // Spins: a flip that the rule allows, and one that it does not, which `all` leaves out.
  const OpSum spins =
      model("xxz", {.sites = 8, .cyclic = Cyclic::all, .params = {{"delta", "0.3"}}});
  expect(spins, ring(8), {"forbid=000;111"}, {"sz=all", "momentum=all", "spinflip=all"});
  expect(spins, ring(8), {"blockade"}, {"sz=all", "momentum=all", "spinflip=all"});
  expect(spins, ring(8), {"blockade"}, all_sectors(spins, ring(8), {"max-run=1"}));
  expect(spins, ring(8), {"sz=-1,0,1"}, {"momentum=all", "spinflip=all"});
  expect(model("hubbard", {.sites = 3, .cyclic = Cyclic::all}), ring(3), {"n=1,2"},
         {"sz=all", "momentum=all"});
  const OpSum plane =
      model("rydberg", {.size = {3, 3}, .cyclic = Cyclic::all, .lattice = "square"});
  expect(plane, Lattice::square(3, 3, Cyclic::all), {"blockade"},
         {"momentum=all", "rotation=all", "reflection-x=all"});
}

TEST(LocalRules, counted_sectors_are_those_that_are_listed) {
  for (const auto& sector : test::sectors_of_every_kind()) {
    if (sector.rules.empty() || sector.generators.empty()) continue;
    EXPECT_EQ(CountedBasis(sector).size(), make_basis(world(), sector)->size())
        << sector.conditions.front();
  }
}

TEST(LocalRules, the_blocks_of_a_ring_have_four_classes) {
  // Whether the site before the cut is excited, and whether the first one is.
  const OpSum op = make_model("pxp", {.sites = 20, .cyclic = Cyclic::all}).op;
  const auto h = in_sector(world(), op, parse_sector(op.spaces(), ring(20), {"blockade"}));
  const auto plan = plan_matrix_free(h, ScalarKind::real, world().size());

  EXPECT_EQ(plan.dimension, 15127);
  EXPECT_EQ(plan.classes, 4);
  EXPECT_TRUE(plan.better_than_assembled) << plan.verdict;
}

TEST(LocalRules, what_cannot_be_is_refused) {
  const auto parse = [](const Spaces& spaces, const Lattice& lattice,
                        const Conditions& conditions) {
    (void)sector_size(parse_sector(spaces, lattice, conditions));
    (void)make_basis(world(), parse_sector(spaces, lattice, conditions));
  };
  const Spaces atoms = sites(6, atom);
  EXPECT_ERROR(parse(atoms, ring(6), {"blockade=2"}), InvalidArgument, "max-run=n");
  EXPECT_ERROR(parse(atoms, ring(6), {"max-run=6"}), InvalidArgument, "must be in [1, 5]");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=1x"}), InvalidArgument, "digits stand side by side");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid="}), InvalidArgument, "digits stand side by side");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=22"}), InvalidArgument, "stand nowhere");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=11@0,6"}), InvalidArgument, "sites in [0, 5]");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=11@0"}), InvalidArgument, "one for each");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=12@0,1"}), InvalidArgument,
               "must be in [0, 1], got 2");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=11@2,2"}), InvalidArgument, "stands twice");
  EXPECT_ERROR(parse(atoms, ring(6), {"blockade", "blockade"}), InvalidArgument, "given twice");
  EXPECT_ERROR(parse(atoms, ring(6), {"blockade", "n=4"}), InvalidArgument,
               "with the others, n can be 0, 1, 2, 3");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=0", "forbid=1"}), InvalidArgument, "forbid less");
  EXPECT_ERROR(parse(atoms, ring(6), {"n=2,7"}), InvalidArgument, "n can be from 0 to 6");
  EXPECT_ERROR(parse(atoms, ring(6), {"n=2,2"}), InvalidArgument, "stands twice");
  EXPECT_ERROR(parse(atoms, ring(6), {"n=2,x"}), InvalidArgument, "whole number");
  EXPECT_ERROR(parse(atoms, ring(6), {"n=2,3", "n=2"}), InvalidArgument, "given twice");
  EXPECT_ERROR(parse(sites(6), ring(6), {"sz=0,1", "spinflip=1"}), InvalidArgument,
               "does not go together with sz=0,1");
  EXPECT_ERROR(parse(sites(6, LocalSpace::electron()), ring(6), {"blockade"}), InvalidArgument,
               "forbid=DIGITS");
  EXPECT_ERROR(parse(sites(12, atom), Lattice::kagome(2, 2), {"max-run=2"}), InvalidArgument,
               "no straight lines");
  EXPECT_ERROR(parse(sites(6), ring(6), {"blockade", "spinflip=1"}), InvalidArgument,
               "does not go together with blockade");
  EXPECT_ERROR(parse(atoms, ring(6), {"forbid=11@0,1", "momentum=0"}), InvalidArgument,
               "configurations that are not allowed");
  EXPECT_ERROR(parse(atoms, ring(6), {"blockad"}), InvalidArgument, "name=value");
  // A charge that is not conserved is no matter of projecting.
  OpSum drive(6, atom);
  drive.add(1, {{"B+", 0}}).add(1, {{"B-", 0}});
  const auto basis = make_basis(world(), parse_sector(atoms, ring(6), {"n=2", "blockade"}));
  EXPECT_ERROR(build_rows<double>(drive, *basis, {0, basis->size()}), InvalidArgument, "changes n");
}

}  // namespace
}  // namespace kronsolve
