// LU factors by MUMPS against dense solutions.

#include <cmath>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/solve.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::Matrix;
using test::Random;
using test::Vector;
using test::world;

template <class T>
class SolveDirect : public ::testing::Test {};
using Scalars = ::testing::Types<double, std::complex<double>>;
TYPED_TEST_SUITE(SolveDirect, Scalars);

TYPED_TEST(SolveDirect, agrees_with_dense_for_any_matrix) {
  using T = TypeParam;
  constexpr unsigned seed = 3;
  Random random(seed);
  for (const index_t n : {1, 2, 17, 80, 150}) {
    SCOPED_TRACE(detail::concat("seed ", seed, " n ", n));
    const Matrix<T> a = random.matrix<T>(n, n), b = random.matrix<T>(n, 3);
    const auto r = solve<T>(world(), test::lazy<T>(a),
                            test::columns<T>(world(), b, RowPartition(n, world().size())),
                            {.method = SolveMethod::direct, .tol = 1e-12});

    EXPECT_TRUE(r.converged) << r.reason;
    EXPECT_EQ(r.method, SolveMethod::direct);
    const Matrix<T> exact = a.fullPivLu().solve(b);
    for (index_t j = 0; j < 3; ++j) {
      const Vector<T> x = test::whole<T>(world(), r.x.column(j));
      EXPECT_LE((b.col(j) - a * x).norm(), 1e-12 * b.col(j).norm() + 1e-14);
      EXPECT_NEAR(r.residuals[static_cast<std::size_t>(j)], (b.col(j) - a * x).norm(), 1e-13 * n);
      EXPECT_LE((x - exact.col(j)).norm(), 1e-7 * exact.col(j).norm());
    }
  }
}

TYPED_TEST(SolveDirect, a_singular_matrix_has_not_converged) {
  using T = TypeParam;
  Random random(5);
  Matrix<T> a = random.matrix<T>(20, 20);
  a.col(7).setZero();
  const auto r =
      solve<T>(world(), test::lazy<T>(a),
               test::columns<T>(world(), random.matrix<T>(20, 1), RowPartition(20, world().size())),
               {.method = SolveMethod::direct});

  EXPECT_FALSE(r.converged) << r.reason;
  EXPECT_ERROR((void)r.require_converged(), NotConverged, "solve");
}

TYPED_TEST(SolveDirect, operators_in_their_basis_are_solved_by_every_method) {
  using T = TypeParam;
  const auto model = make_model("heisenberg", {.sites = 10, .cyclic = Cyclic::all});
  // Away from every eigenvalue: an indefinite Hermitian system.
  OpSum shifted = model.op;
  shifted.add(0.05, {});
  const SectorOperator h{
      shifted, std::make_shared<const ChargeBasis>(shifted.spaces(),
                                                   std::vector{Charge::sz(shifted.spaces(), 0)})};
  const auto a = test::matrix_of<T>(h.op, *h.basis);
  Random random(9);
  const Matrix<T> b = random.matrix<T>(a.rows(), 2);
  const auto right = test::columns<T>(world(), b, h.basis->partition(world().size()));
  const Matrix<T> exact = a.partialPivLu().solve(b);
  for (const auto method : {SolveMethod::direct, SolveMethod::minres}) {
    const auto r = solve<T>(world(), h, right, {.method = method, .tol = 1e-11});
    EXPECT_TRUE(r.converged) << r.reason;
    for (index_t j = 0; j < 2; ++j)
      EXPECT_LE((test::whole<T>(world(), r.x.column(j)) - exact.col(j)).norm(),
                1e-7 * exact.col(j).norm())
          << to_string(method);
  }
}

TYPED_TEST(SolveDirect, a_product_alone_cannot_be_factorised) {
  using T = TypeParam;
  const test::DenseMap<T> map(world(), Matrix<T>::Identity(4, 4), RowPartition(4, world().size()));
  const DistributedVectors<T> b(RowPartition(4, world().size()), world().rank(), 1);
  EXPECT_ERROR((void)solve<T>(map, b, {.method = SolveMethod::direct}), InvalidArgument, "rows");
}

}  // namespace
}  // namespace kronsolve
