#include <cmath>
#include <utility>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/assembled_map.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/solvers/density_of_states.hpp>
#include <kronsolve/solvers/filter.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::whole;
using test::world;
using Complex = std::complex<double>;

template <class T>
class Filter : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Filter, Scalars);

template <Scalar T>
void expect_pairs(const DenseMap<T>& a, const FilterResult<T>& r) {
  const auto k = static_cast<index_t>(r.eigenvalues.size());
  Matrix<T> x(a.rows(), k);
  for (index_t j = 0; j < k; ++j) {
    x.col(j) = whole<T>(world(), r.vectors.column(j));
    const double residual = (a.matrix() * x.col(j) - r.eigenvalues[j] * x.col(j)).norm();
    EXPECT_LE(residual, 1e-10 * std::max(1.0, std::abs(r.eigenvalues[j])));
    EXPECT_NEAR(residual, r.residuals[j], 1e-12);
  }
  EXPECT_LE((x.adjoint() * x - Matrix<T>::Identity(k, k)).norm(),
            1e-11 * std::sqrt(static_cast<double>(k)));
}

TYPED_TEST(Filter, finds_all_pairs_of_an_interval) {
  using T = TypeParam;
  const int cases = world().size() > 1 ? 2 : 5;
  for (int seed = 0; seed < cases; ++seed) {
    Random random(static_cast<unsigned>(seed));
    const int n = world().size() > 1 ? 60 : random.integer(1, 120);
    const DenseMap<T> a(world(), random.hermitian<T>(n, 8, random.uniform(-2, 2)),
                        random.partition(n, world().size()));
    const auto values = test::SpectralOracle<T>(a.matrix()).values().eval();
    const double low = random.uniform(values(0) - 0.5, values(n - 1)),
                 high = low + random.uniform(0.05, 1.5);
    SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " [", low, ", ", high, "]"));
    std::vector<double> inside;
    for (const double value : values)
      if (value >= low && value <= high) inside.push_back(value);
    const auto r = filter_eigh(a, {.interval = std::pair(low, high)});

    EXPECT_TRUE(r.converged) << r.reason;
    ASSERT_EQ(r.eigenvalues.size(), inside.size()) << r.reason;
    for (std::size_t j = 0; j < inside.size(); ++j) EXPECT_NEAR(r.eigenvalues[j], inside[j], 1e-10);
    expect_pairs(a, r);
    EXPECT_EQ(r.products + r.certify_products, a.products());
    EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
  }
}

TYPED_TEST(Filter, finds_the_nearest_pairs) {
  using T = TypeParam;
  const int cases = world().size() > 1 ? 2 : 5;
  for (int seed = 0; seed < cases; ++seed) {
    Random random(static_cast<unsigned>(seed) + 50);
    const int n = world().size() > 1 ? 60 : random.integer(1, 120);
    const index_t k = std::min(n, random.integer(1, 25));
    const DenseMap<T> a(world(), random.hermitian<T>(n, 8, 0), random.partition(n, world().size()));
    const double sigma = random.uniform(-4, 4);
    SCOPED_TRACE(detail::concat("seed ", seed, " n ", n, " k ", k, " sigma ", sigma));
    const auto all = test::SpectralOracle<T>(a.matrix()).values().eval();
    std::vector<double> values(all.begin(), all.end());
    std::sort(values.begin(), values.end(),
              [&](double x, double y) { return std::abs(x - sigma) < std::abs(y - sigma); });
    values.resize(static_cast<std::size_t>(k));
    std::sort(values.begin(), values.end());
    const auto r = filter_eigh(a, {.k = k, .sigma = sigma});

    EXPECT_TRUE(r.converged) << r.reason;
    ASSERT_EQ(r.eigenvalues.size(), values.size());
    for (std::size_t j = 0; j < values.size(); ++j) EXPECT_NEAR(r.eigenvalues[j], values[j], 1e-10);
    expect_pairs(a, r);
  }
}

TYPED_TEST(Filter, multiplets_come_out_whole) {
  using T = TypeParam;
  Random random(7);
  const int n = 60;
  // every level four times, turned by a random unitary
  Eigen::VectorXd levels(n);
  for (int i = 0; i < n; ++i) levels(i) = i / 4;
  const Matrix<T> q = Eigen::HouseholderQR<Matrix<T>>(random.matrix<T>(n, n)).householderQ();
  const DenseMap<T> a(world(), q * levels.template cast<T>().asDiagonal() * q.adjoint(),
                      RowPartition(n, world().size()));
  const auto r = filter_eigh(a, {.interval = std::pair(4.5, 7.5)});

  ASSERT_EQ(r.eigenvalues.size(), 12u) << r.reason;
  for (int j = 0; j < 12; ++j) EXPECT_NEAR(r.eigenvalues[j], 5 + j / 4, 1e-10);
  expect_pairs(a, r);
}

TYPED_TEST(Filter, copies_that_the_block_cannot_see_are_put_in) {
  using T = TypeParam;
  // Three levels, each six times, away from the rest: a block of one or two cannot see all copies
  // before they have converged.
  const int n = 160, copies = 6;
  index_t inserted = 0, missed = 0;
  for (unsigned seed = 0; seed < (world().size() > 1 ? 1u : 2u); ++seed)
    for (const index_t block : {1, 2}) {
      Random random(seed + 20);
      Eigen::VectorXd levels(n);
      for (int i = 0; i < n; ++i)
        levels(i) = i < 3 * copies ? 0.05 * (i / copies - 1) : (i % 2 ? 1 : -1) * (0.4 + i * 0.003);
      const Matrix<T> q = Eigen::HouseholderQR<Matrix<T>>(random.matrix<T>(n, n)).householderQ();
      const DenseMap<T> a(world(), q * levels.template cast<T>().asDiagonal() * q.adjoint(),
                          RowPartition(n, world().size()));
      SCOPED_TRACE(detail::concat("seed ", seed, " block ", block));
      FilterOptions options{.interval = std::pair(-0.1, 0.1), .block = block, .seed = seed};

      const auto r = filter_eigh(a, options);
      options.certify = false;
      const auto blind = filter_eigh(a, options);

      ASSERT_EQ(r.eigenvalues.size(), 18u) << r.reason << r.certificate;
      for (int j = 0; j < 18; ++j) EXPECT_NEAR(r.eigenvalues[j], 0.05 * (j / copies - 1), 1e-10);
      expect_pairs(a, r);
      EXPECT_TRUE(r.converged) << r.reason;
      EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
      EXPECT_FALSE(blind.certified.has_value());
      inserted += r.inserted;
      missed += 18 - static_cast<index_t>(blind.eigenvalues.size());
    }
  EXPECT_EQ(inserted, missed);
}

TYPED_TEST(Filter, copies_of_the_last_level_are_not_hunted) {
  using T = TypeParam;
  // As a commuting Hamiltonian: 4 states at the target, 80 at the next level. Any of the 80 will do.
  const int n = 160;
  Random random(12);
  std::vector<double> values;
  for (int i = 0; i < n; ++i)
    values.push_back(i < 4 ? -16 : i < 84 ? -12 : random.uniform(-10, 16));
  const DenseMap<T> a(world(), random.template with_spectrum<T>(values),
                      RowPartition(n, world().size()));
  for (const index_t k : {2, 4, 5, 10}) {
    SCOPED_TRACE(k);
    const auto r = filter_eigh(a, {.k = k, .sigma = -16});

    ASSERT_EQ(std::ssize(r.eigenvalues), k) << r.reason;
    for (index_t j = 0; j < k; ++j) EXPECT_NEAR(r.eigenvalues[j], j < 4 ? -16 : -12, 1e-10);
    expect_pairs(a, r);
    EXPECT_TRUE(r.converged) << r.reason;
    EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
    EXPECT_LE(r.inserted, 4) << r.certificate;
  }
}

TYPED_TEST(Filter, a_copy_that_the_start_is_orthogonal_to_is_put_in) {
  using T = TypeParam;
  // A diagonal operator moves nothing: where the start is exactly zero all vectors stay exactly
  // zero, on any machine, until something random comes in.
  const index_t n = 200, hidden = 63, twin = 140;
  Matrix<T> levels = Matrix<T>::Zero(n, n);
  for (index_t i = 0; i < n; ++i) levels(i, i) = -1 + 0.01 * static_cast<double>(i);
  levels(hidden, hidden) = levels(twin, twin) = 0.0025;
  const DenseMap<T> a(world(), levels, RowPartition(n, world().size()));
  DistributedVectors<T> start(a.row_partition(), world().rank(), 2);
  for (index_t j = 0; j < 2; ++j) {
    fill_normal(start.column(j), a.row_range(), 77 + static_cast<std::uint64_t>(j));
    if (a.row_range().contains(hidden))
      start.column(j)[static_cast<std::size_t>(hidden - a.row_range().begin)] = T{};
  }
  FilterOptions options{
      .interval = std::pair(-0.045, 0.045), .block = 2, .start = &std::as_const(start)};

  const auto r = filter_eigh(a, options);
  options.certify = false;
  const auto blind = filter_eigh(a, options);

  // Without the check the answer looks as good and is short.
  EXPECT_TRUE(blind.converged) << blind.reason;
  EXPECT_LT(blind.iterations, n - 1);
  EXPECT_EQ(blind.eigenvalues.size(), 10u) << blind.reason;
  EXPECT_FALSE(blind.certified.has_value());
  EXPECT_TRUE(r.converged) << r.reason;
  EXPECT_TRUE(r.certified.value_or(false)) << r.certificate;
  EXPECT_EQ(r.inserted, 1) << r.certificate;
  ASSERT_EQ(r.eigenvalues.size(), 11u) << r.reason;
  const auto copies = std::count_if(r.eigenvalues.begin(), r.eigenvalues.end(),
                                    [](double l) { return std::abs(l - 0.0025) < 1e-10; });
  EXPECT_EQ(copies, 2);
  expect_pairs(a, r);
}

TYPED_TEST(Filter, density_of_states_counts_states) {
  using T = TypeParam;
  const int n = world().size() > 1 ? 80 : 150;
  Random random(9);
  const DenseMap<T> a(world(), random.hermitian<T>(n, 8, 1), random.partition(n, world().size()));
  const auto values = test::SpectralOracle<T>(a.matrix()).values().eval();
  const auto states = density_of_states(a, {.moments = 64, .samples = 10});

  EXPECT_NEAR(states.count(-100, 100), n, 1e-9 * n);
  EXPECT_NEAR(states.count(values(n / 2), 100), n / 2.0, 0.05 * n);
  EXPECT_EQ(states.density(states.bounds.upper + 1), 0);
  double sum = 0;
  const double step = (states.bounds.upper - states.bounds.lower) / 4000;
  for (int i = 0; i < 4000; ++i)
    sum += states.density(states.bounds.lower + (i + 0.5) * step) * step;
  EXPECT_NEAR(sum, n, 1e-3 * n);
  // exact moments are means over the spectrum
  for (std::size_t m = 1; m < 20; ++m) {
    double exact = 0;
    for (const double e : values)
      exact += std::cos(double(m) *
                        std::acos((e - states.bounds.center()) / states.bounds.half_width())) /
               n;
    EXPECT_NEAR(states.moments[m], exact, 5 * states.errors[m] + 1e-3);
  }
  EXPECT_EQ(states.products, a.products());
}

/// Heisenberg chain with random fields along z, Sz = 0.
OpSum random_field_chain(int sites, double strength, unsigned seed) {
  Random random(seed);
  OpSum h(sites);
  for (int i = 0; i < sites; ++i) {
    const int j = (i + 1) % sites;
    h.add(0.5, {{"S+", i}, {"S-", j}})
        .add(0.5, {{"S-", i}, {"S+", j}})
        .add(1, {{"Sz", i}, {"Sz", j}});
    h.add(random.uniform(-strength, strength), {{"Sz", i}});
  }
  return h;
}

TEST(FilterChain, window_of_the_random_field_chain_has_the_dense_count) {
  if (world().size() > 1) return;  // one process is enough; ranks are the other tests' business
  const OpSum op = random_field_chain(12, 3, 5);
  const auto basis =
      std::make_shared<ChargeBasis>(op.spaces(), std::vector{Charge::sz(op.spaces(), 0)});
  ASSERT_EQ(basis->size(), 924);
  const AssembledMap<double> h(world(), make_lazy<double>(SectorOperator{op, basis}),
                               basis->partition(1));
  const auto values =
      test::SpectralOracle<double>(test::matrix_of<double>(op, *basis)).values().eval();
  const auto states = density_of_states(h, {.moments = 256, .samples = 20});
  for (const auto& [low, high] :
       {std::pair(-6.0, -2.0), std::pair(-1.0, 1.0), std::pair(2.0, 8.0)}) {
    const auto inside = std::count_if(values.begin(), values.end(),
                                      [&](double v) { return v >= low && v <= high; });
    EXPECT_NEAR(states.count(low, high), double(inside), 0.02 * 924) << low << " " << high;
  }
  for (const auto& [low, high] : {std::pair(-0.1, 0.3), std::pair(-4.0, -3.0)}) {
    SCOPED_TRACE(detail::concat("[", low, ", ", high, "]"));
    index_t inside = 0;
    for (const double value : values) inside += value >= low && value <= high;
    const auto r = filter_eigh(h, {.interval = std::pair(low, high)});

    EXPECT_TRUE(r.converged) << r.reason;
    EXPECT_EQ(static_cast<index_t>(r.eigenvalues.size()), inside) << r.reason;
    for (const double residual : r.residuals) EXPECT_LE(residual, 1e-10 * 10);
  }
}

TYPED_TEST(Filter, bad_input_is_refused) {
  using T = TypeParam;
  Random random(1);
  const int ranks = world().size();
  const DenseMap<T> a(world(), random.hermitian<T>(10, 2, 0), RowPartition(10, ranks));
  const DenseMap<T> crooked(world(), random.matrix<T>(10, 10), RowPartition(10, ranks));

  EXPECT_ERROR((void)filter_eigh(a, {.k = 11}), InvalidArgument, "[1, 10]");
  EXPECT_ERROR((void)filter_eigh(a, {.k = 0}), InvalidArgument, "[1, 10]");
  EXPECT_ERROR((void)filter_eigh(a, {.sigma = std::nan("")}), InvalidArgument, "finite");
  EXPECT_ERROR((void)filter_eigh(a, {.interval = std::pair(1.0, 1.0)}), InvalidArgument,
               "not empty");
  EXPECT_ERROR((void)filter_eigh(a, {.tol = 0}), InvalidArgument, "tol");
  EXPECT_ERROR((void)filter_eigh(a, {.block = 0}), InvalidArgument, "block");
  EXPECT_ERROR((void)filter_eigh(crooked, {}), InvalidArgument, "not Hermitian");
  EXPECT_ERROR((void)density_of_states(a, {.moments = 1}), InvalidArgument, "moments");
  DistributedVectors<T> start(a.row_partition(), world().rank(), 2);
  const std::variant<std::monostate, const DistributedVectors<double>*,
                     const DistributedVectors<Complex>*>
      zero = &std::as_const(start);
  EXPECT_ERROR((void)filter_eigh(a, {.block = 1, .start = zero}), InvalidArgument, "at most 1");
  EXPECT_ERROR((void)filter_eigh(a, {.start = zero}), InvalidArgument, "start vector 0 is zero");
  const auto few = filter_eigh(a, {.k = 3, .block = 1, .max_vectors = 1});
  EXPECT_FALSE(few.converged);
}

}  // namespace
}  // namespace kronsolve
