#include <random>

#include <Eigen/Eigenvalues>

#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/models.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::dense;
using test::DenseMatrix;
using test::max_difference;
using Complex = std::complex<double>;

/// Products of a few terms with coefficients of order one.
constexpr double rounding = 1e-12;

std::vector<std::vector<LocalSpace>> sites() {
  return {
      {LocalSpace(), LocalSpace(), LocalSpace()},
      {LocalSpace::spin(2), LocalSpace::boson(3), LocalSpace()},
      {LocalSpace::fermion(), LocalSpace::fermion(), LocalSpace::fermion(), LocalSpace::fermion()},
      {LocalSpace::electron(), LocalSpace(), LocalSpace::electron()},
      {LocalSpace::tj(), LocalSpace::tj(), LocalSpace::tj()},
      {LocalSpace::fermion(), LocalSpace::electron(), LocalSpace::tj()}};
}

OpSum random_operator(const std::vector<LocalSpace>& spaces, unsigned seed) {
  std::mt19937 engine(seed);
  const auto pick = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine);
  };
  const auto real = [&] { return std::uniform_real_distribution<double>(-1, 1)(engine); };
  OpSum op(spaces);
  for (std::size_t t = 0; t < 1 + pick(4); ++t) {
    std::vector<OpFactor> factors;
    for (std::size_t f = 0; f < pick(4); ++f) {
      const auto site = pick(spaces.size());
      const auto names = spaces[site].operator_names();
      factors.push_back({names[pick(names.size())], static_cast<int>(site)});
    }
    op.add({real(), real()}, factors);
  }
  return op;
}

TEST(Algebra, agrees_with_matrices) {
  for (const auto& spaces : sites())
    for (unsigned seed = 0; seed < 12; ++seed) {
      SCOPED_TRACE(::testing::Message() << spaces[0].name() << " seed " << seed);
      const OpSum a = random_operator(spaces, 2 * seed), b = random_operator(spaces, 2 * seed + 1);
      const DenseMatrix x = dense(a), y = dense(b);

      EXPECT_LT(max_difference(dense(commutator(a, b)), x * y - y * x), rounding);
      EXPECT_LT(max_difference(dense(anticommutator(a, b)), x * y + y * x), rounding);
      EXPECT_LT(max_difference(dense(simplify(a)), x), rounding);
      EXPECT_LT(max_difference(dense(power(a, 3)), x * x * x), 10 * rounding);
      EXPECT_TRUE(equal(simplify(a), a));
    }
}

TEST(Algebra, traces_come_from_the_terms) {
  for (const auto& spaces : sites())
    for (unsigned seed = 0; seed < 12; ++seed) {
      const OpSum op = random_operator(spaces, seed);
      const auto dim = static_cast<double>(op.dimension());
      const DenseMatrix m = dense(op);

      EXPECT_LT(std::abs(normalized_trace(op) - m.trace() / dim), rounding);
      EXPECT_LT(std::abs(normalized_trace(op * op) - (m * m).trace() / dim), rounding);
    }
  // Tr H = 0 and Tr H^2 / D = 3 nb/16 of spins 1/2 with nb bonds, however many there are.
  for (const int n : {2, 3, 7, 40}) {
    const Model model = make_model("heisenberg", {.sites = n, .cyclic = Cyclic::all});
    const auto bonds = static_cast<double>(model.lattice.bonds().size());
    EXPECT_EQ(normalized_trace(model.op), 0.0);
    EXPECT_NEAR(normalized_trace(model.op * model.op).real(), 3 * bonds / 16, 1e-12);
  }
}

TEST(Algebra, simplified_terms_are_few_and_readable) {
  OpSum h(4, LocalSpace::fermion());
  h.add(1, {{"C+", 3}, {"C-", 0}})
      .add(1, {{"C-", 0}, {"C+", 3}})
      .add(2, {{"C+", 1}, {"C-", 2}})
      .add(-1, {{"C-", 2}, {"C+", 1}});
  const OpSum simple = simplify(h);

  ASSERT_EQ(simple.terms().size(), 1u);  // the first two cancel, the others add up
  EXPECT_EQ(simple.text(), "3 C+_1 C-_2");
  OpSum spins(2);
  spins.add(1, {{"Sx", 0}, {"Sx", 1}}).add(1, {{"Sy", 0}, {"Sy", 1}}).add(0, {{"Sz", 0}});
  EXPECT_EQ(simplify(spins).text(), "0.5 S+_0 S-_1 + 0.5 S-_0 S+_1");
  OpSum projectors(1), penalty(2, LocalSpace::electron());
  projectors.add(1, {{"P0", 0}}).add(-1, {{"P1", 0}});
  EXPECT_EQ(simplify(projectors).text(), "2 Sz_0");
  penalty.add(1e10, {{"Nup", 0}, {"Ndn", 0}}).add(-1, {{"N", 1}});
  EXPECT_EQ(simplify(penalty).text(), "10000000000 P3_0 + -1 N_1");
  EXPECT_EQ(power(spins, 0).text(), "1");
  EXPECT_ERROR(power(spins, -1), InvalidArgument, "at least 0");
  EXPECT_ERROR(commutator(spins, h), DimensionError, "different sites");
}

TEST(Algebra, commutators_of_angular_momentum) {
  OpSum x(3, LocalSpace::spin(3)), y = x, z = x;
  for (int i = 0; i < 3; ++i) {
    x.add(1, {{"Sx", i}});
    y.add(1, {{"Sy", i}});
    z.add(1, {{"Sz", i}});
  }
  EXPECT_TRUE(equal(commutator(x, y), Complex(0, 1) * z));
  EXPECT_TRUE(commutator(z, z).terms().empty());
}

/// The matrix of a permutation on spins: |s> to |s with the digit of site i on site image[i]>.
DenseMatrix permutation_matrix(const OpSum& op, const SitePermutation& image) {
  const DigitCode code(op.spaces());
  const auto n = static_cast<Eigen::Index>(op.dimension());
  DenseMatrix u = DenseMatrix::Zero(n, n);
  for (Eigen::Index s = 0; s < n; ++s) {
    state_t to = 0;
    for (int i = 0; i < code.sites(); ++i)
      to += static_cast<state_t>(code.digit(static_cast<state_t>(s), i)) *
            code.stride(image[static_cast<std::size_t>(i)]);
    u(static_cast<Eigen::Index>(to), s) = 1;
  }
  return u;
}

TEST(Algebra, permuted_and_flipped_spins_are_conjugated) {
  for (const auto space : {LocalSpace(), LocalSpace::spin(2)}) {
    const OpSum op = random_operator(std::vector<LocalSpace>(3, space), 5);
    const SitePermutation image = {2, 0, 1};
    const DenseMatrix u = permutation_matrix(op, image);
    DenseMatrix flip = DenseMatrix::Zero(u.rows(), u.cols());
    for (Eigen::Index s = 0; s < u.rows(); ++s) flip(u.rows() - 1 - s, s) = 1;

    EXPECT_LT(max_difference(dense(permuted(op, image)), u * dense(op) * u.adjoint()), rounding);
    EXPECT_LT(max_difference(dense(spin_flipped(op)), flip * dense(op) * flip), rounding);
  }
  OpSum defined(2);
  defined.define("M", LocalMatrix(2, {1, 2, Complex(0, 3), 4})).add(1, {{"M", 1}});
  EXPECT_LT(max_difference(dense(spin_flipped(defined)).block(0, 0, 2, 2),
                           (DenseMatrix(2, 2) << 4, Complex(0, 3), 2, 1).finished()),
            rounding);
  EXPECT_ERROR(permuted(defined, {0, 0}), InvalidArgument, "each of the 2 sites once");
}

TEST(Algebra, permuted_and_flipped_fermions_keep_the_spectrum_and_the_algebra) {
  // The images of operators under a unitary obey the same products.
  const std::vector<LocalSpace> spaces(3, LocalSpace::electron());
  const SitePermutation image = {1, 2, 0};
  for (unsigned seed = 0; seed < 8; ++seed) {
    const OpSum a = random_operator(spaces, seed), b = random_operator(spaces, seed + 100);
    EXPECT_TRUE(equal(permuted(a * b, image), permuted(a, image) * permuted(b, image)));
    EXPECT_TRUE(equal(spin_flipped(a * b), spin_flipped(a) * spin_flipped(b)));
    EXPECT_TRUE(equal(spin_flipped(spin_flipped(a)), a));
    EXPECT_TRUE(equal(permuted(simplify(a), image), permuted(a, image)));
    EXPECT_TRUE(equal(spin_flipped(simplify(a)), spin_flipped(a)));
  }
  OpSum bare(spaces);
  LocalMatrix create(4);
  create(1, 0) = 1;
  bare.define("bare", create).add(1, {{"bare", 0}});
  EXPECT_ERROR(permuted(bare, image), NotSupported, "'bare' changes the number of fermions");
}

TEST(Algebra, conserved_charges_are_found_and_the_term_that_breaks_one_named) {
  const auto charges = [](const char* model, ModelOptions options) {
    return conserved_charges(make_model(model, options).op);
  };
  using Names = std::vector<std::string>;

  EXPECT_EQ(charges("heisenberg", {.sites = 4}), (Names{"sz", "parity"}));
  EXPECT_EQ(charges("ising", {.sites = 4, .params = {{"bx", "0"}}}), (Names{"sz", "parity"}));
  EXPECT_EQ(charges("ising", {.sites = 4}), Names{});
  EXPECT_EQ(charges("xyz", {.sites = 4, .params = {{"jx", "0.5"}}}), Names{"parity"});
  EXPECT_EQ(charges("hubbard", {.sites = 3}), (Names{"sz", "n", "nup", "ndown", "parity"}));
  EXPECT_EQ(charges("syk", {.sites = 3}), Names{"parity"});
  const OpSum h = make_model("xxz", {.sites = 3}).op + 0.25 * OpSum(3).add(1, {{"Sx", 1}});
  EXPECT_EQ(breaks(h, "sz"), "0.25 Sx_1");
  EXPECT_FALSE(conserves(h, "parity"));
  EXPECT_ERROR((void)breaks(h, "nup"), InvalidArgument, "no site has electrons");
  EXPECT_ERROR((void)breaks(h, "spin"), InvalidArgument, "unknown charge 'spin'");
}

TEST(PauliDecomposition, gives_the_matrix_back) {
  for (const int n : {1, 2, 4}) {
    const DenseMatrix m = DenseMatrix::Random(1 << n, 1 << n);
    LocalMatrix local(1 << n);
    for (int i = 0; i < local.dim(); ++i)
      for (int j = 0; j < local.dim(); ++j) local(i, j) = m(i, j);

    const OpSum op = pauli_decomposition(local);
    EXPECT_LT(max_difference(dense(op), m), rounding);
    EXPECT_EQ(op.terms().size(), std::size_t{1} << (2 * n));
  }
  EXPECT_EQ(pauli_decomposition(LocalMatrix(4, {1, 0, 0, 0, 0, -1, 2, 0, 0, 2, -1, 0, 0, 0, 0, 1}))
                .text(),
            "1 X_0 X_1 + 1 Y_0 Y_1 + 1 Z_0 Z_1");
  EXPECT_ERROR(pauli_decomposition(LocalMatrix(3)), DimensionError, "2, 4, 8");
}

}  // namespace
}  // namespace kronsolve
