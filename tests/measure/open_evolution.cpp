// Open systems: the density matrix and trajectories against the exponential of the dense Liouvillian.

#include <cmath>

#include <Eigen/Dense>
#include <unsupported/Eigen/MatrixFunctions>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/random.hpp>
#include <kronsolve/measure/open_evolution.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;
using test::world;

const std::vector<double> times = {0, 0.1, 0.7, 2.5};

/// What moves rho, column by column, out of Kronecker products of whole matrices.
Matrix liouvillian(const OpenSystem& system) {
  const auto kron = [](const Matrix& a, const Matrix& b) {
    Matrix product(a.rows() * b.rows(), a.cols() * b.cols());
    for (Eigen::Index i = 0; i < a.rows(); ++i)
      for (Eigen::Index j = 0; j < a.cols(); ++j)
        product.block(i * b.rows(), j * b.cols(), b.rows(), b.cols()) = a(i, j) * b;
    return product;
  };
  const Matrix h = test::dense(system.h.op);
  const Matrix one = Matrix::Identity(h.rows(), h.cols());
  Matrix sum = Complex(0, -1) * (kron(one, h) - kron(h.transpose(), one));
  for (const auto& jump : system.jumps) {
    const Matrix l = test::dense(jump), damping = l.adjoint() * l;
    sum += kron(l.conjugate(), l) - 0.5 * (kron(one, damping) + kron(damping.transpose(), one));
  }
  return sum;
}

std::vector<Complex> random_state(index_t n, std::uint64_t seed) {
  std::vector<Complex> psi(static_cast<std::size_t>(n));
  fill_normal<Complex>(psi, {0, n}, seed);
  return psi;
}

Matrix moved(const OpenSystem& system, const std::vector<Complex>& psi, double t) {
  const auto n = std::ssize(psi);
  const Eigen::VectorXcd v = Eigen::Map<const Eigen::VectorXcd>(psi.data(), n).normalized();
  Matrix rho = v * v.adjoint();
  const Matrix generator = liouvillian(system) * t;
  const Eigen::VectorXcd after = generator.exp() * Eigen::Map<Eigen::VectorXcd>(rho.data(), n * n);
  return Eigen::Map<const Matrix>(after.data(), n, n);
}

std::vector<Observable> observables(const OpenSystem& system,
                                    std::initializer_list<const char*> texts) {
  std::vector<Observable> all;
  for (const char* text : texts)
    all.push_back(Observable::parse(Comm::serial(), text, *system.h.basis));
  return all;
}

/// Two spins in a field with couplings of no symmetry, and jumps of three kinds.
OpenSystem two_spins() {
  OpSum h(2);
  h.add(1, {{"Sz", 0}, {"Sz", 1}}).add(0.7, {{"Sx", 0}, {"Sx", 1}}).add(0.9, {{"Sx", 0}});
  h.add(-0.4, {{"Sy", 1}});
  OpSum loss(2), dephasing(2), collective(2);
  loss.add(0.5, {{"S-", 0}});
  dephasing.add(0.8, {{"Sz", 1}});
  collective.add(0.3, {{"S+", 0}}).add(Complex(0, 0.3), {{"S+", 1}});
  return {on_full_space(h), {loss, dephasing, collective}};
}

/// An operator with random coefficients on neighbouring sites.
OpSum random_operator(const OpSum& like, std::uint64_t seed, std::vector<std::string> names) {
  const CounterRandom random(seed);
  OpSum sum(like.spaces());
  std::uint64_t at = 0;
  for (int i = 0; i < like.sites(); ++i)
    for (const auto& name : names) sum.add(random.complex_normal(at++), {{name, i}});
  return sum;
}

TEST(OpenEvolution, density_matrix_is_that_of_the_dense_liouvillian) {
  std::vector<OpenSystem> systems = {two_spins()};
  OpSum spins(3);
  spins = random_operator(spins, 1, {"S+", "Sz"});
  spins += random_operator(spins, 2, {"Sx"}) * random_operator(spins, 3, {"Sz", "Sy"});
  spins += spins.adjoint();
  systems.push_back({on_full_space(spins),
                     {random_operator(spins, 4, {"S-", "Sz"}), random_operator(spins, 5, {"S+"})}});
  OpSum fermions(3, LocalSpace::fermion());
  for (int i = 0; i + 1 < 3; ++i)
    fermions.add(-1, {{"C+", i}, {"C-", i + 1}}).add(-1, {{"C+", i + 1}, {"C-", i}});
  systems.push_back({on_full_space(fermions),
                     {random_operator(fermions, 6, {"C-"}), random_operator(fermions, 7, {"N"})}});
  std::uint64_t seed = 10;
  for (const auto& system : systems) {
    const auto n = system.h.dimension();
    SCOPED_TRACE(detail::concat("states ", n, ", seed ", seed));
    const auto psi = random_state(n, seed++);
    const bool spin = system.h.op.spaces()[0] == LocalSpace();
    OpenEvolutionOptions options{.method = OpenMethod::density, .steps = {.tol = 1e-9}};
    options.observe = spin ? observables(system, {"sz", "corr:S+,S-:0,1", "op:(0.5+0.2i) S+ 0"})
                           : observables(system, {"n"});
    const auto found = evolve_open(world(), system, psi, times, options);
    ASSERT_TRUE(found.converged);
    for (std::size_t t = 0; t < times.size(); ++t) {
      const Matrix rho = moved(system, psi, times[t]);
      const auto mean = [&](const OpSum& op) { return (test::dense(op) * rho).trace(); };
      EXPECT_NEAR(found.traces[t], 1, 1e-8);
      EXPECT_NEAR(found.purities[t], (rho * rho).trace().real(), 1e-8);
      EXPECT_NEAR(found.energies[t].value, mean(system.h.op).real(), 1e-7);
      for (int i = 0; i < system.h.op.sites(); ++i) {
        OpSum local(system.h.op.spaces());
        local.add(1, {{spin ? "Sz" : "N", i}});
        EXPECT_NEAR(found.observables[0].values[t].values[static_cast<std::size_t>(i)].real(),
                    mean(local).real(), 1e-8);
      }
      if (!spin) continue;
      OpSum pair(system.h.op.spaces()), single(system.h.op.spaces());
      pair.add(1, {{"S+", 0}, {"S-", 1}});
      single.add({0.5, 0.2}, {{"S+", 0}});
      EXPECT_LT(std::abs(found.observables[1].values[t].values[0] - mean(pair)), 1e-8);
      EXPECT_LT(std::abs(found.observables[2].values[t].values[0] - mean(single)), 1e-8);
    }
  }
}

TEST(OpenEvolution, a_spin_decays_as_the_exponential) {
  OpSum h(1), loss(1);
  h.add(0, {{"Sz", 0}});
  constexpr double rate = 1.3;
  loss.add(std::sqrt(rate), {{"S-", 0}});
  const OpenSystem system{on_full_space(h), {loss}};
  const std::vector<Complex> up = {1, 0};
  OpenEvolutionOptions options{.method = OpenMethod::trajectories, .trajectories = 400};
  options.observe = observables(system, {"sz:0"});
  const auto found = evolve_open(world(), system, up, times, options);
  EXPECT_GT(found.jumps, 300);
  EXPECT_LE(found.jumps, 400);  // never twice
  for (std::size_t t = 0; t < times.size(); ++t) {
    const double exact = std::exp(-rate * times[t]) - 0.5;
    const auto& of = found.observables[0];
    EXPECT_LE(std::abs(of.values[t].values[0].real() - exact),
              1e-12 + 4.5 * of.errors[t].values[0].real());
  }
  EXPECT_EQ(found.energies.back().value, 0);
}

TEST(OpenEvolution, error_bars_of_trajectories_cover_the_density_matrix) {
  if (world().size() > 1) GTEST_SKIP() << "the same numbers as on one rank";
  const auto system = two_spins();
  const auto psi = random_state(4, 3);
  OpenEvolutionOptions options{.method = OpenMethod::density, .trajectories = 100};
  options.steps.tol = 1e-6;
  options.observe = observables(system, {"sz", "corr:Sx,Sx:0,1", "op:S+ 0 S- 1"});
  const auto exact = evolve_open(world(), system, psi, times, options);
  options.method = OpenMethod::trajectories;
  int within_one = 0, within_two = 0, all = 0;
  const auto count = [&](double found, double error, double is) {
    within_one += std::abs(found - is) <= error;
    within_two += std::abs(found - is) <= 2 * error;
    ++all;
  };
  for (options.seed = 0; options.seed < 60; ++options.seed) {
    const auto found = evolve_open(world(), system, psi, times, options);
    for (std::size_t t = 2; t < times.size(); ++t) {  // sooner a hundred have hardly jumped
      count(found.energies[t].value, found.energies[t].error, exact.energies[t].value);
      for (std::size_t o = 0; o < found.observables.size(); ++o) {
        const auto z = found.observables[o].values[t].values[0];
        const auto error = found.observables[o].errors[t].values[0];
        const auto is = exact.observables[o].values[t].values[0];
        count(z.real(), error.real(), is.real());
        if (o == 2) count(z.imag(), error.imag(), is.imag());
      }
    }
  }
  SCOPED_TRACE(detail::concat(within_one, " and ", within_two, " of ", all));
  EXPECT_NEAR(within_one / double(all), 0.68, 0.08);
  EXPECT_NEAR(within_two / double(all), 0.95, 0.04);
}

TEST(OpenEvolution, a_trajectory_is_the_same_whoever_makes_it) {
  const auto system = two_spins();
  const auto psi = random_state(4, 3);
  OpenEvolutionOptions options{.method = OpenMethod::trajectories, .trajectories = 11};
  options.observe = observables(system, {"sz"});
  const auto alone = evolve_open(Comm::serial(), system, psi, times, options);
  const auto together = evolve_open(world(), system, psi, times, options);
  EXPECT_EQ(alone.jumps, together.jumps);
  for (std::size_t t = 0; t < times.size(); ++t) {
    EXPECT_NEAR(alone.energies[t].value, together.energies[t].value, 1e-14);
    EXPECT_NEAR(alone.energies[t].error, together.energies[t].error, 1e-14);
  }
  QuantumTrajectories trajectories(system, {.tol = 1e-8}, 0);
  std::vector<std::vector<Complex>> first, again;
  const auto keep = [](auto& to) {
    return
        [&](std::size_t, std::span<const Complex> now) { to.emplace_back(now.begin(), now.end()); };
  };
  (void)trajectories.run(4, psi, times, keep(first));
  (void)trajectories.run(5, psi, times, [](std::size_t, std::span<const Complex>) {});
  (void)trajectories.run(4, psi, times, keep(again));
  EXPECT_EQ(first, again);
  for (const auto& now : first) {
    double size = 0;
    for (const auto& z : now) size += std::norm(z);
    EXPECT_NEAR(size, 1, 1e-13);
  }
}

TEST(OpenEvolution, without_jumps_it_is_the_evolution_of_the_state) {
  auto system = two_spins();
  system.jumps.clear();
  const auto psi = random_state(4, 8);
  for (const auto method : {OpenMethod::density, OpenMethod::trajectories}) {
    OpenEvolutionOptions options{.method = method, .trajectories = 2};
    const auto found = evolve_open(world(), system, psi, times, options);
    EXPECT_EQ(found.jumps, 0);
    for (const auto& energy : found.energies) {
      EXPECT_NEAR(energy.value, found.energies[0].value, 1e-8);
      EXPECT_NEAR(energy.error, 0, 1e-9);
    }
  }
}

TEST(OpenEvolution, dephasing_stays_in_a_sector) {
  OpSum h(4);
  for (int i = 0; i + 1 < 4; ++i)
    h.add(0.5, {{"S+", i}, {"S-", i + 1}}).add(0.5, {{"S-", i}, {"S+", i + 1}});
  std::vector<OpSum> jumps;
  for (int i = 0; i < 4; ++i) {
    jumps.emplace_back(4);
    jumps.back().add(0.6, {{"Sz", i}});
  }
  const Comm alone = Comm::serial();
  const OpenSystem whole{on_full_space(h), jumps};
  const OpenSystem part{
      {h, make_basis(alone, parse_sector(h.spaces(), Lattice::chain(4), {"sz=0"}))}, jumps};
  const auto start = [](const OpenSystem& system) {
    const auto psi = make_state<Complex>(Comm::serial(), *system.h.basis,
                                         parse_state("udud", system.h.op.spaces()));
    return std::vector<Complex>(psi.span().begin(), psi.span().end());
  };
  OpenEvolutionOptions options{.method = OpenMethod::density};
  const auto all = [&](const OpenSystem& system) {
    options.observe = observables(system, {"sz"});
    return evolve_open(world(), system, start(system), times, options);
  };
  const auto a = all(whole), b = all(part);
  for (std::size_t t = 0; t < times.size(); ++t)
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(a.observables[0].values[t].values[i].real(),
                  b.observables[0].values[t].values[i].real(), 1e-8);
  OpenSystem lost = part;
  lost.jumps[0] = OpSum(4).add(1, {{"S-", 0}});
  for (const auto method : {OpenMethod::density, OpenMethod::trajectories}) {
    options.method = method;
    EXPECT_ERROR(evolve_open(world(), lost, start(lost), times, options), InvalidArgument,
                 "sector sz=0");
  }
}

TEST(OpenEvolution, bad_input_is_refused) {
  const auto system = two_spins();
  const std::vector<Complex> psi(4, 1.0), zero(4, 0.0);
  OpenEvolutionOptions few{.trajectories = 1}, options{.method = OpenMethod::trajectories};
  EXPECT_ERROR(evolve_open(world(), system, psi, times, few), InvalidArgument, "at least 2");
  few = {};
  few.observe = observables(system, {"entropy:1"});
  EXPECT_ERROR(evolve_open(world(), system, psi, times, few), InvalidArgument, "entropy:1");
  EXPECT_ERROR(evolve_open(world(), system, zero, times, options), InvalidArgument, "zero");
  EXPECT_ERROR(evolve_open(world(), system, std::vector<Complex>(3, 1.0), times, options),
               DimensionError, "3 entries");
  const std::vector<double> back = {1, 0.5};
  for (const auto method : {OpenMethod::density, OpenMethod::trajectories}) {
    options.method = method;
    EXPECT_ERROR(evolve_open(world(), system, psi, back, options), InvalidArgument, "ascend");
  }
  OpenSystem other = system;
  other.jumps.emplace_back(3);
  EXPECT_ERROR(evolve_open(world(), other, psi, times), DimensionError, "3 sites");
  other = system;
  other.h.op.add(Complex(0, 1), {{"Sz", 0}});
  EXPECT_ERROR(evolve_open(world(), other, psi, times), InvalidArgument, "Hermitian");
}

}  // namespace
}  // namespace kronsolve
