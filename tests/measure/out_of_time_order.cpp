// Correlations out of time order against dense exponentials on the full space, and against the light
// cone of free fermions in closed form.

#include <cmath>
#include <numbers>

#include <Eigen/Dense>
#include <unsupported/Eigen/MatrixFunctions>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/out_of_time_order.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

#include "support/measure_cases.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using Matrix = Eigen::MatrixXcd;
using test::world;

constexpr double exact = 1e-9;  ///< what the courses in time are told to keep, and some rounding
const std::vector<double> times = {0, 0.4, 2.5, 1.1};

struct Case {
  std::string name;
  OpSum h;
  Lattice lattice;
  std::vector<std::string> conditions;
  OpSum moved;
  std::vector<OpSum> probes;
};

OpSum local(const OpSum& h, const std::string& text) { return OpSum::parse(text, h.spaces()); }

/// sum_j exp(2 pi i m j / n) op_j.
OpSum wave(const OpSum& h, const std::string& name, int m) {
  OpSum sum(h.spaces());
  for (int j = 0; j < h.sites(); ++j)
    sum.add(std::polar(1.0, 2 * std::numbers::pi * m * j / h.sites()), {{name, j}});
  return sum;
}

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const std::string& model, ModelOptions options,
                       std::vector<std::string> conditions, const std::string& moved,
                       std::vector<std::string> probes) {
    const Model m = make_model(model, std::move(options));
    Case next{model, m.op, m.lattice, std::move(conditions), local(m.op, moved), {}};
    for (const auto& condition : next.conditions) next.name += " " + condition;
    for (const auto& probe : probes) next.probes.push_back(local(m.op, probe));
    all.push_back(std::move(next));
  };
  const ModelOptions ring{.sites = 6, .cyclic = Cyclic::all};
  add("ising", {.sites = 5}, {}, "Sx 2", {"Sz 0", "Sz 2", "S+ 4", "Sy 1 Sz 2 + (0.3+0.2i) S- 3"});
  add("heisenberg", ring, {"sz=1"}, "Sx 0", {"Sy 2", "S+ 3 S- 4", "Sz 0", "S+ 0"});
  add("xxz", {.sites = 6, .cyclic = Cyclic::all, .params = {{"delta", "0.4"}}},
      {"sz=0", "momentum=1"}, "Sz 1", {"Sz 4", "S- 2"});
  add("heisenberg", ring, {"sz=0", "momentum=3", "reflection=-1", "spinflip=-1"}, "S+ 1 + 2 Sz 0",
      {"Sz 4", "Sx 1"});
  add("hubbard", {.sites = 3}, {"nup=1", "ndown=2"}, "Nup 0", {"Ndn 2", "Cup+ 1", "Cup+ 0 Cup- 2"});
  add("hubbard-hardcore", {.sites = 6}, {"parity=1"}, "B+ 1", {"N 4", "B- 5"});
  add("heisenberg", {.sites = 4, .spin = "1"}, {"sz=3"}, "S- 1", {"S+ 0", "S+ 3 S+ 2", "Sz 1"});
  add("pxp", {.sites = 6}, {"blockade"}, "N 3", {"N 0", "N 4"});
  // Plane waves, which keep the momentum of the sector.
  const Model m = make_model("heisenberg", ring);
  all.push_back({"waves",
                 m.op,
                 m.lattice,
                 {"sz=0", "momentum=2"},
                 wave(m.op, "Sz", 1),
                 {wave(m.op, "S+", 2), wave(m.op, "Sz", 0), wave(m.op, "Sz", 3)}});
  return all;
}

/// The dense operators on the configurations that the rules of the sector allow.
class Dense {
 public:
  Dense(const Case& c, const Sector& sector) : keep_(Matrix::Identity(n(c), n(c))) {
    if (!sector.rules.empty()) {
      const ChargeBasis allowed(sector.spaces, {}, sector.rules);
      for (Eigen::Index i = 0; i < keep_.rows(); ++i)
        if (allowed.index(static_cast<state_t>(i)) < 0) keep_(i, i) = 0;
    }
    h_ = matrix(c.h);
  }
  Matrix matrix(const OpSum& op) const { return keep_ * test::dense(op) * keep_; }
  Matrix moved(const OpSum& w, double t) const {
    const Matrix u = (Complex(0, -t) * h_).exp();
    return u.adjoint() * matrix(w) * u;
  }

 private:
  static Eigen::Index n(const Case& c) { return static_cast<Eigen::Index>(c.h.dimension()); }
  Matrix keep_, h_;
};

TEST(OutOfTimeOrder, is_that_of_dense_exponentials_in_every_sector) {
  std::uint64_t seed = 40;
  for (const auto& c : cases()) {
    SCOPED_TRACE(detail::concat(c.name, ", seed ", ++seed));
    const Sector sector = parse_sector(c.h.spaces(), c.lattice, c.conditions);
    const SectorOperator h = in_sector(world(), c.h, sector);
    DistributedVectors<Complex> psi(h.basis->partition(world().size()), world().rank(), 1);
    const auto owned = test::random_on<Complex>(world(), *h.basis, seed);
    std::copy(owned.span().begin(), owned.span().end(), psi.column(0).begin());

    const auto found =
        out_of_time_order(world(), h, c.moved, c.probes, EvolutionState(std::move(psi)), times);

    const Dense dense(c, sector);
    const Eigen::VectorXcd v =
        test::dense_random<Complex>({c.name, h.basis, make_basis(test::alone(), sector)}, seed)
            .normalized();
    ASSERT_EQ(found.times, times);
    EXPECT_TRUE(found.converged);
    for (std::size_t t = 0; t < times.size(); ++t) {
      const Matrix w = dense.moved(c.moved, times[t]);
      for (std::size_t p = 0; p < c.probes.size(); ++p) {
        const Matrix probe = dense.matrix(c.probes[p]);
        const Eigen::VectorXcd a = w * (probe * v), b = probe * (w * v);
        const auto& point = found.points[p][t];
        EXPECT_NEAR(std::abs(point.correlation - b.dot(a)), 0, exact) << p << " at " << times[t];
        EXPECT_NEAR(point.commutator, (a - b).squaredNorm(), exact) << p << " at " << times[t];
        EXPECT_LE(point.error, 1e-8);
        EXPECT_EQ(point.correlation_deviation, 0);
      }
    }
  }
}

/// |exp(-i h t)|^2 between two sites of an open chain with hopping 1/2.
double hopped(int n, int from, int to, double t) {
  Complex sum = 0;
  for (int m = 1; m <= n; ++m) {
    const double k = std::numbers::pi * m / (n + 1);
    sum += 2.0 / (n + 1) * std::sin(k * (from + 1)) * std::sin(k * (to + 1)) *
           std::polar(1.0, -t * std::cos(k));
  }
  return std::norm(sum);
}

TEST(OutOfTimeOrder, light_cone_of_free_fermions_is_that_in_closed_form) {
  // [n_j(t), n_i] = g d+ c_i - h.c. with the amplitude g of a hop from i to j and d of the length
  // 1 - |g|^2 besides: the mean of its square over all states is |g|^2 (1 - |g|^2) / 2.
  constexpr int n = 4, from = 1;
  const Model m = make_model("xy", {.sites = n});
  const SectorOperator h = on_full_space(m.op);
  std::vector<OpSum> probes;
  for (int i = 0; i < n; ++i) probes.push_back(local(m.op, detail::concat("Sz ", i)));
  const std::vector<double> points = {0, 0.1, 4};
  std::vector<std::vector<double>> means(probes.size(), std::vector<double>(points.size()));
  for (index_t state = 0; state < h.dimension(); ++state) {
    DistributedVectors<double> psi(h.basis->partition(world().size()), world().rank(), 1);
    const auto mine = psi.row_range();
    if (state >= mine.begin && state < mine.end)
      psi.column(0)[static_cast<std::size_t>(state - mine.begin)] = 3;
    const auto found = out_of_time_order(world(), h, local(m.op, detail::concat("Sz ", from)),
                                         probes, EvolutionState(std::move(psi)), points);
    for (std::size_t p = 0; p < probes.size(); ++p)
      for (std::size_t t = 0; t < points.size(); ++t)
        means[p][t] += found.points[p][t].commutator / static_cast<double>(h.dimension());
  }
  for (std::size_t p = 0; p < probes.size(); ++p)
    for (std::size_t t = 0; t < points.size(); ++t) {
      const double g = hopped(n, from, static_cast<int>(p), points[t]);
      const double expected = g * (1 - g) / 2;
      // Relative: what has not arrived yet is small and has its digits.
      EXPECT_NEAR(means[p][t], expected, 1e-10 * std::sqrt(expected) + 1e-15 * g)
          << p << " at " << points[t];
    }
  for (std::size_t p = 0; p < probes.size(); ++p) EXPECT_LE(means[p][0], 1e-29);
}

TEST(OutOfTimeOrder, random_states_give_the_mean_over_the_sector_within_their_errors) {
  const Model m =
      make_model("xxz", {.sites = 6, .cyclic = Cyclic::all, .params = {{"delta", "2"}}});
  for (const std::vector<std::string>& conditions :
       {std::vector<std::string>{}, {"sz=0"}, {"sz=0", "momentum=1"}}) {
    const Sector sector = parse_sector(m.op.spaces(), m.lattice, conditions);
    const SectorOperator h = in_sector(world(), m.op, sector);
    const OpSum w = local(m.op, "Sz 0"), v = local(m.op, "Sx 3");
    const OutOfTimeOrderOptions options{.samples = 20, .seed = 7};

    const auto found =
        mean_out_of_time_order(world(), h, w, std::vector{v}, std::vector{1.5}, options);

    // The mean over an orthonormal basis of the sector, in configurations.
    const auto alone = make_basis(test::alone(), sector);
    const Matrix u = (Complex(0, -1.5) * test::dense(m.op)).exp();
    const Matrix wt = u.adjoint() * test::dense(w) * u, probe = test::dense(v);
    const Matrix a = wt * probe, b = probe * wt;
    Complex f = 0;
    double c = 0;
    std::vector<Component> components;
    for (index_t i = 0; i < alone->size(); ++i) {
      Eigen::VectorXcd state = Eigen::VectorXcd::Zero(u.rows());
      alone->orbit(i, components);
      for (const auto& [digits, amplitude] : components)
        state(static_cast<Eigen::Index>(digits)) += amplitude;
      const auto n = static_cast<double>(alone->size());
      f += (b * state).dot(a * state) / n;
      c += ((a - b) * state).squaredNorm() / n;
    }
    const auto& point = found.points[0][0];
    SCOPED_TRACE(detail::concat(conditions.size(), " conditions, seed 7"));
    EXPECT_EQ(found.samples, 20);
    EXPECT_GT(point.commutator_deviation, 0);
    EXPECT_LE(std::abs(point.correlation - f), 4 * point.correlation_deviation);
    EXPECT_LE(std::abs(point.commutator - c), 4 * point.commutator_deviation);
    EXPECT_LE(point.commutator_deviation, 0.2 * c);
  }
}

template <class F>
void expect_refused(F run, const std::string& word) {
  try {
    run();
    ADD_FAILURE() << "not refused: " << word;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST(OutOfTimeOrder, refuses_what_has_no_meaning) {
  const Model m = make_model("pxp", {.sites = 5});
  const Sector sector = parse_sector(m.op.spaces(), m.lattice, {"blockade"});
  const SectorOperator h = in_sector(world(), m.op, sector);
  const OpSum n = local(m.op, "N 0"), out = local(m.op, "B+ 1");
  const OutOfTimeOrderOptions two{.samples = 2};
  const auto mean = [&](const OpSum& w, const std::vector<OpSum>& v, std::vector<double> at,
                        const OutOfTimeOrderOptions& options) {
    return [=, &h] { (void)mean_out_of_time_order(world(), h, w, v, at, options); };
  };
  expect_refused(mean(n, {}, {1}, two), "one probe");
  expect_refused(mean(n, {n}, {std::nan("")}, two), "finite");
  expect_refused(mean(n, {n}, {1}, {.samples = 1}), "samples");
  expect_refused(mean(n, {out}, {1}, two), "not in the target sector");
  expect_refused(mean(local(make_model("pxp", {.sites = 4}).op, "N 0"), {n}, {1}, two), "sites");
  const auto zero = [&] {
    DistributedVectors<double> psi(h.basis->partition(world().size()), world().rank(), 1);
    (void)out_of_time_order(world(), h, n, std::vector{n}, EvolutionState(std::move(psi)),
                            std::vector{1.0});
  };
  expect_refused(zero, "not zero");
}

}  // namespace
}  // namespace kronsolve
