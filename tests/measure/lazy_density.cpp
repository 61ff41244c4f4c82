// Density matrices as products against the same matrices formed, and what random vectors tell of
// them against exact entropies and negativities.

#include <cmath>

#include <kronsolve/measure/lazy_density.hpp>

#include "support/measure_cases.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::measure_cases;
using test::random_on;
using test::world;
using Complex = std::complex<double>;
using Sites = std::vector<int>;

template <class T>
class LazyDensity : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(LazyDensity, Scalars);

/// The matrix of a map, column by column, on every rank.
template <Scalar T>
Eigen::MatrixXcd matrix_of(const LinearMap<T>& map) {
  Eigen::MatrixXcd m(map.rows(), map.rows());
  const RowRange mine = map.row_range();
  for (index_t j = 0; j < map.rows(); ++j) {
    std::vector<T> x(static_cast<std::size_t>(mine.size())), y(x.size());
    if (mine.begin <= j && j < mine.end) x[static_cast<std::size_t>(j - mine.begin)] = 1;
    map.apply(x, y);
    const auto column = world().all_gather_v(std::span<const T>(y));
    for (index_t i = 0; i < map.rows(); ++i) m(i, j) = column[static_cast<std::size_t>(i)];
  }
  return m;
}

bool has_fermions(const Basis& basis) {
  for (const auto& space : basis.spaces())
    if (space.is_fermionic()) return true;
  return false;
}

template <Scalar T>
Eigen::MatrixXcd formed(const StateView<T>& psi, const Sites& sites) {
  const auto rho = reduced_density_matrix(psi, sites);
  Eigen::MatrixXcd m(rho.dim, rho.dim);
  for (index_t i = 0; i < rho.dim; ++i)
    for (index_t j = 0; j < rho.dim; ++j) m(i, j) = rho(i, j);
  return m;
}

TYPED_TEST(LazyDensity, products_are_those_of_the_matrix_that_is_formed) {
  using T = TypeParam;
  for (const auto& c : measure_cases<T>()) {
    const auto owned = random_on<T>(world(), *c.basis, 5);
    const StateView<T> psi(world(), *c.basis, owned);
    const int n = c.basis->sites();
    for (const Sites& sites : {Sites{}, Sites{0}, Sites{1, 2}, Sites{0, n - 1}, Sites{0, 1, 2}}) {
      SCOPED_TRACE(c.name + " first of " + std::to_string(sites.size()));
      const auto map = make_reduced_density_map(psi, sites);
      EXPECT_LT((matrix_of(*map) - formed(psi, sites)).norm(), 1e-13);
      EXPECT_GT(map->memory_bytes(), 0);
    }
  }
}

TYPED_TEST(LazyDensity, partial_transposes_are_those_of_the_matrix_that_is_formed) {
  using T = TypeParam;
  for (const auto& c : measure_cases<T>()) {
    if (has_fermions(*c.basis)) continue;
    const auto owned = random_on<T>(world(), *c.basis, 6);
    const StateView<T> psi(world(), *c.basis, owned);
    // The smaller one first, last, between the sites of the other; all sites.
    for (const auto& [a, b] :
         {std::pair<Sites, Sites>{{0}, {1, 2}}, {{1, 2}, {0}}, {{1}, {0, 3}}, {{0, 2}, {1, 3}}}) {
      SCOPED_TRACE(c.name + " " + std::to_string(a.size()) + " " + std::to_string(b.size()));
      Sites both;
      std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
      const Eigen::MatrixXcd rho = formed(psi, both);
      const auto digits = [&](index_t number) {
        std::vector<index_t> result(both.size());
        for (std::size_t i = both.size(); i-- > 0;) {
          result[i] = number % c.basis->code().dim(both[i]);
          number /= c.basis->code().dim(both[i]);
        }
        return result;
      };
      const auto number = [&](const std::vector<index_t>& of) {
        index_t result = 0;
        for (std::size_t i = 0; i < both.size(); ++i)
          result = result * c.basis->code().dim(both[i]) + of[i];
        return result;
      };
      Eigen::MatrixXcd transposed(rho.rows(), rho.cols());
      for (index_t i = 0; i < rho.rows(); ++i)
        for (index_t j = 0; j < rho.cols(); ++j) {
          auto row = digits(i), col = digits(j);
          for (std::size_t s = 0; s < both.size(); ++s)
            if (std::binary_search(a.begin(), a.end(), both[s])) std::swap(row[s], col[s]);
          transposed(number(row), number(col)) = rho(i, j);
        }
      const auto map = make_partial_transpose_map(psi, a, b);
      EXPECT_LT((matrix_of(*map) - transposed).norm(), 1e-13);
    }
  }
}

TYPED_TEST(LazyDensity, estimates_are_within_their_errors) {
  using T = TypeParam;
  const std::vector<LocalSpace> spins(10);
  const ChargeBasis sector(spins, {Charge::sz(spins, 0)});
  const FullBasis full(spins);
  for (const Basis* basis :
       {static_cast<const Basis*>(&full), static_cast<const Basis*>(&sector)}) {
    const auto owned = random_on<T>(world(), *basis, 3);
    const StateView<T> psi(world(), *basis, owned);
    const TraceOptions options{.tol = 0.03, .seed = 8};
    for (const double alpha : {1.0, 2.0, 0.5}) {
      const auto estimate = estimate_entropy(psi, {0, 1, 2, 3, 4}, {.alpha = alpha}, options);
      EXPECT_TRUE(estimate.converged);
      EXPECT_GT(estimate.error, 0);
      EXPECT_LT(estimate.error, 0.15);
      EXPECT_NEAR(estimate.value, entanglement_entropy(psi, {0, 1, 2, 3, 4}, {.alpha = alpha}),
                  4 * estimate.error);
    }
    const auto negativity = estimate_negativity(psi, {0, 1, 2}, {4, 5, 6, 7}, options);
    EXPECT_TRUE(negativity.converged);
    EXPECT_NEAR(negativity.value, logarithmic_negativity(psi, {0, 1, 2}, {4, 5, 6, 7}),
                4 * negativity.error);
  }
  // The larger side is the smaller one's: a product state has none at all.
  const auto product = make_state<T>(world(), full, neel_state(spins));
  const auto none = estimate_entropy(StateView<T>(world(), full, product), {0, 1, 2, 3, 4, 5, 6});
  EXPECT_NEAR(none.value, 0, 1e-12);
  EXPECT_TRUE(none.converged);
}

TEST(LazyDensityErrors, bad_requests_are_refused_on_every_rank) {
  const std::vector<LocalSpace> spins(4);
  const FullBasis basis(spins);
  const auto owned = random_on<double>(world(), basis, 1);
  const StateView<double> psi(world(), basis, owned);
  EXPECT_ERROR((void)make_reduced_density_map(psi, {1, 0}), InvalidArgument, "ascend");
  EXPECT_ERROR((void)make_reduced_density_map(psi, {4}), InvalidArgument, "4");
  EXPECT_ERROR((void)make_partial_transpose_map(psi, {0, 1}, {1}), InvalidArgument, "share");
  EXPECT_ERROR((void)estimate_entropy(psi, {0}, {.alpha = 0}), InvalidArgument, "alpha");
  EXPECT_ERROR((void)estimate_entropy(psi, {0}, {}, {.tol = 0}), InvalidArgument, "tol");
  const std::vector<LocalSpace> modes(4, LocalSpace::fermion());
  const FullBasis fermions(modes);
  const auto state = random_on<double>(world(), fermions, 1);
  EXPECT_ERROR(
      (void)make_partial_transpose_map(StateView<double>(world(), fermions, state), {0}, {1}),
      NotSupported, "fermionic");
}

}  // namespace
}  // namespace kronsolve
