// Dynamical correlations against Lehmann sums over dense eigenvectors, and ground levels with all their states.

#include <cmath>
#include <numbers>

#include <Eigen/Dense>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "support/dense_oracle.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

Model model(const std::string& name, ModelOptions options) { return make_model(name, options); }

/// The correlation from every eigenvector of the dense matrix.
class Lehmann {
 public:
  explicit Lehmann(const OpSum& h) : solver_(test::dense(h)) {
    const auto& e = solver_.eigenvalues();
    while (states_ < e.size() && e(states_) - e(0) < 1e-9 * (1 + std::abs(e(0)))) ++states_;
  }
  Eigen::Index degeneracy() const { return states_; }
  double ground() const { return solver_.eigenvalues()(0); }

  std::vector<double> lines(const OpSum& a, const OpSum& b, std::span<const double> energies,
                            double width) const {
    const auto& v = solver_.eigenvectors();
    const Eigen::MatrixXcd in_a = v.leftCols(states_).adjoint() * test::dense(a) * v,
                           in_b = v.adjoint() * test::dense(b) * v.leftCols(states_);
    std::vector<double> values(energies.size());
    for (std::size_t i = 0; i < energies.size(); ++i)
      for (Eigen::Index n = 0; n < v.cols(); ++n) {
        Complex weight = 0;
        for (Eigen::Index s = 0; s < states_; ++s) weight += in_a(s, n) * in_b(n, s);
        const double x = energies[i] - (solver_.eigenvalues()(n) - ground());
        values[i] +=
            weight.real() / double(states_) * width / std::numbers::pi / (x * x + width * width);
      }
    return values;
  }

 private:
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXcd> solver_;
  Eigen::Index states_ = 0;
};

std::vector<double> grid() {
  std::vector<double> energies;
  for (int i = -20; i < 120; ++i) energies.push_back(0.07 * i);
  return energies;
}

void expect_lehmann(const Model& m, const std::vector<OperatorPair>& pairs,
                    const DynamicalCorrelations& found) {
  const Lehmann oracle(m.op);
  EXPECT_NEAR(found.ground.energy, oracle.ground(), 1e-10);
  EXPECT_EQ(found.ground.degeneracy(), oracle.degeneracy());
  EXPECT_TRUE(found.ground.converged);
  ASSERT_EQ(found.correlations.size(), pairs.size());
  const auto energies = grid();
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    SCOPED_TRACE(detail::concat("pair ", p));
    const auto& is = found.correlations[p];
    EXPECT_EQ(is.momentum, pairs[p].momentum);
    const auto values = broadened(is, energies, 0.1, LineShape::lorentzian);
    const auto expected = oracle.lines(pairs[p].a, pairs[p].b, energies, 0.1);
    for (std::size_t i = 0; i < energies.size(); ++i) ASSERT_NEAR(values[i], expected[i], 1e-8);
    EXPECT_LT(is.total_error, 1e-10);
    EXPECT_LT(is.first_moment_error, 1e-9);
  }
}

struct Case {
  std::string model;
  ModelOptions options;
  std::string a, b;
};

TEST(DynamicalCorrelations, of_plane_waves_are_the_lehmann_sums) {
  std::vector<Case> cases = {
      {"heisenberg", {.sites = 8, .cyclic = Cyclic::all}, "Sz", "Sz"},
      {"heisenberg", {.sites = 7, .cyclic = Cyclic::all}, "S-", "S+"},  // a degenerate level
      {"heisenberg", {.sites = 6}, "Sz", "Sz"},
      {"heisenberg", {.sites = 4, .cyclic = Cyclic::all, .spin = "1"}, "Sx", "Sx"},
      {"ising", {.sites = 7, .cyclic = Cyclic::all, .params = {{"bx", "0.7"}}}, "Sz", "Sz"},
      {"ising", {.sites = 6, .cyclic = Cyclic::all, .params = {{"bx", "0.7"}}}, "Sz", "Sx"},
      {"hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"mu", "2"}}}, "Cup+", "Cup-"},
      {"hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"mu", "2"}}}, "Cdn-", "Cdn+"},
      {"heisenberg", {.size = {2, 4}, .cyclic = Cyclic::all, .lattice = "square"}, "Sz", "Sz"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.model + " " + c.a + "," + c.b);
    const Model m = model(c.model, c.options);
    const auto pairs = plane_waves(m.op.spaces(), m.lattice, c.a, c.b);
    expect_lehmann(m, pairs, dynamical_correlations(world(), m.op, m.lattice, {}, pairs));
  }
}

TEST(DynamicalCorrelations, of_any_operators_are_the_lehmann_sums) {
  const Model m = model("heisenberg", {.sites = 7, .params = {{"jz", "0.6"}, {"bz", "0.3"}}});
  const auto op = [&](const char* text) { return OpSum::parse(text, m.op.spaces()); };
  const std::vector<OperatorPair> pairs = {{op("Sz 0"), op("Sz 0")},
                                           {op("S- 2"), op("S+ 3")},
                                           {op("Sx 1 Sx 2 + 0.3 Sz 4"), op("Sy 3 Sy 4 + Sx 0")},
                                           {op("Sz 1"), op("S+ 1")}};
  expect_lehmann(m, pairs, dynamical_correlations(world(), m.op, m.lattice, {}, pairs));
}

TEST(DynamicalCorrelations, all_momenta_add_up_to_the_local_one) {
  const Model m = model("heisenberg", {.sites = 10, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  const auto found = dynamical_correlations(world(), m.op, m.lattice, {}, pairs);
  double sum = 0;
  for (const auto& correlation : found.correlations) sum += correlation.total.real();
  EXPECT_NEAR(sum, 10 * 0.25, 1e-10);
  EXPECT_NEAR(found.correlations[0].total.real(), 0, 1e-12) << "total Sz is conserved";
  EXPECT_TRUE(found.correlations[0].energies.empty()) << "and rounding is no line";
  EXPECT_EQ(found.correlations[3].energies, found.correlations[7].energies);
  EXPECT_EQ(found.correlations[7].products, 0) << "conjugate momenta are computed once";
}

TEST(DynamicalCorrelations, in_a_given_sector) {
  const Model m = model("hubbard", {.sites = 4, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Cup+", "Cup-");
  const auto found = dynamical_correlations(world(), m.op, m.lattice, {"nup=1", "ndown=1"}, pairs);
  double electrons = 0;
  for (const auto& correlation : found.correlations) electrons += correlation.total.real();
  EXPECT_NEAR(electrons, 1, 1e-10);
  const auto nothing = plane_waves(m.op.spaces(), m.lattice, "Cup-", "Cup+");
  for (const auto& correlation :
       dynamical_correlations(world(), m.op, m.lattice, {"nup=4", "ndown=0"}, nothing).correlations)
    EXPECT_TRUE(correlation.energies.empty()) << "no place for one more";
}

TEST(DynamicalCorrelations, refuse_what_has_no_meaning) {
  const Model m = model("heisenberg", {.sites = 6, .cyclic = Cyclic::all});
  const auto pairs = plane_waves(m.op.spaces(), m.lattice, "Sz", "Sz");
  const auto refused = [&](const std::vector<std::string>& conditions,
                           std::span<const OperatorPair> what, const char* text) {
    try {
      (void)dynamical_correlations(world(), m.op, m.lattice, conditions, what);
      FAIL() << text;
    } catch (const InvalidArgument& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
    }
  };
  refused({"reflection=1"}, pairs, "lead out of it");
  const std::vector<OperatorPair> local = {
      {OpSum::parse("Sz 0", m.op.spaces()), OpSum::parse("Sz 0", m.op.spaces())}};
  refused({"momentum=0"}, local, "have no momentum");
  EXPECT_THROW((void)plane_waves(m.op.spaces(), m.lattice, "C+", "C-"), InvalidArgument);
  EXPECT_THROW((void)broadened({}, grid(), 0, LineShape::gaussian), InvalidArgument);
}

TEST(GroundLevel, has_every_state) {
  for (const auto& [options, spin, degeneracy] :
       {std::tuple(ModelOptions{.sites = 8, .cyclic = Cyclic::all}, 0.0, 1),
        std::tuple(ModelOptions{.sites = 7, .cyclic = Cyclic::all}, 0.5, 4),
        std::tuple(ModelOptions{.sites = 6, .cyclic = Cyclic::all, .params = {{"j", "-1"}}}, 3.0,
                   7)}) {
    const Model m = model("heisenberg", options);
    const auto level = ground_level(world(), m.op, m.lattice, all_sectors(m.op, m.lattice));
    EXPECT_EQ(level.degeneracy(), degeneracy);
    EXPECT_EQ(level.spin, spin);
    EXPECT_LT(level.residual, 1e-9);
  }
  OpSum dimer(9);  // seven free spins beside it
  for (const char* op : {"Sx", "Sy", "Sz"}) dimer.add(1, {{op, 0}, {op, 1}});
  EXPECT_THROW((void)ground_level(world(), dimer, Lattice::chain(9), {"sz=all"}), InvalidArgument);
}

}  // namespace
}  // namespace kronsolve
