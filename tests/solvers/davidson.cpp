// Davidson methods and LOBPCG with every preconditioner.
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh.hpp>

#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::world;

template <Scalar T>
void expect_davidson(index_t n, Method method, Preconditioner preconditioner, unsigned seed) {
  const auto a = test::random_hermitian<T>(n, 0.3, seed);
  const Eigen::VectorXd all = Eigen::SelfAdjointEigenSolver<test::Dense<T>>(a).eigenvalues();
  for (const Which which : {Which::SA, Which::LA}) {
    const auto result =
        eigh(world(), test::lazy<T>(a),
             {.k = 3, .which = which, .method = method, .preconditioner = preconditioner});
    SCOPED_TRACE(detail::concat("n ", n, " ", to_string(method), " ", to_string(preconditioner),
                                " ", to_string(which)));
    EXPECT_TRUE(result.converged) << result.reason;
    EXPECT_EQ(result.method, method);
    for (index_t i = 0; i < 3; ++i)
      EXPECT_NEAR(result.eigenvalues[static_cast<std::size_t>(i)],
                  which == Which::SA ? all[i] : all[n - 3 + i], 1e-9);
    const bool plain = preconditioner == Preconditioner::none ||
                       (method == Method::lobpcg && preconditioner == Preconditioner::automatic);
    EXPECT_EQ(result.reason.find("preconditioner") == std::string::npos, plain) << result.reason;
  }
}

TEST(Davidson, davidson_methods_agree_with_dense_whatever_the_preconditioner) {
  // Inner solves are hundreds of tiny products: with several ranks on busy cores fewer cases do.
  const bool alone = world().size() == 1;
  for (const Method method : {Method::jd, Method::gd})
    for (const auto preconditioner : {Preconditioner::automatic, Preconditioner::block_jacobi,
                                      Preconditioner::none, Preconditioner::multigrid}) {
      const bool made_of_rows = preconditioner == Preconditioner::block_jacobi ||
                                preconditioner == Preconditioner::multigrid;
      if (!alone && (method == Method::jd || !made_of_rows)) continue;
      expect_davidson<double>(alone ? 80 : 40, method, preconditioner, 4);
      expect_davidson<std::complex<double>>(alone ? 60 : 30, method, preconditioner, 5);
    }
  for (const auto preconditioner : {Preconditioner::automatic, Preconditioner::jacobi}) {
    if (!alone) break;
    expect_davidson<double>(80, Method::lobpcg, preconditioner, 4);
    expect_davidson<std::complex<double>>(60, Method::lobpcg, preconditioner, 5);
  }
}

/// The diagonal of a matrix-free operator is known without storing it; where it dominates, as in
/// strong fields, Jacobi saves most of the products.
TEST(Davidson, jacobi_saves_products_of_matrix_free_operators_with_a_dominant_diagonal) {
  const auto model =
      make_model("mbl", {.sites = 8, .cyclic = Cyclic::all, .params = {{"dh", "30"}}});
  const SectorOperator h{
      model.op, std::make_shared<const ChargeBasis>(model.op.spaces(),
                                                    std::vector{Charge::sz(model.op.spaces(), 0)})};
  const auto exact = eigh(world(), h, {.k = 2, .method = Method::dense});
  for (const Method method : {Method::jd, Method::gd, Method::lobpcg}) {
    const auto run = [&](Preconditioner preconditioner) {
      const auto r = eigh(world(), h,
                          {.k = 2,
                           .method = method,
                           .form = OperatorForm::matrix_free,
                           .certify = false,
                           .preconditioner = preconditioner});
      EXPECT_TRUE(r.converged) << r.reason;
      EXPECT_EQ(r.form, OperatorForm::matrix_free);
      EXPECT_EQ(r.eigenvalues.size(), 2u);
      if (r.eigenvalues.size() < 2) return r.products;
      for (std::size_t i = 0; i < 2; ++i)
        EXPECT_NEAR(r.eigenvalues[i], exact.eigenvalues[i], 1e-9 * std::abs(exact.eigenvalues[i]));
      return r.products;
    };
    const index_t with = run(Preconditioner::jacobi), without = run(Preconditioner::none);
    EXPECT_LT(with, without) << to_string(method);
  }
}

TEST(Davidson, few_levels_are_left_to_lapack_of_matrix_free_operators_too) {
  OpSum zero(6, LocalSpace::fermion()), projector(zero);
  projector.add(2, {{"N", 2}});
  for (const OpSum& h : {zero, projector})
    for (const Method method : {Method::jd, Method::gd})
      for (const index_t k : {1, 6, 64}) {
        const auto r =
            eigh(world(), h, {.k = k, .method = method, .form = OperatorForm::matrix_free});
        EXPECT_TRUE(r.converged) << r.reason;
        for (index_t i = 0; i < k; ++i)
          EXPECT_NEAR(r.eigenvalues[static_cast<std::size_t>(i)],
                      i >= 32 && !h.terms().empty() ? 2 : 0, 1e-12);
      }
}

TEST(Davidson, preconditioners_are_refused_where_they_are_of_no_use) {
  const auto a = test::lazy<double>(test::random_hermitian<double>(20, 0.3, 4));
  EXPECT_ERROR(eigh(world(), a, {.which = Which::SM, .method = Method::jd}), InvalidArgument, "jd");
  EXPECT_ERROR(
      eigh(world(), a, {.method = Method::lanczos, .preconditioner = Preconditioner::jacobi}),
      InvalidArgument, "lanczos");
  EXPECT_ERROR(eigh(world(), a, {.preconditioner = Preconditioner::jacobi}), InvalidArgument, "jd");
  EXPECT_ERROR(
      eigh(world(), a,
           {.which = Which::LM, .method = Method::gd, .preconditioner = Preconditioner::jacobi}),
      InvalidArgument, "LM");
  EXPECT_ERROR(
      eigh(world(), a, {.method = Method::lobpcg, .preconditioner = Preconditioner::multigrid}),
      InvalidArgument, "lobpcg");
}

}  // namespace
}  // namespace kronsolve
