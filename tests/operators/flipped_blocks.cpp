// The Kronecker-block product in sectors of the spin flip, where a block stands for its image too:
// against the rows of listed orbits and dense matrices, for random operators that the flip leaves as
// they are.

#include <random>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/chains.hpp"
#include "support/dense_oracle.hpp"
#include "support/expect_product.hpp"
#include "support/instruction_sets.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;
using Charges = std::vector<Charge>;

SymmetryGroup flip_group(const Spaces& spaces, int character) {
  SitePermutation identity;
  for (std::size_t i = 0; i < spaces.size(); ++i) identity.push_back(static_cast<int>(i));
  return {spaces,
          {{detail::concat("spinflip=", character), identity, SpinFlip::yes, character > 0 ? 0 : 1,
            2}}};
}

std::shared_ptr<const SymmetryBasis> flip_basis(const Spaces& spaces, const Charges& charges,
                                                int character) {
  SymmetryGroup group = flip_group(spaces, character);
  const auto mirror = flip_mirror(group);
  return std::make_shared<const SymmetryBasis>(std::move(group), charges,
                                               std::vector<std::string>{"spinflip"}, *mirror);
}

struct Case {
  OpSum op;
  Charges charges;
  std::string text;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  Complex coefficient(bool complex) {
    const auto number = [&] {
      return below(2) == 0 ? 0.5 * (1 + below(2))
                           : std::uniform_real_distribution<double>(-1, 1)(random_);
    };
    return complex && below(2) == 0 ? Complex(number(), number()) : number();
  }

  Case any(bool complex) {
    const int kind = below(4);
    Spaces spaces;
    const double most = below(4) == 0 ? 4000 : 400;
    for (double dim = 1; spaces.size() < 11;) {
      const auto space = site(kind);
      if (dim * space.dim() > most) break;
      dim *= space.dim();
      spaces.push_back(space);
    }
    Charges charges = some_charges(spaces);
    OpSum op(spaces);
    const int wanted = 1 + below(20);
    for (int tries = 0, added = 0; added < wanted && tries < 20 * wanted; ++tries) {
      OpSum term(spaces);
      term.add(coefficient(complex), factors(spaces));
      if (std::any_of(charges.begin(), charges.end(),
                      [&](const Charge& c) { return breaks(term, c.text()).has_value(); }))
        continue;
      op += term + spin_flipped(term);
      ++added;
    }
    std::string text = op.text() + " |";
    for (const auto& space : spaces) text += " " + space.name();
    for (const auto& charge : charges) text += " " + charge.text();
    return {std::move(op), std::move(charges), std::move(text)};
  }

 private:
  LocalSpace site(int kind) {
    if (kind == 0) return LocalSpace::spin(1);
    if (kind == 1) return LocalSpace::spin(1 + below(4));
    if (kind == 2) return LocalSpace::electron();
    const LocalSpace some[] = {LocalSpace::spin(1), LocalSpace::spin(2), LocalSpace::electron(),
                               LocalSpace::tj(), LocalSpace::boson(3)};
    return some[below(5)];
  }

  /// Such as the flip respects and states have; perhaps none.
  Charges some_charges(const Spaces& spaces) {
    for (int tries = 0; tries < 20; ++tries) {
      Charges charges;
      try {
        if (below(3) != 0) charges.push_back(Charge::sz(spaces, 0));
        if (below(3) == 0) charges.push_back(Charge::particles(spaces, below(8)));
        if (below(4) == 0) {
          const int each = below(4);
          charges.push_back(Charge::up(spaces, each));
          charges.push_back(Charge::down(spaces, each));
        }
        if (below(4) == 0) charges.push_back(Charge::parity(spaces, below(2)));
        require_compatible(flip_group(spaces, 1), charges);
        if (!charges.empty()) (void)ChargeBasis(spaces, charges);
        return charges;
      } catch (const InvalidArgument&) {
      }
    }
    return {};
  }

  /// One to three operators, with an even number of fermions.
  std::vector<OpFactor> factors(const Spaces& spaces) {
    const int sites = static_cast<int>(spaces.size());
    const int i = below(sites), j = below(sites), k = below(sites);
    const auto at = [&](int s) { return spaces[static_cast<std::size_t>(s)]; };
    std::vector<OpFactor> list;
    const auto spin = [&](int s) { return at(s).kind() == LocalSpace::Kind::spin; };
    if (at(i).has_electrons() && at(j).has_electrons() && below(2) == 0) {
      list = {{below(2) == 0 ? "Cup+" : "Cdn+", i}, {below(2) == 0 ? "Cup-" : "Cdn-", j}};
    } else if (const bool both =
                   (spin(i) || at(i).has_electrons()) && (spin(j) || at(j).has_electrons());
               both && below(3) != 0) {
      list = {{"S+", i}, {"S-", j}};
    } else {
      list = {{detail::concat("P", below(at(i).dim())), i}};
      if (below(2) == 0) list.push_back({detail::concat("P", below(at(j).dim())), j});
      if (spin(i) && below(3) == 0) list.push_back({"Sx", i});
    }
    if (below(4) == 0) list.push_back({detail::concat("P", below(at(k).dim())), k});
    return list;
  }

  std::mt19937 random_;
};

/// The basis without a list has the representatives, the amplitudes and the rows of the listed one.
template <Scalar T>
void expect_listed(const Case& c, const SymmetryBasis& basis, int character) {
  const Basis& all = basis.configurations();
  const SymmetryBasis listed(world(), flip_group(c.op.spaces(), character), c.charges, {"listed"});
  ASSERT_EQ(listed.size(), basis.size());
  const RowRange mine = listed.row_range();
  index_t wrong = 0;
  for (index_t i = mine.begin; i < mine.end; ++i)
    wrong += listed.state(i) != basis.state(i) || basis.index(listed.state(i)) != i;
  for (index_t i = 0; i < all.size(); ++i) {
    const Location there = listed.locate(all.state(i)), here = basis.locate(all.state(i));
    wrong += there.key != here.key || there.amplitude != here.amplitude;
    if (here.amplitude == 0.0) continue;
    const index_t row = basis.row(here.key);
    wrong += basis.owner(here.key, basis.partition(world().size())) !=
             basis.partition(world().size()).owner(row);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(build_rows<T>(c.op, basis, mine), build_rows<T>(c.op, listed, mine));
}

/// The product with x is that of a dense matrix between the states that the rows stand for.
template <Scalar T>
void expect_dense(const Case& c, const SymmetryBasis& basis, const LinearMap<T>& map) {
  const index_t n = basis.size();
  test::DenseMatrix states = test::DenseMatrix::Zero(c.op.dimension(), n);
  std::vector<Component> components;
  for (index_t row = 0; row < n; ++row) {
    basis.orbit(row, components);
    for (const auto& part : components)
      states(static_cast<Eigen::Index>(part.state), row) += part.amplitude;
  }
  EXPECT_LT((states.adjoint() * states - test::DenseMatrix::Identity(n, n)).norm(), 1e-12);
  std::vector<T> x(static_cast<std::size_t>(n));
  fill_normal<T>(x, {0, n}, 3);
  const RowRange mine = map.row_range();
  std::vector<T> y(static_cast<std::size_t>(mine.size()));

  map.apply(std::span<const T>(x).subspan(static_cast<std::size_t>(mine.begin), y.size()), y);

  Eigen::VectorXcd in(n);
  for (index_t i = 0; i < n; ++i) in[i] = x[static_cast<std::size_t>(i)];
  const Eigen::VectorXcd expected = states.adjoint() * (test::dense(c.op) * (states * in));
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_LT(std::abs(y[i] - expected[mine.begin + static_cast<index_t>(i)]), 1e-11);
}

template <class T>
class FlippedBlocks : public testing::Test {};
using Scalars = testing::Types<double, Complex>;
TYPED_TEST_SUITE(FlippedBlocks, Scalars, );

TYPED_TEST(FlippedBlocks, random_operators_act_as_in_listed_orbits_and_dense_matrices) {
  using T = TypeParam;
  constexpr unsigned seed = 29;
  const int cases = world().size() == 1 ? 120 : world().size() == 2 ? 24 : 20;
  const char* const sets[] = {"baseline", "avx2", "avx512", ""};
  Generator random(seed + (is_complex<T> ? 1000 : 0));
  const int threads = num_threads();
  int sectors = 0;
  for (int trial = 0; trial < cases; ++trial) {
    const Case c = random.any(is_complex<T>);
    MatrixFreeOptions options;
    options.split = random.below(2) == 0 ? -1 : random.below(c.op.sites() + 1);
    options.message_bytes = random.below(2) == 0 ? 200 * random.below(20) : options.message_bytes;
    options.node_ranks = random.below(2) == 0 ? 0 : 1 + random.below(3);
    options.in_place_rows = 0;
    options.thread_operations = 1e-9;
    const bool in_place = random.below(3) != 0;
    set_threads(world().size() == 1 || trial % 8 == 0 ? 1 + trial % 3 : 1);
    const std::string set = sets[trial / 3 % 4];
    for (const int character : {1, -1}) {
      SCOPED_TRACE(testing::Message()
                   << "seed " << seed << ", trial " << trial << ", flip " << character << ", split "
                   << options.split << ", set " << set << ": " << c.text);
      if (symmetric_dimension(flip_group(c.op.spaces(), character), c.charges) == 0) continue;
      const auto basis = flip_basis(c.op.spaces(), c.charges, character);
      const SectorOperator h{c.op, basis};
      const test::InstructionSet asked(test::machine_has(set) ? set.c_str() : "");
      const auto map = make_matrix_free<T>(world(), h, options);
      expect_listed<T>(c, *basis, character);
      test::expect_product(h, *map, in_place ? Placement::node : Placement::process);
      if (c.op.dimension() <= 400) expect_dense(c, *basis, *map);
      ++sectors;
    }
    if (!world().all(!testing::Test::HasFailure())) break;
  }
  set_threads(threads);
  EXPECT_GT(sectors, cases);
}

TEST(FlippedBlocks, sectors_are_chosen_where_the_flip_stands_alone) {
  const auto has_paths = [](const Spaces& spaces, std::vector<SymmetryGenerator> generators) {
    return flip_mirror(SymmetryGroup(spaces, std::move(generators))).has_value();
  };
  const SymmetryGenerator flip{"spinflip=1", {0, 1, 2}, SpinFlip::yes, 0, 2},
      turn{"momentum=0", {1, 2, 0}, SpinFlip::no, 0, 3},
      both{"permutation", {2, 1, 0}, SpinFlip::yes, 0, 2};
  const Spaces spins(3), mixed = {LocalSpace::electron(), LocalSpace::fermion(), LocalSpace()};

  EXPECT_TRUE(has_paths(spins, {flip}));
  EXPECT_FALSE(has_paths(spins, {flip, turn}));
  EXPECT_FALSE(has_paths(spins, {turn}));
  EXPECT_FALSE(has_paths(spins, {both}));
  EXPECT_FALSE(has_paths(mixed, {flip}));
}

TEST(FlippedBlocks, operators_that_the_flip_changes_are_refused) {
  OpSum h = test::heisenberg(6, true);
  h.add(1, {{"Sz", 2}});
  const SectorOperator broken{h, flip_basis(h.spaces(), {Charge::sz(h.spaces(), 0)}, 1)};

  EXPECT_ERROR(make_matrix_free<double>(world(), broken), InvalidArgument, "changes under it");
}

TEST(FlippedBlocks, a_sector_of_a_long_ring_is_counted_and_addressed_without_a_list) {
  const Spaces spaces(40);
  const auto basis = flip_basis(spaces, {Charge::sz(spaces, 0)}, 1);

  EXPECT_EQ(basis->size(), 137846528820 / 2);
  EXPECT_LT(basis->memory_bytes(), 64 << 20);
  for (index_t row = 0; row < basis->size(); row += basis->size() / 1000 + 1) {
    const state_t state = basis->state(row), image = (state_t{1} << 40) - 1 - state;
    EXPECT_LT(state, image);
    EXPECT_EQ(basis->index(state), row);
    EXPECT_EQ(basis->index(image), -1);
  }
}

}  // namespace
}  // namespace kronsolve
