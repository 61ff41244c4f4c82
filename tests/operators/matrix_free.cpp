// The Kronecker-block product against assembled rows and dense matrices, for random operators.

#include <cmath>
#include <cstdlib>
#include <random>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/rows.hpp>

#include "support/dense_oracle.hpp"
#include "support/expect_product.hpp"
#include "support/instruction_sets.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::expect_product;
using test::world;
using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;

struct Case {
  SectorOperator h;
  std::string text;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  double number() { return std::uniform_real_distribution<double>(-1, 1)(random_); }
  /// Now and then a value that others have too, so that equal ones get merged.
  double coupling() { return below(2) == 0 ? 0.5 * (1 + below(2)) : number(); }
  Complex coefficient(bool complex) {
    return complex && below(2) == 0 ? Complex(number(), coupling()) : coupling();
  }

  /// Random dimensions, charges and terms that conserve them.
  Case plain(bool complex) {
    Spaces spaces;
    const double most = below(4) == 0 ? 3000 : 300;
    for (double dim = 1; spaces.size() < 10;) {
      const int d = below(3) == 0 ? 2 : 2 + below(4);
      if (dim * d > most) break;
      dim *= d;
      spaces.push_back(LocalSpace::plain(d));
    }
    std::vector<Charge> charges(static_cast<std::size_t>(below(3)));
    for (std::size_t c = 0; c < charges.size(); ++c) {
      charges[c].name = detail::concat("q", c);
      charges[c].rule.modulus = below(3) == 0 ? 2 + below(2) : 0;
      for (const auto& space : spaces) {
        auto& values = charges[c].rule.values.emplace_back();
        for (int digit = 0; digit < space.dim(); ++digit)
          values.push_back(below(3) == 0 ? below(3) : digit);
        charges[c].rule.target += values[static_cast<std::size_t>(below(space.dim()))];
      }
    }
    OpSum op(spaces);
    for (const auto& space : spaces)
      for (int a = 0; a < space.dim(); ++a)
        for (int b = 0; b < space.dim(); ++b)
          if (a != b) {
            LocalMatrix unit(space.dim());
            unit(a, b) = 1;
            op.define(unit_name(space.dim(), a, b), unit);
          }
    const int wanted = 1 + below(25);
    for (int tries = 0, added = 0; added < wanted && tries < 40 * wanted; ++tries)
      added += add_plain_term(op, charges, complex);
    return finish(std::move(op), std::move(charges));
  }

  /// Fermions, electrons, spins and bosons with particle numbers kept.
  Case particles(bool complex) {
    Spaces spaces;
    const int sites = 3 + below(4);
    for (int s = 0; s < sites; ++s) {
      const int kind = below(4);
      spaces.push_back(kind == 0   ? LocalSpace::electron()
                       : kind == 1 ? LocalSpace::boson(3)
                       : kind == 2 ? LocalSpace::spin(1)
                                   : LocalSpace::fermion());
    }
    spaces.front() = LocalSpace::electron();
    OpSum op(spaces);
    const int wanted = 2 + below(20);
    for (int added = 0; added < wanted; ++added) {
      const int i = below(sites), j = below(sites);
      const auto create = [&](int site) {
        return ladder(spaces[static_cast<std::size_t>(site)], '+');
      };
      const auto remove = [&](int site) {
        return ladder(spaces[static_cast<std::size_t>(site)], '-');
      };
      if (spaces[std::size_t(i)].kind() == LocalSpace::Kind::spin ||
          spaces[std::size_t(j)].kind() == LocalSpace::Kind::spin) {
        op.add(coefficient(complex), {{"P1", i}, {"P0", j}});
        continue;
      }
      std::vector<OpFactor> factors = {{create(i), i}, {remove(j), j}};
      if (below(3) == 0) {
        const int k = below(sites);
        factors.push_back({"P1", k});
      }
      op.add(coefficient(complex), factors);
    }
    std::vector<Charge> charges;
    if (below(3) != 0) charges.push_back(Charge::particles(spaces, 1 + below(sites)));
    if (below(4) == 0) charges.push_back(Charge::parity(spaces, below(2)));
    return finish(std::move(op), std::move(charges));
  }

  /// Chains of the sizes where registers run along rows, long rows and many blocks.
  Case chain(bool complex) {
    const int n = 8 + below(4);
    OpSum op(n, below(3) == 0 ? LocalSpace::fermion() : LocalSpace::spin(1));
    const bool fermions = op.spaces()[0].is_fermionic();
    for (int range = 1; range <= 1 + below(3); ++range) {
      const Complex c = coefficient(complex);
      for (int i = 0; i < n; ++i) {
        const int j = (i + range) % n;
        const Complex bond = below(4) == 0 ? coefficient(complex) : c;
        const char* up = fermions ? "C+" : "S+";
        const char* down = fermions ? "C-" : "S-";
        op.add(bond, {{up, i}, {down, j}}).add(std::conj(bond), {{up, j}, {down, i}});
        op.add(number(), {{fermions ? "N" : "Sz", i}, {fermions ? "N" : "Sz", j}});
      }
    }
    const bool fields = below(2) == 0 && !fermions;
    if (fields)
      for (int i = 0; i < n; ++i)
        op.add(below(2) == 0 ? 0.5 : number(), {{below(2) == 0 ? "Sx" : "Sz", i}});
    if (fields && complex) op.add(0.7, {{"Sy", below(n)}});
    std::vector<Charge> charges;
    if (!fields && below(3) != 0)
      charges.push_back(fermions ? Charge::particles(op.spaces(), n / 2)
                                 : Charge::sz(op.spaces(), n % 2));
    return finish(std::move(op), std::move(charges));
  }

 private:
  static std::string unit_name(int dim, int a, int b) {
    return detail::concat("U", dim, "_", a, b);
  }

  std::string ladder(const LocalSpace& space, char sign) {
    const char* name = space.kind() == LocalSpace::Kind::boson ? "B"
                       : space.kind() == LocalSpace::Kind::electron
                           ? (below(2) == 0 ? "Cup" : "Cdn")
                           : "C";
    return std::string(name) + sign;
  }

  int add_plain_term(OpSum& op, const std::vector<Charge>& charges, bool complex) {
    std::vector<OpFactor> factors;
    std::vector<int> shift(charges.size(), 0);
    for (int s = 0; s < op.sites(); ++s) {
      const int d = op.spaces()[static_cast<std::size_t>(s)].dim();
      if (below(op.sites()) > 2) continue;
      const int a = below(d), b = below(d);
      factors.push_back({a == b ? detail::concat("P", a) : unit_name(d, a, b), s});
      for (std::size_t c = 0; c < charges.size(); ++c) {
        const auto& values = charges[c].rule.values[static_cast<std::size_t>(s)];
        shift[c] += values[static_cast<std::size_t>(a)] - values[static_cast<std::size_t>(b)];
      }
    }
    for (std::size_t c = 0; c < charges.size(); ++c) {
      const int m = charges[c].rule.modulus;
      if (m > 0 ? shift[c] % m != 0 : shift[c] != 0) return 0;
    }
    op.add(coefficient(complex), factors);
    return 1;
  }

  Case finish(OpSum op, std::vector<Charge> charges) {
    std::string text = op.text() + " |";
    for (const auto& space : op.spaces()) text += detail::concat(" ", space.name());
    for (const auto& charge : charges) text += detail::concat(" ", charge.text());
    std::shared_ptr<const Basis> basis;
    if (charges.empty()) {
      basis = std::make_shared<const FullBasis>(op.spaces());
    } else {
      try {
        basis = std::make_shared<const ChargeBasis>(op.spaces(), charges);
      } catch (const InvalidArgument&) {  // no states: the full space then
        basis = std::make_shared<const FullBasis>(op.spaces());
      }
    }
    return {{std::move(op), std::move(basis)}, std::move(text)};
  }

  std::mt19937 random_;
};

template <class T>
class MatrixFree : public testing::Test {};
using Scalars = testing::Types<double, Complex>;
TYPED_TEST_SUITE(MatrixFree, Scalars, );

TYPED_TEST(MatrixFree, random_operators_act_as_their_assembled_rows) {
  using T = TypeParam;
  const Comm& comm = world();
  constexpr unsigned seed = 71;
  // More ranks than cores take turns: fewer cases there.
  const int cases = comm.size() == 1 ? 360 : comm.size() <= 4 ? 60 : 30;
  const char* const sets[] = {"baseline", "avx2", "avx512", ""};
  Generator random(seed + (is_complex<T> ? 1000 : 0));
  const int threads = num_threads();
  for (int trial = 0; trial < cases; ++trial) {
    const Case c = trial % 3 == 0   ? random.plain(is_complex<T>)
                   : trial % 3 == 1 ? random.particles(is_complex<T>)
                                    : random.chain(is_complex<T>);
    MatrixFreeOptions options;
    options.split = random.below(2) == 0 ? -1 : random.below(c.h.op.sites() + 1);
    options.message_bytes = random.below(2) == 0 ? 200 * random.below(20) : options.message_bytes;
    // Threads of several ranks fight over the cores of a small machine: a few cases must do there.
    const int team = comm.size() == 1 || trial % 8 == 0 ? 1 + trial % 3 : 1;
    // All ranks on one machine, or as if they were on several; vectors that can be read in place or
    // not, both with the same map.
    options.node_ranks = random.below(2) == 0 ? 0 : 1 + random.below(3);
    options.in_place_rows = 0;
    options.thread_operations = 1e-9;  // so small as they are, all threads work on them
    const bool in_place = random.below(3) != 0, both = random.below(4) == 0;
    SCOPED_TRACE(testing::Message()
                 << "seed " << seed << ", trial " << trial << ", split " << options.split
                 << ", message bytes " << options.message_bytes << ", threads " << team
                 << ", machines of " << options.node_ranks << (in_place ? " in place" : "")
                 << (both ? " and both" : "") << ": " << c.text);
    set_threads(team);
    const std::string set = sets[trial / 3 % 4];
    std::unique_ptr<LinearMap<T>> map;
    {
      const test::InstructionSet asked(set.c_str());
      if (!set.empty() && !test::machine_has(set)) {
        EXPECT_THROW(make_matrix_free<T>(comm, c.h, options), InvalidArgument);
        continue;
      }
      map = make_matrix_free<T>(comm, c.h, options);
    }
    expect_product(c.h, *map, in_place ? Placement::node : Placement::process);
    if (both) expect_product(c.h, *map, in_place ? Placement::process : Placement::node);
    if (!comm.all(!testing::Test::HasFailure())) break;
  }
  set_threads(threads);
}

TYPED_TEST(MatrixFree, agrees_with_dense_matrices_on_the_full_space) {
  using T = TypeParam;
  Generator random(5);
  for (int trial = 0; trial < 20; ++trial) {
    const Case c = random.plain(is_complex<T>);
    if (c.h.op.dimension() > 300) continue;
    const SectorOperator h = on_full_space(c.h.op);
    const auto map = make_matrix_free<T>(world(), h);
    const index_t n = h.basis->size();
    std::vector<T> x(static_cast<std::size_t>(n));
    fill_normal<T>(x, {0, n}, 3);
    const auto mine = map->row_range();
    std::vector<T> y(static_cast<std::size_t>(mine.size()));

    map->apply(std::span<const T>(x).subspan(static_cast<std::size_t>(mine.begin), y.size()), y);

    Eigen::VectorXcd in(n);
    for (index_t i = 0; i < n; ++i) in[i] = x[static_cast<std::size_t>(i)];
    const Eigen::VectorXcd expected = test::dense(c.h.op) * in;
    for (std::size_t i = 0; i < y.size(); ++i)
      EXPECT_LT(std::abs(y[i] - expected[mine.begin + static_cast<index_t>(i)]), 1e-11) << c.text;
  }
}

OpSum heisenberg(int n) {
  OpSum h(n);
  for (int i = 0; i < n; ++i)
    for (const char* axis : {"Sx", "Sy", "Sz"}) h.add(1, {{axis, i}, {axis, (i + 1) % n}});
  return h;
}

TEST(MatrixFreePlan, collects_all_to_all_couplings_into_one_pair_each) {
  OpSum h(12);
  for (int i = 0; i < 12; ++i)
    for (int j = i + 1; j < 12; ++j)
      for (const char* axis : {"Sx", "Sy", "Sz"}) h.add(1, {{axis, i}, {axis, j}});
  const auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});

  const MatrixFreePlan plan = plan_matrix_free({h, basis}, ScalarKind::real);

  EXPECT_EQ(plan.mixed_pairs, 2);  // S+ S- and S- S+
  EXPECT_EQ(plan.diagonal_pairs, 1);
  EXPECT_NE(plan.text().find("924 rows"), std::string::npos) << plan.text();
}

bool product_is_better(const OpSum& h, const char* charge) {
  const auto sector = std::make_shared<const ChargeBasis>(
      h.spaces(), std::vector{*Charge::parse(h.spaces(), charge)});
  return plan_matrix_free({h, sector}, h.scalar()).better_than_assembled;
}

/// Fermions, a complex coupling between every two pairs.
OpSum pair_couplings(int n) {
  OpSum h(n, LocalSpace::fermion());
  const CounterRandom random(7);
  std::uint64_t number = 0;
  for (int i = 0; i < n; ++i)
    for (int j = i + 1; j < n; ++j)
      for (int k = i; k < n; ++k)
        for (int l = k + 1; l < n; ++l) {
          const std::complex<double> c = random.complex_normal(number++);
          h.add(c, {{"C+", i}, {"C+", j}, {"C-", l}, {"C-", k}});
          h.add(std::conj(c), {{"C+", k}, {"C+", l}, {"C-", j}, {"C-", i}});
        }
  return h;
}

/// Three spins up, three down, at random places: few entries a row, and nothing to share.
OpSum scattered_exchanges(int n, int terms) {
  OpSum h(n);
  const CounterRandom random(5);
  std::uint64_t number = 0;
  for (int t = 0; t < terms; ++t) {
    std::vector<int> site;
    while (site.size() < 6) {
      const int s = std::min(n - 1, static_cast<int>(random.uniform(number++) * n));
      if (std::find(site.begin(), site.end(), s) == site.end()) site.push_back(s);
    }
    const double c = random.uniform(number++) - 0.5;
    for (const auto& [up, down] : {std::pair("S+", "S-"), std::pair("S-", "S+")})
      h.add(c, {{up, site[0]},
                {up, site[1]},
                {up, site[2]},
                {down, site[3]},
                {down, site[4]},
                {down, site[5]}});
  }
  return h;
}

// Measured on one and two threads: the product is 3 times faster than stored rows on the ring, 8
// times on all-to-all couplings, 1.4 times on SYK; stored rows are 4 times faster on scattered
// terms.
TEST(MatrixFreePlan, is_chosen_where_it_is_faster_than_stored_rows) {
  OpSum all_to_all(14);
  for (int i = 0; i < 14; ++i)
    for (int j = i + 1; j < 14; ++j)
      for (const char* axis : {"Sx", "Sy", "Sz"}) all_to_all.add(1, {{axis, i}, {axis, j}});

  EXPECT_TRUE(product_is_better(heisenberg(16), "sz=0"));
  EXPECT_TRUE(product_is_better(all_to_all, "sz=0"));
  EXPECT_TRUE(product_is_better(pair_couplings(12), "n=6"));
  EXPECT_FALSE(product_is_better(scattered_exchanges(16, 400), "sz=0"));
}

TEST(MatrixFreePlan, is_that_of_the_product_and_the_same_verdict_on_all_ranks) {
  const OpSum h = heisenberg(12);
  const auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});

  const auto product = plan_and_make_matrix_free<double>(world(), {h, basis});

  EXPECT_EQ(product.map->rows(), product.plan.dimension);
  const auto better = world().all_gather(index_t{product.plan.better_than_assembled});
  EXPECT_EQ(*std::min_element(better.begin(), better.end()),
            *std::max_element(better.begin(), better.end()));
  EXPECT_NEAR(product.plan.entries_per_row, 7.5, 1);
}

TEST(MatrixFreePlan, stays_small_beside_the_vectors) {
  const OpSum h = heisenberg(30);
  const auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});

  const MatrixFreePlan plan = plan_matrix_free({h, basis}, ScalarKind::real);

  EXPECT_EQ(plan.dimension, 155117520);
  EXPECT_LT(plan.memory_bytes, 64 << 20);
}

TEST(MatrixFreePlan, bad_input_is_refused_by_name) {
  const OpSum h = heisenberg(6);
  OpSum field = h;
  field.add(1, {{"Sx", 3}});
  OpSum complex = h;
  complex.add(1, {{"Sy", 3}});
  const auto basis =
      std::make_shared<const ChargeBasis>(h.spaces(), std::vector{Charge::sz(h.spaces(), 0)});

  EXPECT_ERROR(make_matrix_free<double>(world(), {field, basis}), InvalidArgument,
               "Sx_3 changes sz");
  EXPECT_ERROR(make_matrix_free<double>(world(), on_full_space(complex)), InvalidArgument,
               "not real");
  EXPECT_ERROR(make_matrix_free<double>(world(), {heisenberg(4), basis}), DimensionError,
               "4 sites");
  EXPECT_ERROR(make_matrix_free<double>(world(), {h, basis}, {.split = 7}), InvalidArgument,
               "[0, 6]");
}

}  // namespace
}  // namespace kronsolve
