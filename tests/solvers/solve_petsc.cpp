// Krylov methods and preconditioners of PETSc against dense solutions.

#include <cmath>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/solve.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::DenseMap;
using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

template <class T>
class SolvePetsc : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(SolvePetsc, Scalars);

/// Residuals as the result says, and small; x as the dense solution has it.
template <Scalar T>
void expect_solution(const Matrix<T>& a, const Matrix<T>& b, const SolveResult<T>& r, double tol) {
  EXPECT_TRUE(r.converged) << r.reason;
  EXPECT_EQ(r.krylov, KrylovSource::petsc);
  const Matrix<T> exact = a.partialPivLu().solve(b);
  for (index_t j = 0; j < b.cols(); ++j) {
    const Vector<T> x = test::whole<T>(world(), r.x.column(j));
    const double residual = (b.col(j) - a * x).norm();
    EXPECT_LE(residual, tol * b.col(j).norm() + 1e-13);
    EXPECT_NEAR(residual, r.residuals[static_cast<std::size_t>(j)], 1e-12 * (1 + b.col(j).norm()));
    EXPECT_LE((x - exact.col(j)).norm(), 1e-6 * exact.col(j).norm());
  }
}

/// Hermitian, a few entries a row, diagonally dominant: positive definite if `low` > 0.
template <Scalar T>
Matrix<T> sparse_hermitian(Random& random, index_t n, double low, double high) {
  Matrix<T> a = Matrix<T>::Zero(n, n);
  for (index_t e = 0; e < 2 * n; ++e) {
    const index_t i = random.integer(0, static_cast<int>(n) - 1),
                  j = random.integer(0, static_cast<int>(n) - 1);
    if (i == j) continue;
    a(i, j) = random.scalar<T>();
    a(j, i) = conj(a(i, j));
  }
  for (index_t i = 0; i < n; ++i) {
    const double size = a.row(i).cwiseAbs().sum(), value = random.uniform(low, high);
    a(i, i) = value < 0 ? value - size : value + size;
  }
  return a;
}

TYPED_TEST(SolvePetsc, every_method_and_preconditioner_agrees_with_dense) {
  using T = TypeParam;
  constexpr unsigned seed = 21;
  Random random(seed);
  const Preconditioner all[] = {Preconditioner::automatic, Preconditioner::none,
                                Preconditioner::jacobi, Preconditioner::block_jacobi,
                                Preconditioner::multigrid};
  for (int round = 0; round < 15; ++round) {
    const index_t n = round < 4 ? round + 1 : random.integer(5, 150), count = random.integer(1, 3);
    const auto method = round % 3 == 0   ? SolveMethod::cg
                        : round % 3 == 1 ? SolveMethod::minres
                                         : SolveMethod::gmres;
    const auto preconditioner =
        method == SolveMethod::minres ? all[random.integer(0, 2)] : all[random.integer(0, 4)];
    Matrix<T> a = sparse_hermitian<T>(random, n, method == SolveMethod::minres ? -3 : 0.5, 3);
    if (method == SolveMethod::gmres)
      for (index_t i = 0; i + 1 < n; ++i) a(i, i + 1) += 0.3;
    const Matrix<T> b = random.matrix<T>(n, count);
    SCOPED_TRACE(detail::concat("seed ", seed, " round ", round, " n ", n, " ", to_string(method),
                                " ", to_string(preconditioner)));

    const auto r = solve<T>(world(), test::lazy<T>(a),
                            test::columns<T>(world(), b, RowPartition(n, world().size())),
                            {.method = method,
                             .tol = 1e-11,
                             .krylov = KrylovSource::petsc,
                             .preconditioner = preconditioner});

    expect_solution<T>(a, b, r, 1e-11);
    EXPECT_EQ(r.method, method);
    EXPECT_NE(r.preconditioner, Preconditioner::automatic);
    if (preconditioner != Preconditioner::automatic) {
      EXPECT_EQ(r.preconditioner, preconditioner);
    }
    EXPECT_GE(r.products, r.iterations);
  }
}

TYPED_TEST(SolvePetsc, a_product_alone_is_enough_without_preconditioner) {
  using T = TypeParam;
  Random random(22);
  for (const auto method : {SolveMethod::cg, SolveMethod::minres, SolveMethod::gmres}) {
    const index_t n = 60;
    const Matrix<T> a = sparse_hermitian<T>(random, n, 0.5, 3), b = random.matrix<T>(n, 2);
    const RowPartition rows = random.partition(n, world().size());
    const DenseMap<T> map(world(), a, rows);

    const auto r = solve<T>(map, test::columns<T>(world(), b, rows),
                            {.method = method, .krylov = KrylovSource::petsc});

    expect_solution<T>(a, b, r, 1e-10);
    EXPECT_EQ(r.preconditioner, Preconditioner::none);
    EXPECT_NE(r.reason.find("only a product"), std::string::npos) << r.reason;
    EXPECT_ERROR((void)solve<T>(map, test::columns<T>(world(), b, rows),
                                {.method = method, .preconditioner = Preconditioner::jacobi}),
                 InvalidArgument, "hand over rows");
  }
}

/// The diagonal comes from rows that are not stored: the product stays matrix-free.
TYPED_TEST(SolvePetsc, operators_in_their_basis_take_jacobi) {
  using T = TypeParam;
  const auto model = make_model("heisenberg", {.sites = 10, .cyclic = Cyclic::all});
  OpSum shifted = model.op;
  shifted.add(0.05, {});
  const SectorOperator h{
      shifted, std::make_shared<const ChargeBasis>(shifted.spaces(),
                                                   std::vector{Charge::sz(shifted.spaces(), 0)})};
  const auto a = test::matrix_of<T>(h.op, *h.basis);
  Random random(9);
  const Matrix<T> b = random.matrix<T>(a.rows(), 2);
  const auto right = test::columns<T>(world(), b, h.basis->partition(world().size()));
  for (const auto preconditioner : {Preconditioner::none, Preconditioner::jacobi}) {
    const auto r = solve<T>(world(), h, right,
                            {.method = SolveMethod::minres,
                             .tol = 1e-11,
                             .krylov = KrylovSource::petsc,
                             .preconditioner = preconditioner});
    expect_solution<T>(a, b, r, 1e-11);
    EXPECT_EQ(r.preconditioner, preconditioner);
  }
}

/// A diagonal over six orders of magnitude: what preconditioners are for.
TYPED_TEST(SolvePetsc, preconditioners_save_products_on_badly_scaled_matrices) {
  using T = TypeParam;
  Random random(23);
  const index_t n = 200;
  Matrix<T> a = sparse_hermitian<T>(random, n, 0.5, 3);
  Vector<T> scale(n);
  for (index_t i = 0; i < n; ++i) scale(i) = std::pow(10, random.uniform(-1.5, 1.5));
  a = scale.asDiagonal() * a * scale.asDiagonal();
  const Matrix<T> b = random.matrix<T>(n, 1);
  const auto products = [&](Preconditioner preconditioner) {
    const auto r = solve<T>(world(), test::lazy<T>(a),
                            test::columns<T>(world(), b, RowPartition(n, world().size())),
                            {.method = SolveMethod::cg,
                             .tol = 1e-8,
                             .krylov = KrylovSource::petsc,
                             .preconditioner = preconditioner});
    // Without one the limit of 10 n products may not be enough.
    EXPECT_TRUE(r.converged || preconditioner == Preconditioner::none) << r.reason;
    return r.products;
  };
  const index_t plain = products(Preconditioner::none);
  EXPECT_LT(5 * products(Preconditioner::jacobi), plain);
  EXPECT_LT(5 * products(Preconditioner::block_jacobi), plain);
}

TYPED_TEST(SolvePetsc, automatic_takes_our_own_unless_something_of_petsc_is_asked_for) {
  using T = TypeParam;
  Random random(24);
  const index_t n = 40;
  const Matrix<T> a = sparse_hermitian<T>(random, n, 0.5, 3), b = random.matrix<T>(n, 1);
  const auto right = test::columns<T>(world(), b, RowPartition(n, world().size()));
  const auto run = [&](const SolveOptions& options) {
    return solve<T>(world(), test::lazy<T>(a), right, options);
  };
  EXPECT_EQ(run({}).krylov, KrylovSource::own);
  EXPECT_EQ(run({.preconditioner = Preconditioner::none}).krylov, KrylovSource::own);
  const auto jacobi = run({.preconditioner = Preconditioner::jacobi});
  EXPECT_EQ(jacobi.krylov, KrylovSource::petsc);
  EXPECT_EQ(jacobi.method, SolveMethod::minres) << jacobi.reason;
  const auto blocks = run({.preconditioner = Preconditioner::block_jacobi});
  EXPECT_EQ(blocks.method, SolveMethod::gmres) << blocks.reason;
  EXPECT_NE(blocks.reason.find("may be indefinite"), std::string::npos) << blocks.reason;
  const auto positive = run(
      {.kind = OperatorKind::hermitian_positive, .preconditioner = Preconditioner::block_jacobi});
  EXPECT_EQ(positive.method, SolveMethod::cg);
  const auto options = run({.petsc_options = "-ksp_type bcgs -pc_type sor"});
  EXPECT_EQ(options.krylov, KrylovSource::petsc);
  EXPECT_TRUE(options.converged) << options.reason;
}

TYPED_TEST(SolvePetsc, what_did_not_converge_says_so_with_true_residuals) {
  using T = TypeParam;
  Random random(25);
  const index_t n = 80;
  const Matrix<T> a = sparse_hermitian<T>(random, n, 0.001, 3), b = random.matrix<T>(n, 2);
  const auto right = test::columns<T>(world(), b, RowPartition(n, world().size()));
  const auto check = [&](const Matrix<T>& matrix, const SolveOptions& options, const char* words) {
    const auto r = solve<T>(world(), test::lazy<T>(matrix), right, options);
    EXPECT_FALSE(r.converged);
    EXPECT_NE(r.reason.find(words), std::string::npos) << r.reason;
    for (index_t j = 0; j < 2; ++j) {
      const Vector<T> x = test::whole<T>(world(), r.x.column(j));
      EXPECT_NEAR((b.col(j) - matrix * x).norm(), r.residuals[static_cast<std::size_t>(j)], 1e-11);
      EXPECT_LE(r.residuals[static_cast<std::size_t>(j)], b.col(j).norm() * (1 + 1e-12));
    }
  };
  const auto petsc = KrylovSource::petsc;
  check(a, {.method = SolveMethod::cg, .max_iterations = 3, .krylov = petsc}, "out of iterations");
  check(a,
        {.method = SolveMethod::gmres,
         .max_iterations = 3,
         .krylov = petsc,
         .preconditioner = Preconditioner::none},
        "out of iterations");
  check(sparse_hermitian<T>(random, n, -3, 3),
        {.method = SolveMethod::cg, .krylov = petsc, .preconditioner = Preconditioner::none},
        "not positive definite");
  Matrix<T> singular = a;
  singular.row(5).setZero();
  singular.col(5).setZero();
  for (const auto method : {SolveMethod::minres, SolveMethod::gmres})
    check(singular, {.method = method, .max_iterations = 400, .krylov = petsc},
          "right-hand side 0");
}

TYPED_TEST(SolvePetsc, zero_right_hand_sides_cost_nothing) {
  using T = TypeParam;
  const index_t n = 9;
  const auto r =
      solve<T>(world(), test::lazy<T>(Matrix<T>(2.0 * Matrix<T>::Identity(n, n))),
               test::columns<T>(world(), Matrix<T>::Zero(n, 2), RowPartition(n, world().size())),
               {.method = SolveMethod::cg, .krylov = KrylovSource::petsc});
  EXPECT_TRUE(r.converged);
  EXPECT_EQ(r.iterations, 0);
  EXPECT_EQ(r.residuals[1], 0);
}

TYPED_TEST(SolvePetsc, bad_requests_are_refused) {
  using T = TypeParam;
  const RowPartition rows(4, world().size());
  const auto a = test::lazy<T>(Matrix<T>::Identity(4, 4));
  const auto b = test::columns<T>(world(), Matrix<T>::Ones(4, 1), rows);
  const auto refused = [&](const SolveOptions& options, const char* words) {
    EXPECT_ERROR((void)solve<T>(world(), a, b, options), InvalidArgument, words);
  };
  refused({.krylov = KrylovSource::own, .preconditioner = Preconditioner::jacobi},
          "krylov = petsc");
  refused({.krylov = KrylovSource::own, .petsc_options = "-ksp_view"}, "options for PETSc");
  refused({.method = SolveMethod::minres, .preconditioner = Preconditioner::block_jacobi},
          "positive definite preconditioner");
  refused({.method = SolveMethod::direct, .preconditioner = Preconditioner::jacobi}, "direct");
  EXPECT_ERROR((void)solve<T>(world(), a, b, {.petsc_options = "-pc_type nonsense"}), EngineError,
               "nonsense");
}

}  // namespace
}  // namespace kronsolve
