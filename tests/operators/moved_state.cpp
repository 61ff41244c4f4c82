// Permutations of sites, found for operators and done to states.

#include "operators/states/moved_state.hpp"

#include <algorithm>
#include <numeric>
#include <random>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/lattice.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/site_symmetries.hpp>

#include "support/chains.hpp"
#include "support/measure_cases.hpp"

namespace kronsolve {
namespace {

using test::world;

OpSum on_bonds(const Lattice& lattice) {
  OpSum h(lattice.sites());
  for (const Bond& bond : lattice.bonds())
    h.add(1, {{"Sz", bond.a}, {"Sz", bond.b}})
        .add(0.5, {{"S+", bond.a}, {"S-", bond.b}})
        .add(0.5, {{"S-", bond.a}, {"S+", bond.b}});
  return h;
}

/// Order of the group that what was found generates.
int order_of(const OpSum& op) {
  std::vector<SymmetryGenerator> generators;
  for (const auto& image : site_symmetries(op))
    generators.push_back({"permutation", image, SpinFlip::no, 0, 1});
  return SymmetryGroup(op.spaces(), std::move(generators)).order();
}

TEST(SiteSymmetries, generate_the_whole_group_of_known_graphs) {
  EXPECT_EQ(order_of(test::heisenberg(8, true)), 16);
  EXPECT_EQ(order_of(test::heisenberg(8, false)), 2);
  EXPECT_EQ(order_of(on_bonds(Lattice::square(3, 3, Cyclic::all))), 72);   // rooks: (S3 x S3) : 2
  EXPECT_EQ(order_of(on_bonds(Lattice::square(4, 4, Cyclic::all))), 384);  // cube in 4 dimensions
  EXPECT_EQ(order_of(on_bonds(Lattice::square(5, 3, Cyclic::all))), 60);   // D5 x D3
  EXPECT_EQ(order_of(on_bonds(Lattice::star(6))), 120);
  EXPECT_EQ(order_of(on_bonds(Lattice::complete(5))), 120);
}

TEST(SiteSymmetries, see_couplings_fields_and_kinds_of_sites) {
  OpSum field = test::heisenberg(8, true);
  field.add(0.3, {{"Sz", 2}});
  EXPECT_EQ(order_of(field), 2);  // the reflection about site 2
  OpSum staggered = test::heisenberg(8, true);
  for (int i = 0; i < 8; ++i) staggered.add(i % 2 ? 0.2 : -0.2, {{"Sz", i}});
  EXPECT_EQ(order_of(staggered), 8);
  // Conjugate terms of a model have -0 as imaginary part; that made each end of a bond another one.
  std::vector<Bond> cube;
  for (int v = 0; v < 8; ++v)
    for (const int bit : {1, 2, 4})
      if ((v & bit) == 0) cube.push_back({v, v | bit});
  ModelOptions options;
  options.lattice = "edges";
  options.edges = cube;
  EXPECT_EQ(order_of(make_model("heisenberg", options).op), 48);
  OpSum disordered = test::heisenberg(8, true);
  for (int i = 0; i < 8; ++i) disordered.add(0.1 * (i * i % 11), {{"Sz", i}});
  EXPECT_TRUE(site_symmetries(disordered).empty());
  // A current has a direction: the reflection changes its sign.
  OpSum current(6, LocalSpace::fermion());
  for (int i = 0; i < 6; ++i)
    current.add({0, 1}, {{"C+", i}, {"C-", (i + 1) % 6}})
        .add({0, -1}, {{"C+", (i + 1) % 6}, {"C-", i}});
  EXPECT_EQ(order_of(current), 6);
}

TEST(SiteSymmetries, are_symmetries_of_random_operators) {
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    const int n = 5;
    OpSum op(n, i % 2 ? LocalSpace::fermion() : LocalSpace());
    const char* const names[2][2] = {{"Sz", "S+"}, {"N", "C+"}};
    for (int j = 0; j < n; ++j) {
      const int k = (j + 1 + static_cast<int>(random() % 2)) % n;
      op.add(1.0 + random() % 2, {{names[i % 2][random() % 2], j}, {names[i % 2][0], k}});
    }
    for (const auto& image : site_symmetries(op))
      EXPECT_LT(test::max_difference(test::dense(op), test::dense(permuted(op, image))), 1e-14);
  }
}

/// U is what takes the operators of site i to those of image[i], and leaves the empty state.
TEST(SiteMove, takes_the_operators_of_a_site_to_its_image) {
  struct Case {
    std::vector<LocalSpace> spaces;
    std::vector<std::string> operators;
  };
  const auto of = [](int n, LocalSpace space) {
    return std::vector<LocalSpace>(std::size_t(n), space);
  };
  const std::vector<Case> cases = {{of(7, LocalSpace()), {"S+", "Sz"}},
                                   {of(4, LocalSpace::spin(2)), {"S+", "Sz"}},
                                   {of(7, LocalSpace::fermion()), {"C+", "N"}},
                                   {of(4, LocalSpace::electron()), {"Cup+", "Cdn+"}}};
  std::mt19937 random(11);
  for (const auto& [spaces, operators] : cases)
    for (int repeat = 0; repeat < 6; ++repeat) {
      SitePermutation image(spaces.size());
      std::iota(image.begin(), image.end(), 0);
      std::shuffle(image.begin(), image.end(), random);
      const FullBasis basis(spaces);
      const detail::SiteMove move(basis, image);
      const auto moved = [&](const Eigen::VectorXcd& psi) {
        const RowRange mine = basis.partition(world().size()).range(world().rank());
        std::vector<std::complex<double>> owned(psi.data() + mine.begin, psi.data() + mine.end),
            to(owned.size());
        move(StateView(world(), basis, owned), std::span(to));
        const auto all = world().all_gather_v(std::span<const std::complex<double>>(to));
        return Eigen::VectorXcd(Eigen::Map<const Eigen::VectorXcd>(all.data(), std::ssize(all)));
      };
      const Eigen::VectorXcd empty = Eigen::VectorXcd::Unit(basis.size(), 0);
      EXPECT_EQ(moved(empty), empty);
      const Eigen::VectorXcd psi = Eigen::VectorXcd::NullaryExpr(basis.size(), [&](Eigen::Index) {
        return std::complex<double>(std::uniform_real_distribution<>(-1, 1)(random),
                                    std::uniform_real_distribution<>(-1, 1)(random));
      });
      for (const auto& name : operators)
        for (int i = 0; i < std::ssize(spaces); ++i) {
          const auto on = [&](int site) {
            return test::dense(OpSum(spaces).add(1, {{name, site}}));
          };
          const Eigen::VectorXcd left = moved(on(i) * psi),
                                 right = on(image[static_cast<std::size_t>(i)]) * moved(psi);
          EXPECT_LT((left - right).cwiseAbs().maxCoeff(), 1e-14) << name << " of site " << i;
        }
    }
}

TEST(SiteMove, stays_in_sectors_of_charges) {
  for (const auto& sector : test::measure_cases<double>()) {
    if (sector.basis->symmetries() != nullptr || !sector.basis->rules().empty()) continue;
    const auto& spaces = sector.basis->spaces();
    if (!std::all_of(spaces.begin(), spaces.end(), [&](auto& s) { return s == spaces[0]; }))
      continue;
    SitePermutation image(spaces.size());
    for (std::size_t i = 0; i < image.size(); ++i)
      image[i] = static_cast<int>((i + 2) % image.size());
    const auto owned = test::random_on<double>(world(), *sector.basis, 4);
    std::vector<double> to(owned.span().size());
    const StateView<double> psi(world(), *sector.basis, owned.span());
    detail::SiteMove(*sector.basis, image)(psi, std::span(to));
    // The same on the full space.
    const FullBasis full(spaces);
    const auto n = static_cast<std::size_t>(full.size());
    const auto whole = [&](std::span<const double> part) {
      return world().all_gather_v(std::span<const double>(part));
    };
    const auto before = whole(owned.span()), after = whole(to);
    std::vector<double> spread(n), right(n);
    for (index_t i = 0; i < sector.basis->size(); ++i)
      spread[static_cast<std::size_t>(sector.basis->state(i))] =
          before[static_cast<std::size_t>(i)];
    const StateView<double> all(test::alone(), full, spread);
    detail::SiteMove(full, image)(all, std::span(right));
    for (index_t i = 0; i < sector.basis->size(); ++i)
      EXPECT_EQ(after[static_cast<std::size_t>(i)],
                right[static_cast<std::size_t>(sector.basis->state(i))])
          << sector.name;
  }
}

}  // namespace
}  // namespace kronsolve
