#include <bit>
#include <random>

#include <kronsolve/operators/charge_basis.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Spaces = std::vector<LocalSpace>;

/// Every configuration that obeys the charges, ascending: by trying all.
std::vector<state_t> enumerate(const Spaces& spaces, const std::vector<Charge>& charges) {
  const DigitCode code(spaces);
  state_t all = 1;
  for (const auto& space : spaces) all *= static_cast<state_t>(space.dim());
  std::vector<state_t> states;
  for (state_t s = 0; s < all; ++s) {
    bool in = true;
    for (const auto& charge : charges) {
      int sum = 0;
      for (int site = 0; site < code.sites(); ++site)
        sum += charge.rule.values[std::size_t(site)][std::size_t(code.digit(s, site))];
      const int m = charge.rule.modulus;
      in = in && (m > 0 ? (sum - charge.rule.target) % m == 0 : sum == charge.rule.target);
    }
    if (in) states.push_back(s);
  }
  return states;
}

void expect_enumeration(const Spaces& spaces, const std::vector<Charge>& charges) {
  const auto states = enumerate(spaces, charges);
  const ChargeBasis basis(spaces, charges);

  ASSERT_EQ(basis.size(), static_cast<index_t>(states.size()));
  const auto end = DigitCode(spaces).stride(0) * static_cast<state_t>(spaces[0].dim());
  std::size_t i = 0;
  for (state_t s = 0; s < end; ++s) {
    const bool in = i < states.size() && states[i] == s;
    ASSERT_EQ(basis.index(s), in ? static_cast<index_t>(i) : -1) << basis.code().text(s);
    if (in) {
      ASSERT_EQ(basis.state(static_cast<index_t>(i)), s);
      ++i;
    }
  }
  EXPECT_EQ(basis.index(end), -1);
  std::vector<state_t> listed(states.size());
  basis.states({0, basis.size()}, listed);
  EXPECT_EQ(listed, states);
  std::vector<index_t> rows(states.size());
  basis.indices(listed, rows);
  for (std::size_t k = 0; k < rows.size(); ++k) ASSERT_EQ(rows[k], static_cast<index_t>(k));
}

TEST(ChargeBasis, ranks_and_states_are_those_of_the_enumeration) {
  for (int n = 1; n <= 12; ++n)
    for (int twice = -n; twice <= n; twice += 2) {
      const Spaces spins(std::size_t(n), LocalSpace::spin(1));
      expect_enumeration(spins, {Charge::sz(spins, twice)});
    }
  const Spaces electrons(5, LocalSpace::electron());
  expect_enumeration(electrons, {Charge::up(electrons, 2), Charge::down(electrons, 3)});
  expect_enumeration(electrons, {Charge::particles(electrons, 4), Charge::sz(electrons, 0)});
  expect_enumeration(electrons, {Charge::parity(electrons, 1)});
  const Spaces mixed = {LocalSpace::spin(2),   LocalSpace::boson(4), LocalSpace::electron(),
                        LocalSpace::fermion(), LocalSpace::plain(3), LocalSpace::spin(1)};
  expect_enumeration(mixed, {Charge::particles(mixed, 3), Charge::sz(mixed, 1)});
  expect_enumeration(mixed, {Charge::parity(mixed, 0), Charge::sz(mixed, 2)});
  expect_enumeration(mixed, {});
}

TEST(ChargeBasis, random_rules_agree_with_the_enumeration) {
  constexpr unsigned seed = 20240611;
  std::mt19937 random(seed);
  for (int trial = 0; trial < 60; ++trial) {
    Spaces spaces(1 + random() % 6);
    for (auto& space : spaces) space = LocalSpace::plain(1 + int(random() % 5));
    std::vector<Charge> charges;
    for (const char* name : {"first", "second"}) {
      AdditiveRule rule{{}, 0, trial % 3 == 0 ? 3 : 0};
      for (const auto& space : spaces) {
        auto& values = rule.values.emplace_back();
        for (int d = 0; d < space.dim(); ++d) values.push_back(int(random() % 5) - 2);
        rule.target += values[random() % values.size()];
      }
      charges.push_back({name, rule});
    }
    if (enumerate(spaces, charges).empty()) continue;

    SCOPED_TRACE(testing::Message() << "seed " << seed << ", trial " << trial);
    expect_enumeration(spaces, charges);
  }
}

TEST(ChargeBasis, sizes_are_binomials_and_tables_stay_small_on_many_sites) {
  const auto basis_of = [](int n, int down) {
    const Spaces spins(std::size_t(n), LocalSpace::spin(1));
    return ChargeBasis(spins, {Charge::sz(spins, n - 2 * down)});
  };
  EXPECT_EQ(basis_of(32, 16).size(), 601080390);
  EXPECT_EQ(basis_of(64, 2).size(), 2016);
  EXPECT_EQ(basis_of(64, 0).size(), 1);
  EXPECT_EQ(basis_of(64, 64).state(0), (state_t{1} << 64) - 1);
  for (const auto& [n, down] :
       {std::pair{36, 18}, {40, 20}, {64, 32}, {64, 3}, {33, 16}, {65, 2}, {120, 3}, {128, 5}}) {
    const ChargeBasis basis = basis_of(n, down);
    EXPECT_LT(basis.memory_bytes(), 32 << 20) << n;
    for (int k = 0; k < 1000; ++k) {
      const auto i = static_cast<index_t>(double(basis.size() - 1) * k / 999.0);
      const state_t s = basis.state(i);
      EXPECT_EQ(std::popcount(static_cast<std::uint64_t>(s)) +
                    std::popcount(static_cast<std::uint64_t>(s >> 64)),
                down);
      EXPECT_EQ(basis.index(s), i);
      EXPECT_EQ(basis.index(s ^ 1), -1);
    }
  }
}

TEST(ChargeBasis, partition_is_balanced_and_aligned_to_prefixes) {
  const Spaces spins(24, LocalSpace::spin(1));
  const ChargeBasis sector(spins, {Charge::sz(spins, 0)});
  const FullBasis full(spins);
  for (const Basis* basis : {static_cast<const Basis*>(&sector), static_cast<const Basis*>(&full)})
    for (const int ranks : {1, 2, 3, 4, 5, 7, 16}) {
      const RowPartition rows = basis->partition(ranks);
      EXPECT_EQ(rows.rows(), basis->size());
      EXPECT_EQ(rows.ranks(), ranks);
      EXPECT_LE(double(rows.max_local_rows()) * ranks, 1.03 * double(basis->size()));
      for (int r = 1; r < ranks; ++r) {  // a boundary changes one of the first 12 digits
        const index_t begin = rows.range(r).begin;
        EXPECT_NE(basis->state(begin) >> 12, basis->state(begin - 1) >> 12);
      }
    }
  const Spaces two(2, LocalSpace::spin(1));
  const ChargeBasis tiny(two, {Charge::sz(two, 0)});
  EXPECT_EQ(tiny.partition(5).max_local_rows(), 1);
}

TEST(ChargeBasis, sectors_read_back_as_they_are_written) {
  const Spaces spins(5, LocalSpace::spin(1)), electrons(4, LocalSpace::electron());
  for (const char* text : {"sz=1/2", "sz=-3/2", "parity=1"})
    EXPECT_EQ(Charge::parse(spins, text)->text(), text);
  for (const char* text : {"sz=0", "sz=-1", "n=4", "nup=2", "ndown=0"})
    EXPECT_EQ(Charge::parse(electrons, text)->text(), text);
  EXPECT_FALSE(Charge::parse(spins, "momentum=1").has_value());
  const ChargeBasis basis(
      electrons, {*Charge::parse(electrons, "nup=2"), *Charge::parse(electrons, "ndown=1")});
  EXPECT_EQ(basis.sector(), (std::vector<std::string>{"nup=2", "ndown=1"}));
}

TEST(ChargeBasis, bad_sectors_are_refused_by_name) {
  const Spaces spins(5, LocalSpace::spin(1)), electrons(3, LocalSpace::electron());

  EXPECT_ERROR(ChargeBasis(spins, {Charge::sz(spins, 0)}), InvalidArgument,
               "sz can be -5/2, -3/2, -1/2, 1/2, 3/2, 5/2");
  EXPECT_ERROR(ChargeBasis(electrons, {Charge::particles(electrons, 7)}), InvalidArgument,
               "n can be 0, 1, 2");
  EXPECT_ERROR(ChargeBasis(electrons, {Charge::particles(electrons, 2), Charge::sz(electrons, 1)}),
               InvalidArgument, "sz can be -1, 0, 1");
  EXPECT_ERROR(ChargeBasis(spins, {Charge::sz(spins, 1), Charge::sz(spins, 3)}), InvalidArgument,
               "twice");
  EXPECT_ERROR((void)Charge::parse(spins, "n=2"), InvalidArgument, "no site has particles");
  EXPECT_ERROR((void)Charge::parse(spins, "sz=x"), InvalidArgument, "1/2");
  EXPECT_ERROR((void)Charge::parse(spins, "parity=2"), InvalidArgument, "0 or 1");
  EXPECT_ERROR((void)Charge::parse(electrons, "n=1/2"), InvalidArgument, "whole");
}

TEST(ChargeBasis, names_the_term_that_breaks_the_charge) {
  const Spaces spins(4, LocalSpace::spin(1));
  const ChargeBasis basis(spins, {Charge::sz(spins, 0)});
  OpSum h(4);
  h.add(1, {{"Sx", 0}, {"Sx", 1}}).add(1, {{"Sy", 0}, {"Sy", 1}});

  require_conserved(h, basis);  // each term alone breaks it, the sum does not
  h.add(0.5, {{"Sx", 2}});

  EXPECT_ERROR(require_conserved(h, basis), InvalidArgument, "0.5 Sx_2 changes sz");
  EXPECT_ERROR(require_conserved(OpSum(3), basis), DimensionError, "3 sites");
}

}  // namespace
}  // namespace kronsolve
