#include <kronsolve/solvers/dense.hpp>
#include <kronsolve/solvers/density_evolution.hpp>

#include "support/dense_map.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::Matrix;
using test::Random;
using Complex = std::complex<double>;

template <Scalar T>
DenseMatrix<T> ours(const Matrix<T>& m) {
  return {m.rows(), m.cols(), std::vector<T>(m.data(), m.data() + m.size())};
}
Matrix<Complex> eigen(const DenseMatrix<Complex>& m) {
  return Eigen::Map<const Matrix<Complex>>(m.data(), m.rows(), m.cols());
}

template <class T>
class Density : public ::testing::Test {};
using Scalars = ::testing::Types<double, Complex>;
TYPED_TEST_SUITE(Density, Scalars);

TYPED_TEST(Density, all_methods_turn_it_by_the_exponential) {
  using T = TypeParam;
  for (const int n : {1, 2, 12}) {
    Random random(static_cast<unsigned>(n));
    const Matrix<T> h = random.hermitian<T>(n, 5, 1);
    const Matrix<Complex> root = random.matrix<Complex>(n, n);
    Matrix<Complex> rho = root * root.adjoint();
    rho /= rho.trace();
    for (const auto method :
         {EvolutionMethod::solve, EvolutionMethod::expm, EvolutionMethod::integrate}) {
      SCOPED_TRACE(detail::concat("n ", n, " method ", to_string(method)));
      DensityEvolution evolution(ours(h), ours<Complex>(rho), {.method = method, .tol = 1e-10});
      const double energy = evolution.energy(), purity = evolution.purity();
      const double times[] = {0.3, 4, -2};
      EXPECT_TRUE(evolution.at_times(times, [&](double t, const DenseMatrix<Complex>& is) {
        const Matrix<Complex> generator = h.template cast<Complex>() * Complex(0, -t);
        const Matrix<Complex> u = eigen(expm(ours<Complex>(generator)));
        EXPECT_LE((eigen(is) - u * rho * u.adjoint()).norm(), 1e-10);
        return Continue::yes;
      }));
      EXPECT_NEAR(evolution.trace(), 1, 1e-10);
      EXPECT_NEAR(evolution.energy(), energy, 1e-9);
      EXPECT_NEAR(evolution.purity(), purity, 1e-9);
      EXPECT_LE(evolution.error(), 1e-10);
    }
  }
}

TYPED_TEST(Density, bad_input_is_refused) {
  using T = TypeParam;
  Random random(1);
  const auto h = ours<T>(random.hermitian<T>(4, 2, 0));
  const auto rho = DenseMatrix<Complex>::identity(4);

  EXPECT_ERROR(DensityEvolution(ours<T>(random.matrix<T>(4, 4)), rho), InvalidArgument,
               "not Hermitian");
  EXPECT_ERROR(DensityEvolution(h, ours<Complex>(random.matrix<Complex>(4, 4))), InvalidArgument,
               "rho");
  EXPECT_ERROR(DensityEvolution(h, DenseMatrix<Complex>::identity(3)), DimensionError, "rho 3");
  EXPECT_ERROR(DensityEvolution(h, DenseMatrix<Complex>(4, 4)), InvalidArgument, "zero");
  EXPECT_ERROR(DensityEvolution(h, rho, {.axis = TimeAxis::imaginary}), InvalidArgument,
               "real time");
  DensityEvolution evolution(h, rho);
  EXPECT_ERROR(evolution.update_to(std::nan("")), InvalidArgument, "finite");
}

}  // namespace
}  // namespace kronsolve
