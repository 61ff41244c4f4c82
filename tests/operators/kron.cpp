#include <algorithm>
#include <random>

#include <Eigen/Dense>

#include <kronsolve/operators/kron.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using Index = Eigen::Index;

template <class T>
using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <class T>
Matrix<T> product(const Matrix<T>& a, const Matrix<T>& b) {
  Matrix<T> c(a.rows() * b.rows(), a.cols() * b.cols());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < a.cols(); ++j)
      c.block(i * b.rows(), j * b.cols(), b.rows(), b.cols()) = a(i, j) * b;
  return c;
}

template <class T>
KronFactor<T> factor(const Matrix<T>& m) {
  return {m.rows(), m.cols(), {m.data(), static_cast<std::size_t>(m.size())}};
}

template <class T>
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(engine_); }
  T number() {
    std::uniform_real_distribution<double> d(-1, 1);
    if constexpr (is_complex<T>)
      return {d(engine_), d(engine_)};
    else
      return d(engine_);
  }
  /// A third of the entries are zero.
  Matrix<T> matrix(int rows, int cols) {
    Matrix<T> m(rows, cols);
    for (Index i = 0; i < m.size(); ++i) m.data()[i] = pick(3) == 0 ? T{} : number();
    return m;
  }
  std::vector<int> shuffled(int n) {
    std::vector<int> order(static_cast<std::size_t>(n));
    for (int i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
    std::shuffle(order.begin(), order.end(), engine_);
    return order;
  }

 private:
  std::mt19937 engine_;
};

/// Rows as Lazy gives them in random pieces, put together.
template <class T>
Matrix<T> assembled(const Lazy<T>& lazy, Random<T>& random) {
  Matrix<T> m(lazy.rows(), lazy.cols());
  for (index_t begin = 0; begin < lazy.rows();) {
    const index_t end =
        std::min<index_t>(lazy.rows(), begin + 1 + random.pick(static_cast<int>(lazy.rows())));
    const auto rows = lazy.build({begin, end});
    EXPECT_EQ(rows.columns.size(), rows.columns.capacity());
    const auto dense = to_dense(rows);
    std::copy(dense.begin(), dense.end(), m.data() + begin * m.cols());
    begin = end;
  }
  return m;
}

/// An operator whose factors act on `sites` in that order: element by element from the digits.
template <class T>
Matrix<T> on_sites(const Matrix<T>& op, const std::vector<int>& dims,
                   const std::vector<int>& sites) {
  Index n = 1;
  for (const int d : dims) n *= d;
  const auto digits = [&](Index state) {
    std::vector<int> result(dims.size());
    for (std::size_t i = dims.size(); i-- > 0;) {
      result[i] = static_cast<int>(state % dims[i]);
      state /= dims[i];
    }
    return result;
  };
  Matrix<T> m = Matrix<T>::Zero(n, n);
  for (Index r = 0; r < n; ++r)
    for (Index c = 0; c < n; ++c) {
      auto row = digits(r), col = digits(c);
      Index a = 0, b = 0;
      for (const int s : sites) {
        const auto at = static_cast<std::size_t>(s);
        a = a * dims[at] + row[at];
        b = b * dims[at] + col[at];
        row[at] = col[at] = 0;
      }
      if (row == col) m(r, c) = op(a, b);
    }
  return m;
}

template <class T>
class Kron : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Kron, Scalars);

/// Products of up to five numbers of order one, in another order.
constexpr double rounding = 1e-15;

TYPED_TEST(Kron, equals_the_dense_product_however_it_is_cut) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random<T> random(seed);
    std::vector<KronFactor<T>> factors;
    Matrix<T> expected = Matrix<T>::Ones(1, 1);
    for (int k = 0; k <= random.pick(4); ++k) {
      const auto m = random.matrix(1 + random.pick(4), 1 + random.pick(4));
      factors.push_back(factor<T>(m));
      expected = product<T>(expected, m);
    }

    EXPECT_LT((assembled(lazy_kron(factors), random) - expected).cwiseAbs().maxCoeff(), rounding);
    EXPECT_EQ(kron(factors), lazy_kron(factors).build({0, expected.rows()}));
  }
}

TYPED_TEST(Kron, places_operators_on_sites_in_any_order) {
  using T = TypeParam;
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Random<T> random(seed);
    const int n = 2 + random.pick(4);
    std::vector<int> dims;
    for (int i = 0; i < n; ++i) dims.push_back(1 + random.pick(3));
    auto sites = random.shuffled(n);
    sites.resize(1 + static_cast<std::size_t>(random.pick(n)));
    int size = 1;
    for (const int s : sites) size *= dims[static_cast<std::size_t>(s)];
    const auto op = random.matrix(size, size);
    auto negative = sites, around = sites;
    for (auto& s : negative) s -= n;
    for (auto& s : around) s += 3 * n;

    const auto expected = on_sites<T>(op, dims, sites);
    EXPECT_LT((assembled(lazy_pkron(factor<T>(op), dims, sites), random) - expected)
                  .cwiseAbs()
                  .maxCoeff(),
              rounding);
    EXPECT_EQ(pkron(factor<T>(op), dims, negative), pkron(factor<T>(op), dims, sites));
    EXPECT_EQ(pkron(factor<T>(op), dims, around, {}, SiteNumbers::cyclic),
              pkron(factor<T>(op), dims, sites));
  }
}

TYPED_TEST(Kron, repeats_one_operator_and_deals_several) {
  using T = TypeParam;
  Random<T> random(5);
  const auto a = random.matrix(2, 2), b = random.matrix(3, 3), wide = random.matrix(6, 6);
  const Matrix<T> id2 = Matrix<T>::Identity(2, 2), id3 = Matrix<T>::Identity(3, 3);
  const std::vector<int> dims = {2, 3, 2};

  const auto dense = [](const CsrRows<T>& rows) {
    const auto values = to_dense(rows);
    return Matrix<T>(Eigen::Map<const Matrix<T>>(values.data(), rows.range.size(), rows.cols));
  };
  EXPECT_LT(
      (dense(ikron<T>({factor<T>(a)}, dims, {2, 0})) - product<T>(product<T>(a, id3), a)).norm(),
      1e-14);
  EXPECT_LT((dense(ikron<T>({factor<T>(b), factor<T>(a)}, dims, {1, -1})) -
             product<T>(product<T>(id2, b), a))
                .norm(),
            1e-14);
  EXPECT_LT((dense(ikron<T>({factor<T>(wide), factor<T>(a)}, dims, {2, 1, 0})) -
             on_sites<T>(wide, dims, {2, 1}) * on_sites<T>(a, dims, {0}))
                .norm(),
            1e-14);
  EXPECT_LT((dense(ikron<T>({factor<T>(b)}, {2, -1, 2}, {1})) - product<T>(product<T>(id2, b), id2))
                .norm(),
            1e-14);
}

TEST(KronRows, cost_no_more_than_the_result) {
  // 60 sites: any intermediate of the full dimension would be 2^60 large.
  const LocalMatrix x(2, {0, 1, 1, 0});
  const std::vector<int> dims(60, 2);
  const RowRange range{(index_t{1} << 59) + 12345, (index_t{1} << 59) + 12348};

  const auto rows = ikron<double>({x}, dims, {0, -1}, range);

  ASSERT_EQ(rows.entries(), 3);
  for (index_t i = 0; i < 3; ++i)
    EXPECT_EQ(rows.columns[static_cast<std::size_t>(i)],
              (range.begin + i) ^ ((index_t{1} << 59) | 1));
  EXPECT_EQ(ikron<double>({x}, dims, {0}, RowRange{7, 7}).entries(), 0);
  EXPECT_EQ((ikron<double>({x}, {2, 2}, {0}, RowRange{4, 4}).range), (RowRange{4, 4}));
}

TEST(KronSites, have_coordinates) {
  EXPECT_EQ(site_numbers({3, 4}, {{0, 0}, {2, 3}, {-1, -1}}), (std::vector<int>{0, 11, 11}));
  EXPECT_EQ(site_numbers({3, 4}, {{3, 4}, {-4, 5}}, SiteNumbers::cyclic), (std::vector<int>{0, 9}));
  EXPECT_ERROR(site_numbers({3, 4}, {{3, 0}}), InvalidArgument, "coordinate x");
}

TEST(KronErrors, name_what_is_wrong) {
  const LocalMatrix x(2, {0, 1, 1, 0}), y(2, {0, Complex(0, -1), Complex(0, 1), 0});
  using F = KronFactor<double>;
  const std::vector<int> dims = {2, 2, 2};

  EXPECT_ERROR(F{y}, InvalidArgument, "not real");
  EXPECT_ERROR(kron<double>({}), InvalidArgument, "at least one");
  EXPECT_ERROR(kron<double>({F(x)}, RowRange{1, 3}), DimensionError, "2 rows");
  EXPECT_ERROR(ikron<double>({F(x)}, dims, {3}), InvalidArgument, "[-3, 2], got 3");
  EXPECT_ERROR(ikron<double>({F(x)}, dims, {1, -2}), InvalidArgument, "site 1 is given twice");
  EXPECT_ERROR(ikron<double>({F(x)}, {3, 2}, {0}), DimensionError, "does not fill");
  EXPECT_ERROR(ikron<double>({F(x), F(x), F(x)}, dims, {0, 1}), InvalidArgument, "left over");
  EXPECT_ERROR(ikron<double>({F(x)}, {-1, -1}, {0}), InvalidArgument, "no operator is there");
  EXPECT_ERROR(pkron<double>(F(x), dims, {0, 1}), DimensionError,
               "its 2 sites together have dimension 4");
  EXPECT_ERROR(ikron<double>({F(x)}, std::vector<int>(64, 2), {0}), InvalidArgument, "64 bits");
  const std::vector<double> nan = {1, std::nan(""), 0, 1};
  EXPECT_ERROR((F{2, 2, nan}), InvalidArgument, "NaN");
}

}  // namespace
}  // namespace kronsolve
