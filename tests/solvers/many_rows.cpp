// Values and residuals of large vectors keep their digits: by every solver of ours.

#include <cmath>

#include <kronsolve/core/random.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/expm.hpp>
#include <kronsolve/solvers/filter.hpp>
#include <kronsolve/solvers/lanczos.hpp>
#include <kronsolve/solvers/lobpcg.hpp>
#include <kronsolve/solvers/solve.hpp>
#include <kronsolve/solvers/spectral_function.hpp>
#include <kronsolve/solvers/stochastic.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;

/// D - v v^H, D diagonal with a few levels above 2, v = (1, ..., 1) / sqrt(n): with D = 2 the lowest
/// value is 1 and its vector has entries of one size, whose running sum is off by 1e-12 and more.
class RankOne final : public LinearMap<double> {
 public:
  RankOne(index_t n, index_t levels)
      : LinearMap(world(), RowPartition(n, world().size()), RowPartition(n, world().size())),
        levels_(levels),
        v_(static_cast<std::size_t>(row_range().size()), 1 / std::sqrt(double(n))) {}
  index_t memory_bytes() const noexcept override { return 0; }
  std::span<const double> v() const { return v_; }

 protected:
  void apply_impl(std::span<const double> x, std::span<double> y) const override {
    const double overlap = vec::dot<double>(comm(), v_, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const index_t row = row_range().begin + static_cast<index_t>(i);
      y[i] = (2 + 0.25 * double(row % levels_)) * x[i] - overlap * v_[i];
    }
  }
  void apply_adjoint_impl(std::span<const double> x, std::span<double> y) const override {
    apply_impl(x, y);
  }

 private:
  index_t levels_;
  std::vector<double> v_;
};

constexpr index_t many = 1'000'001;
/// The product itself rounds to 2e-16 in each entry, a unit vector's norm and value to little more.
constexpr double kept = 1e-14;

TEST(ManyRows, values_and_residuals_of_every_solver_keep_their_digits) {
  const RankOne map(many, 1);
  // So close already that a residual of rounding decides.
  constexpr double tol = 1e-13;

  const auto by_lanczos = lanczos<double>(map, {.tol = tol});
  const auto by_lobpcg = lobpcg<double>(map, {.tol = 1e-11});
  DistributedVectors<double> start(map.row_partition(), world().rank(), 1);
  vec::copy<double>(map.v(), start.column(0));
  const auto by_filter =
      filter_eigh<double>(map, {.sigma = 1,
                                .tol = tol,
                                .block = 1,
                                .max_vectors = 6,
                                .bounds = SpectralBounds{.lower = 0.9, .upper = 2.1},
                                .start = &start,
                                .certify = false});

  EXPECT_NEAR(by_lanczos.eigenvalues[0], 1, kept);
  EXPECT_LT(by_lanczos.residuals[0], kept);
  EXPECT_NEAR(by_lobpcg.eigenvalues[0], 1, kept);
  EXPECT_LT(by_lobpcg.residuals[0], kept);
  ASSERT_FALSE(by_filter.eigenvalues.empty()) << by_filter.reason;
  EXPECT_NEAR(by_filter.eigenvalues[0], 1, kept);
  EXPECT_LT(by_filter.residuals[0], kept);
}

TEST(ManyRows, an_evolution_keeps_norm_and_energy) {
  const RankOne map(many, 1);
  DistributedVectors<double> psi(map.row_partition(), world().rank(), 1);
  vec::copy<double>(map.v(), psi.column(0));
  const double times[] = {0.5};

  const auto r =
      evolve<double>(map, psi, times, {.bounds = SpectralBounds{.lower = 0.9, .upper = 2.1}});

  EXPECT_NEAR(r.energies[0], 1, kept);
  EXPECT_NEAR(r.norms[0], 1, kept);
  EXPECT_LT(r.norm_drift, kept);
  EXPECT_LT(r.energy_drift, kept);
}

TEST(ManyRows, results_do_not_depend_on_the_number_of_threads) {
  const RankOne map(30'011, 7);
  std::vector<double> b(static_cast<std::size_t>(map.row_range().size()));
  fill_normal(std::span(b), map.row_range(), 1);
  DistributedVectors<double> psi(map.row_partition(), world().rank(), 1);
  vec::scaled_copy<double>(1 / vec::norm<double>(world(), b), b, psi.column(0));
  const double times[] = {0.5};
  const double betas[] = {0.1, 1};
  const auto results = [&](int threads) {
    const ThreadShare share(threads);
    std::vector<double> all;
    const auto add = [&](const std::vector<double>& more) {
      all.insert(all.end(), more.begin(), more.end());
    };
    const auto by_lanczos = lanczos<double>(map, {.k = 2});
    add(by_lanczos.eigenvalues);
    add(by_lanczos.residuals);
    const auto by_lobpcg = lobpcg<double>(map, {.k = 2});
    add(by_lobpcg.eigenvalues);
    add(by_lobpcg.residuals);
    add(solve<double>(map, std::span<const double>(b), {}).residuals);
    const auto evolved = evolve<double>(map, psi, times);
    add(evolved.energies);
    add(evolved.norms);
    const auto spectrum = spectral_function<double>(map, std::span<const double>(b), {.steps = 5});
    add(spectrum.poles);
    for (const auto& point :
         thermal_averages<double>(map, betas, std::span<const LinearMap<double>* const>(), {}))
      all.push_back(point.energy.value);
    const auto triplets = svds<double>(map, {.method = SvdMethod::bidiagonal});
    add(triplets.singular_values);
    add(triplets.residuals);
    return all;
  };

  const auto one = results(1);

  EXPECT_EQ(results(2), one);
  EXPECT_EQ(results(3), one);
}

}  // namespace
}  // namespace kronsolve
