// No level is missed: pairs with perfect residuals but missing copies must be completed or called
// uncertified, never passed.

#include <cmath>

#include <kronsolve/solvers/certify.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

constexpr double value_tolerance = 1e-9;

template <class T>
class Certify : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(Certify, Scalars);

/// A matrix with known eigenvectors (columns of q) and eigenvalues.
template <Scalar T>
struct Known {
  Matrix<T> q;
  std::vector<double> values;
  RowPartition rows;
  Known(Random& random, std::vector<double> spectrum)
      : values(std::move(spectrum)), rows(static_cast<index_t>(values.size()), world().size()) {
    const auto n = static_cast<index_t>(values.size());
    q = Matrix<T>(random.matrix<T>(n, n).householderQr().householderQ());
  }
  Matrix<T> matrix() const {
    Vector<T> d(static_cast<index_t>(values.size()));
    for (index_t i = 0; i < d.size(); ++i) d(i) = values[static_cast<std::size_t>(i)];
    return q * d.asDiagonal() * q.adjoint();
  }
  /// The pairs with these numbers, as a solver that missed the others would return them.
  struct Pairs {
    std::vector<double> values, residuals;
    DistributedVectors<T> vectors;
  };
  Pairs pairs(const std::vector<index_t>& which) const {
    Pairs p{
        {}, {}, DistributedVectors<T>(rows, world().rank(), static_cast<index_t>(which.size()))};
    const RowRange mine = rows.range(world().rank());
    for (std::size_t j = 0; j < which.size(); ++j) {
      p.values.push_back(values[static_cast<std::size_t>(which[j])]);
      p.residuals.push_back(1e-13);
      for (index_t i = 0; i < mine.size(); ++i)
        p.vectors.column(static_cast<index_t>(j))[static_cast<std::size_t>(i)] =
            q(mine.begin + i, which[j]);
    }
    return p;
  }
};

std::vector<double> ladder(std::vector<double> low, int rest) {
  for (int i = 0; i < rest; ++i) low.push_back(0.1 * i);
  return low;
}

TYPED_TEST(Certify, complete_pairs_pass_with_a_stated_probability) {
  Random random(1);
  const Known<TypeParam> known(random, ladder({-3, -3, -2}, 80));
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({0, 1, 2});

  const auto c = certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors);

  EXPECT_TRUE(c.certified) << c.text;
  EXPECT_EQ(c.inserted, 0);
  EXPECT_LE(c.miss_probability, 1e-9);
  EXPECT_GT(c.products, 0);
}

TYPED_TEST(Certify, missing_copies_are_found_and_put_in) {
  Random random(2);
  const Known<TypeParam> known(random, ladder({-3, -3, -3, -2, -2, -1}, 80));
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({0, 3, 5, 6});  // one of each level: what a single-vector method returns

  const auto c = certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors);

  EXPECT_TRUE(c.certified) << c.text;
  EXPECT_EQ(c.inserted, 2);
  const std::vector<double> expected = {-3, -3, -3, -2};
  for (std::size_t j = 0; j < 4; ++j) {
    EXPECT_NEAR(p.values[j], expected[j], value_tolerance);
    EXPECT_LE(p.residuals[j], 1e-10 * 4);
  }
}

TYPED_TEST(Certify, the_upper_end_is_checked_alike) {
  Random random(3);
  const Known<TypeParam> known(random, ladder({}, 60));
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({56, 58});

  const auto c =
      certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors, {.which = Which::LA});

  EXPECT_TRUE(c.certified) << c.text;
  EXPECT_NEAR(p.values[0], 5.8, value_tolerance);
  EXPECT_NEAR(p.values[1], 5.9, value_tolerance);
}

TYPED_TEST(Certify, a_level_cut_in_two_is_no_miss) {
  Random random(4);
  const Known<TypeParam> known(random, ladder({-1, -1, -1}, 40));
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({0, 1});

  const auto c = certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors);

  EXPECT_TRUE(c.certified) << c.text;
  EXPECT_EQ(c.inserted, 0);
  EXPECT_NEAR(c.next_value, -1, value_tolerance);
}

TYPED_TEST(Certify, no_silent_miss_in_random_clustered_spectra) {
  constexpr unsigned seed = 77;
  Random random(seed);
  for (int round = 0; round < 25; ++round) {
    std::vector<double> low;
    double level = -5;
    const int wanted = random.integer(2, 5);
    while (static_cast<int>(low.size()) < wanted + 3) {
      const int copies = random.integer(1, 3);
      const double spread = random.integer(0, 2) == 0 ? 1e-12 : 0;
      for (int c = 0; c < copies; ++c) low.push_back(level + spread * c);
      level += random.uniform(0.05, 1);
    }
    const Known<TypeParam> known(random, ladder(low, random.integer(10, 50)));
    const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
    std::vector<index_t> some;  // a wrong choice: every level may have been skipped
    for (index_t j = 0; static_cast<int>(some.size()) < wanted; ++j)
      if (random.integer(0, 2) != 0 || j + wanted > static_cast<index_t>(low.size()) + 1)
        some.push_back(j);
    auto p = known.pairs(some);
    auto sorted = known.values;
    std::sort(sorted.begin(), sorted.end());

    const auto c = certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors);

    SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " ", c.text));
    EXPECT_TRUE(c.certified);
    for (std::size_t j = 0; j < p.values.size(); ++j)
      EXPECT_NEAR(p.values[j], sorted[j], value_tolerance);
  }
}

TYPED_TEST(Certify, too_few_steps_are_not_certified) {
  Random random(5);
  const Known<TypeParam> known(random, ladder({-1.001, -1}, 200));
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({0, 1});

  const auto c =
      certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors, {.max_iterations = 3});

  EXPECT_FALSE(c.certified);
  EXPECT_NE(c.text.find("not certified"), std::string::npos);
}

TYPED_TEST(Certify, the_whole_spectrum_needs_no_search) {
  Random random(6);
  const Known<TypeParam> known(random, {1, 2, 2});
  const DenseMap<TypeParam> map(world(), known.matrix(), known.rows);
  auto p = known.pairs({0, 1, 2});

  EXPECT_TRUE((certify_levels<TypeParam>(map, p.values, p.residuals, p.vectors).certified));
}

}  // namespace
}  // namespace kronsolve
