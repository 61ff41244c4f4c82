#include <cmath>
#include <limits>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>

#include "support/measure_cases.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::dense_random;
using test::measure_cases;
using test::random_on;
using test::world;
using Complex = std::complex<double>;
using Sites = std::vector<int>;

// Sums of up to a few hundred squares of order one.
constexpr double tolerance = 1e-13;
const double ln2 = std::log(2.0);

template <class T>
class Entanglement : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Entanglement, Scalars);

/// Sets of sites worth a test: none, one, neighbours, gaps, halves, all but one, all.
std::vector<Sites> site_sets(int n) {
  std::vector<Sites> sets = {{}, {0}, {n - 1}, {0, n - 1}};
  sets.push_back(n > 3 ? Sites{1, 3} : Sites{0, 1});
  Sites half, all_but_one, all;
  for (int i = 0; i < n; ++i) {
    if (i < n / 2) half.push_back(i);
    if (i != 1) all_but_one.push_back(i);
    all.push_back(i);
  }
  sets.insert(sets.end(), {half, all_but_one, all});
  return sets;
}

std::vector<LocalSpace> spaces_of(const Basis& basis, const Sites& sites) {
  std::vector<LocalSpace> spaces;
  for (const int site : sites) spaces.push_back(basis.spaces()[static_cast<std::size_t>(site)]);
  return spaces;
}

template <Scalar T>
test::DenseMatrix matrix_of(const DensityMatrix<T>& rho) {
  test::DenseMatrix m(rho.dim, rho.dim);
  for (index_t i = 0; i < rho.dim; ++i)
    for (index_t j = 0; j < rho.dim; ++j) m(i, j) = rho(i, j);
  return m;
}

/// The Schmidt values of the vector on the full space, sites without fermions only.
std::vector<double> dense_schmidt_values(const Basis& basis, const Eigen::VectorXcd& v,
                                         const Sites& sites) {
  const DigitCode& code = basis.code();
  Eigen::Index rows = 1;
  for (const int site : sites) rows *= code.dim(site);
  test::DenseMatrix m = test::DenseMatrix::Zero(rows, v.size() / rows);
  for (Eigen::Index s = 0; s < v.size(); ++s) {
    Eigen::Index a = 0, b = 0;
    for (int site = 0; site < code.sites(); ++site) {
      const bool chosen = std::find(sites.begin(), sites.end(), site) != sites.end();
      (chosen ? a : b) =
          (chosen ? a : b) * code.dim(site) + code.digit(static_cast<state_t>(s), site);
    }
    m(a, b) = v[s];
  }
  const Eigen::VectorXd values = Eigen::BDCSVD<test::DenseMatrix>(m).singularValues();
  return {values.begin(), values.end()};
}

bool has_fermions(const Basis& basis) {
  for (const auto& space : basis.spaces())
    if (space.is_fermionic()) return true;
  return false;
}

TYPED_TEST(Entanglement, density_matrix_gives_every_expectation_value_of_its_sites) {
  using T = TypeParam;
  std::mt19937 random(30);
  for (const auto& c : measure_cases<T>()) {
    const auto owned = random_on<T>(world(), *c.basis, 1);
    const StateView<T> psi(world(), *c.basis, owned);
    for (const auto& sites : site_sets(c.basis->sites())) {
      if (sites.empty()) continue;
      SCOPED_TRACE(c.name + " " + std::to_string(sites.size()) + " sites from " +
                   std::to_string(sites[0]));

      const auto rho = matrix_of(reduced_density_matrix(psi, sites));

      EXPECT_LT(std::abs(rho.trace() - 1.0), tolerance);
      EXPECT_LT((rho - rho.adjoint()).norm(), tolerance);
      for (int trial = 0; trial < 4; ++trial) {
        const OpSum local = test::random_operator(spaces_of(*c.basis, sites), random, 20);
        OpSum same(c.basis->spaces());
        for (const auto& term : local.terms()) {
          auto factors = term.factors;
          for (auto& factor : factors) factor.site = sites[static_cast<std::size_t>(factor.site)];
          same.add(term.coefficient, std::move(factors));
        }
        EXPECT_LT(std::abs((rho * test::dense(local)).trace() - expectation(psi, same)), 1e-12)
            << same.text();
      }
    }
  }
}

TYPED_TEST(Entanglement, schmidt_values_are_singular_values_of_the_amplitudes) {
  using T = TypeParam;
  for (const auto& c : measure_cases<T>()) {
    const auto owned = random_on<T>(world(), *c.basis, 2);
    const StateView<T> psi(world(), *c.basis, owned);
    const auto v = dense_random<T>(c, 2);
    for (const auto& sites : site_sets(c.basis->sites())) {
      SCOPED_TRACE(c.name + " " + std::to_string(sites.size()) + " sites");

      const auto got = schmidt_values(psi, sites);

      if (has_fermions(*c.basis)) {  // the density matrix, tested by itself, has their squares
        const Eigen::SelfAdjointEigenSolver<test::DenseMatrix> rho(
            matrix_of(reduced_density_matrix(psi, sites)));
        const auto& weights = rho.eigenvalues();
        for (Eigen::Index i = 0; i < weights.size(); ++i) {
          const auto k = static_cast<std::size_t>(weights.size() - 1 - i);
          EXPECT_NEAR(k < got.size() ? got[k] * got[k] : 0, weights[i], tolerance);
        }
      } else {
        const auto expected = dense_schmidt_values(*c.basis, v, sites);
        for (std::size_t i = 0; i < std::max(got.size(), expected.size()); ++i)
          EXPECT_NEAR(i < got.size() ? got[i] : 0, i < expected.size() ? expected[i] : 0,
                      tolerance);
      }
    }
  }
}

TYPED_TEST(Entanglement, entropies_of_the_two_sides_agree_and_fit_the_schmidt_values) {
  using T = TypeParam;
  for (const auto& c : measure_cases<T>()) {
    if (has_fermions(*c.basis) && c.basis->sector().empty())
      continue;  // mixed parity: the sides may differ
    const auto owned = random_on<T>(world(), *c.basis, 3);
    const StateView<T> psi(world(), *c.basis, owned);
    for (const auto& sites : site_sets(c.basis->sites())) {
      SCOPED_TRACE(c.name + " " + std::to_string(sites.size()) + " sites");
      Sites rest;
      for (int i = 0; i < c.basis->sites(); ++i)
        if (std::find(sites.begin(), sites.end(), i) == sites.end()) rest.push_back(i);
      auto weights = schmidt_values(psi, sites);
      for (auto& w : weights) w *= w;
      for (const double alpha : {0.5, 1.0, 3.5, std::numeric_limits<double>::infinity()})
        EXPECT_NEAR(entanglement_entropy(psi, sites, {.alpha = alpha}),
                    entropy(weights, {.alpha = alpha}), 1e-12)
            << alpha;
      EXPECT_NEAR(entanglement_entropy(psi, rest), entropy(weights), 1e-12);
    }
  }
}

TYPED_TEST(Entanglement, result_does_not_depend_on_threads) {
  using T = TypeParam;
  const auto cases = measure_cases<T>();
  const Basis& basis = *cases[1].basis;
  const auto owned = random_on<T>(world(), basis, 4);
  const StateView<T> psi(world(), basis, owned);
  const double before = entanglement_entropy(psi, {0, 1, 4});

  const int threads = num_threads();
  set_threads(3);
  const double after = entanglement_entropy(psi, {0, 1, 4});
  set_threads(threads);

  EXPECT_NEAR(before, after, tolerance);
}

template <Scalar T>
double entropy_of(const std::string& state, int sites, const Sites& chosen,
                  EntropyOptions options = {}) {
  const FullBasis basis(std::vector<LocalSpace>(static_cast<std::size_t>(sites), LocalSpace()));
  const auto owned = make_state<T>(world(), basis, parse_state(state, basis.spaces()));
  return entanglement_entropy(StateView<T>(world(), basis, owned), chosen, options);
}

TYPED_TEST(Entanglement, named_states_have_their_closed_forms) {
  using T = TypeParam;
  const auto binary = [](double p) { return -p * std::log(p) - (1 - p) * std::log(1 - p); };

  EXPECT_NEAR(entropy_of<T>("neel", 6, {0, 1, 2}), 0, 1e-14);
  EXPECT_NEAR(entropy_of<T>("plus", 6, {1, 4}), 0, tolerance);
  EXPECT_NEAR(entropy_of<T>("ghz", 7, {0, 1, 2}), ln2, tolerance);
  EXPECT_NEAR(entropy_of<T>("ghz", 7, {0, 3, 6}, {.alpha = 2, .unit = EntropyUnit::bits}), 1,
              tolerance);
  EXPECT_NEAR(entropy_of<T>("w", 8, {0, 1, 2}), binary(3.0 / 8), tolerance);
  EXPECT_NEAR(entropy_of<T>("singlets", 8, {0, 1, 2, 3}), 0, tolerance);
  EXPECT_NEAR(entropy_of<T>("singlets", 8, {1, 2, 5}), 3 * ln2, tolerance);
  EXPECT_NEAR(entropy_of<T>("bell:phi+", 2, {0}), ln2, tolerance);
}

TYPED_TEST(Entanglement, mutual_information_and_negativity_have_their_closed_forms) {
  using T = TypeParam;
  const FullBasis basis(std::vector<LocalSpace>(6, LocalSpace()));
  const auto with = [&](const char* name, auto&& f) {
    const auto owned = make_state<T>(world(), basis, parse_state(name, basis.spaces()));
    return f(StateView<T>(world(), basis, owned));
  };
  const auto negativity = [](Sites a, Sites b) {
    return [=](const StateView<T>& psi) { return logarithmic_negativity(psi, a, b); };
  };
  const auto information = [](Sites a, Sites b) {
    return [=](const StateView<T>& psi) { return mutual_information(psi, a, b); };
  };

  EXPECT_NEAR(with("singlets", negativity({0}, {1})), ln2, 1e-12);
  EXPECT_NEAR(with("singlets", negativity({0, 2}, {1, 3})), 2 * ln2, 1e-12);
  EXPECT_NEAR(with("singlets", negativity({0}, {2, 3})), 0, 1e-12);
  EXPECT_NEAR(with("singlets", negativity({0, 2, 4}, {1, 3, 5})), 3 * ln2, 1e-12);
  EXPECT_NEAR(with("singlets", information({0}, {1})), 2 * ln2, 1e-12);
  EXPECT_NEAR(with("ghz", negativity({0, 1}, {2, 3})), 0, 1e-12);
  EXPECT_NEAR(with("ghz", negativity({0, 1}, {2, 3, 4, 5})), ln2, 1e-12);
  EXPECT_NEAR(with("ghz", information({0, 1}, {4})), ln2, 1e-12);
  // Two sites of W: rho = (N-2)/N |00><00| + 2/N |psi+><psi+|; its partial transpose has the
  // eigenvalues 1/N (twice) and
  // ((N-2) +- sqrt((N-2)^2 + 4)) / 2N.
  const double n = 6, root = std::sqrt((n - 2) * (n - 2) + 4);
  EXPECT_NEAR(with("w", negativity({1}, {4})), std::log((2 + root) / n), 1e-12);
}

TYPED_TEST(Entanglement, negativity_agrees_with_a_dense_partial_transpose) {
  using T = TypeParam;
  const auto cases = measure_cases<T>();
  const Basis& basis = *cases[2].basis;  // spin-1 in a sector
  const auto owned = random_on<T>(world(), basis, 5);
  const StateView<T> psi(world(), basis, owned);

  const double got = logarithmic_negativity(psi, {0, 3}, {2});

  const auto rho = matrix_of(reduced_density_matrix(psi, {0, 2, 3}));
  test::DenseMatrix transposed = rho;
  for (int row = 0; row < 27; ++row)
    for (int col = 0; col < 27; ++col) {
      const int r = row / 3 % 3, c = col / 3 % 3;  // site 2 transposed: the same trace norm
      transposed(row + 3 * (c - r), col + 3 * (r - c)) = rho(row, col);
    }
  const Eigen::SelfAdjointEigenSolver<test::DenseMatrix> solver(transposed);
  EXPECT_NEAR(got, std::log(solver.eigenvalues().cwiseAbs().sum()), 1e-12);
}

/// Names of the operators that create and destroy one mode of a site.
std::vector<std::pair<std::string, std::string>> mode_names(const LocalSpace& space) {
  if (space.kind() == LocalSpace::Kind::fermion) return {{"C+", "C-"}};
  return {{"Cup+", "Cup-"}, {"Cdn+", "Cdn-"}};
}

/// The Majorana operators of the sites as matrices: squares are one.
std::vector<test::DenseMatrix> majoranas(const std::vector<LocalSpace>& spaces,
                                         const std::vector<int>& sites) {
  std::vector<test::DenseMatrix> all;
  for (const int site : sites)
    for (const auto& [create, destroy] : mode_names(spaces[static_cast<std::size_t>(site)]))
      for (const Complex factor : {Complex(1), Complex(0, 1)})
        all.push_back(test::dense(
            OpSum(spaces).add(factor, {{create, site}}).add(std::conj(factor), {{destroy, site}})));
  return all;
}

/// ln of the trace norm of the partial time reversal, by its definition: rho in products of
/// Majorana operators, a factor i for each operator of the first sites.
double fermionic_negativity(const test::DenseMatrix& rho, const std::vector<LocalSpace>& spaces,
                            const Sites& first, const Sites& second) {
  const auto mine = majoranas(spaces, first), others = majoranas(spaces, second);
  auto all = mine;
  all.insert(all.end(), others.begin(), others.end());
  test::DenseMatrix reversed = test::DenseMatrix::Zero(rho.rows(), rho.cols());
  for (unsigned set = 0; set < 1u << all.size(); ++set) {
    test::DenseMatrix product = test::DenseMatrix::Identity(rho.rows(), rho.cols());
    Complex factor = 1;
    for (std::size_t m = 0; m < all.size(); ++m) {
      if ((set >> m & 1) == 0) continue;
      product = product * all[m];
      if (m < mine.size()) factor *= Complex(0, 1);
    }
    reversed += factor * (product.adjoint() * rho).trace() / double(rho.rows()) * product;
  }
  return std::log(Eigen::JacobiSVD<test::DenseMatrix>(reversed).singularValues().sum());
}

TYPED_TEST(Entanglement, negativity_of_fermions_is_that_of_the_partial_time_reversal) {
  using T = TypeParam;
  struct Choice {
    std::string name;
    Sites a, b;
  };
  int seen = 0;
  double largest = 0;
  for (const auto& c : measure_cases<T>())
    for (const auto& [name, a, b] : {Choice{"fermions", {0, 3}, {2, 5}},
                                     {"fermions", {4}, {0, 1}},
                                     {"fermions", {1, 2}, {3}},
                                     {"electrons", {0}, {2}},
                                     {"electrons", {2}, {1}}}) {
      if (!c.name.starts_with(name + " ")) continue;  // sectors: parity is definite
      SCOPED_TRACE(c.name);
      const auto owned = random_on<T>(world(), *c.basis, 8);
      const StateView<T> psi(world(), *c.basis, owned);
      Sites both = a;
      both.insert(both.end(), b.begin(), b.end());
      std::sort(both.begin(), both.end());
      const auto among = [&](const Sites& some) {
        Sites places;
        for (const int site : some)
          places.push_back(
              static_cast<int>(std::find(both.begin(), both.end(), site) - both.begin()));
        return places;
      };
      const auto rho = matrix_of(reduced_density_matrix(psi, both));

      const double got = logarithmic_negativity(psi, a, b);

      EXPECT_NEAR(got, fermionic_negativity(rho, spaces_of(*c.basis, both), among(a), among(b)),
                  1e-11);
      EXPECT_NEAR(got, logarithmic_negativity(psi, b, a), 1e-11);
      EXPECT_GE(got, 0);
      largest = std::max(largest, got);
      ++seen;
    }
  EXPECT_GE(seen, 8);
  EXPECT_GT(largest, 0.1);
}

TEST(Entanglement, negativity_of_shared_fermions) {
  // One fermion on two sites of four, in equal parts: the pair by itself is pure.
  const std::vector<LocalSpace> modes(4, LocalSpace::fermion());
  const ChargeBasis one(modes, {Charge::particles(modes, 1)});
  const auto owned = make_state<double>(world(), one, [](std::span<const int> digits) {
    return digits[0] + digits[3] > 0 ? 1.0 : 0.0;
  });
  const StateView<double> psi(world(), one, owned);

  EXPECT_NEAR(logarithmic_negativity(psi, {0}, {3}), ln2, 1e-12);
  EXPECT_NEAR(logarithmic_negativity(psi, {0}, {1, 3}), ln2, 1e-12);
  EXPECT_NEAR(logarithmic_negativity(psi, {0, 1}, {2, 3}), ln2, 1e-12);
  EXPECT_NEAR(logarithmic_negativity(psi, {0}, {1}), 0, 1e-12);
}

TEST(Entanglement, small_schmidt_values_keep_their_digits) {
  // cos|00> + sin|11> with a tiny angle: the square of the small value is far below the rounding of
  // the large one.
  const FullBasis basis(std::vector<LocalSpace>(2, LocalSpace()));
  const double angle = 1e-11;
  const auto owned = make_state<double>(world(), basis, [&](std::span<const int> digits) {
    if (digits[0] != digits[1]) return 0.0;
    return digits[0] == 0 ? std::cos(angle) : std::sin(angle);
  });

  const auto values = schmidt_values(StateView<double>(world(), basis, owned), {0});

  ASSERT_EQ(values.size(), 2u);
  EXPECT_NEAR(values[1], angle, 1e-16);
  EXPECT_NEAR(entanglement_entropy(StateView<double>(world(), basis, owned), {0}, {.alpha = 0.5}),
              2 * std::log(1 + angle), 1e-15);
}

TEST(Entanglement, sector_needs_less_memory_than_the_full_space) {
  const std::vector<LocalSpace> spins(20);
  const ChargeBasis sector(spins, {Charge::sz(spins, 0)});
  Sites half(10);
  for (int i = 0; i < 10; ++i) half[static_cast<std::size_t>(i)] = i;

  const index_t with = entanglement_memory(sector, half, ScalarKind::real, 2);
  const index_t without = entanglement_memory(FullBasis(spins), half, ScalarKind::real, 2);

  EXPECT_LT(with, without);
  EXPECT_GE(without, index_t{1024} * 1024 * 8);
}

TEST(Entanglement, bad_input_is_refused_by_name) {
  const FullBasis basis(std::vector<LocalSpace>(4, LocalSpace())),
      modes(std::vector<LocalSpace>(4, LocalSpace::fermion()));
  const auto owned = random_on<double>(world(), basis, 0),
             fermions = random_on<double>(world(), modes, 0);
  const StateView<double> psi(world(), basis, owned);

  EXPECT_ERROR((void)entanglement_entropy(psi, {0, 4}), InvalidArgument, "[0, 3], got 4");
  EXPECT_ERROR((void)entanglement_entropy(psi, {1, 0}), InvalidArgument, "ascend");
  EXPECT_ERROR((void)entanglement_entropy(psi, {0}, {.alpha = 0}), InvalidArgument, "alpha");
  EXPECT_ERROR((void)mutual_information(psi, {0, 1}, {1}), InvalidArgument, "share a site");
  EXPECT_ERROR((void)logarithmic_negativity(StateView<double>(world(), modes, fermions), {0}, {1}),
               InvalidArgument, "definite parity");
  EXPECT_ERROR((void)entropy(std::vector<double>{0, 0}), InvalidArgument, "zero");
}

}  // namespace
}  // namespace kronsolve
