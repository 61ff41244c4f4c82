// What must not depend on the number of ranks, and levels that must not be missed.
#include <kronsolve/solvers/eigh.hpp>

#include "support/chains.hpp"
#include "support/mpi_test.hpp"
#include "support/random_matrix.hpp"

namespace kronsolve {
namespace {

using test::heisenberg;
using test::world;

TEST(EighRanks, the_digits_are_those_of_one_process) {
  OpSum complex = heisenberg(10, false);
  for (int i = 0; i < 10; ++i) complex.add(0.2 + 0.01 * i, {{"Sy", i}}).add(0.1 * i, {{"Sz", i}});
  for (const OpSum& h : {heisenberg(11, true), heisenberg(12, true), complex})
    for (const Method method : {Method::dense, Method::lanczos, Method::slepc})
      for (const OperatorForm form : {OperatorForm::assembled, OperatorForm::matrix_free}) {
        if (method == Method::dense && (form == OperatorForm::matrix_free || h.dimension() > 2048))
          continue;
        const EighOptions options{.seed = 3, .method = method, .form = form};
        const auto alone = eigh(Comm::serial(), h, options), together = eigh(world(), h, options);

        EXPECT_NEAR(together.eigenvalues[0], alone.eigenvalues[0], 1e-12)
            << to_string(method) << " " << to_string(form) << " " << h.sites();
        EXPECT_EQ(together.form, form);
        EXPECT_EQ(together.method, method);
        EXPECT_TRUE(together.converged) << together.reason;
      }
}

TEST(EighRanks, the_twin_of_majumdar_and_ghosh_is_found) {
  const int n = 12;
  OpSum h = heisenberg(n, true);
  for (int i = 0; i < n; ++i) {
    const int j = (i + 2) % n;
    h.add(0.5, {{"Sz", i}, {"Sz", j}})
        .add(0.25, {{"S+", i}, {"S-", j}})
        .add(0.25, {{"S-", i}, {"S+", j}});
  }
  for (const Method method : {Method::slepc, Method::lanczos}) {
    const auto result = eigh(world(), h, {.k = 3, .method = method});

    EXPECT_NEAR(result.eigenvalues[0], -3.0 * n / 8, 1e-10);
    EXPECT_NEAR(result.eigenvalues[1], -3.0 * n / 8, 1e-10);
    EXPECT_GT(result.eigenvalues[2], -3.0 * n / 8 + 0.1);
    ASSERT_TRUE(result.certified.has_value());
    EXPECT_TRUE(*result.certified) << result.certificate;
    EXPECT_GT(result.certify_products, 0);
    EXPECT_TRUE(result.converged);
  }
}

TEST(EighRanks, doubled_levels_are_never_missed) {
  const std::uint64_t seeds = world().size() <= 2 ? 20 : 3;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    const auto half = test::random_hermitian<double>(60, 0.3, seed);
    test::Dense<double> a = test::Dense<double>::Zero(120, 120);
    a.topLeftCorner(60, 60) = half;
    a.bottomRightCorner(60, 60) = half;
    const Eigen::VectorXd all =
        Eigen::SelfAdjointEigenSolver<test::Dense<double>>(half).eigenvalues();

    const auto result =
        eigh(world(), test::lazy<double>(a), {.k = 4, .seed = seed, .method = Method::slepc});

    for (index_t i = 0; i < 4; ++i)
      EXPECT_NEAR(result.eigenvalues[static_cast<std::size_t>(i)], all[i / 2], 1e-9) << seed;
    EXPECT_TRUE(result.certified.value_or(false)) << result.certificate;
    const auto unchecked = eigh(world(), test::lazy<double>(a),
                                {.k = 4, .seed = seed, .method = Method::slepc, .certify = false});
    EXPECT_FALSE(unchecked.certified.has_value());
  }
}

TEST(EighRanks, a_callback_on_some_ranks_is_no_trap) {
  const OpSum h = heisenberg(8, true);
  for (const Method method :
       {Method::lanczos, Method::slepc, Method::lobpcg, Method::filter, Method::dense})
    for (const int with : {0, world().size() - 1}) {
      index_t calls = 0;
      EighOptions options{.k = 2, .method = method};
      if (method == Method::filter) {
        options.which = Which::TM;
        options.sigma = -3;
      }
      if (world().rank() == with) options.progress = [&](const Progress&) { ++calls; };

      const auto result = eigh(world(), h, options);

      EXPECT_TRUE(result.converged) << to_string(method) << " " << result.reason;
      // Rank 0 is who is told.
      if (with != 0) {
        EXPECT_EQ(calls, 0) << to_string(method);
      }
      if (with == 0 && world().is_root() && method == Method::slepc) {
        EXPECT_GT(calls, 0);
      }
    }
}

}  // namespace
}  // namespace kronsolve
