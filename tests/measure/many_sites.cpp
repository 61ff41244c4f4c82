// Sectors with few states on more sites than 64 bits tell apart.
#include <cmath>
#include <numbers>
#include <numeric>
#include <random>

#include <Eigen/Dense>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/matrix_free.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "support/expect_product.hpp"
#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Spaces = std::vector<LocalSpace>;
using Values = Eigen::VectorXd;

// Residuals of 1e-10 and below, of values up to 30.
constexpr double tolerance = 1e-9;
constexpr double pi = std::numbers::pi;

Model ring(const std::string& name, int sites, std::map<std::string, ModelValue> params = {}) {
  return make_model(name, {.sites = sites, .cyclic = Cyclic::all, .params = std::move(params)});
}

SectorOperator in(const Model& model, const std::vector<std::string>& conditions) {
  return in_sector(world(), model.op, parse_sector(model.op.spaces(), model.lattice, conditions));
}

void expect_levels(const EighResult& found, const Values& all, index_t count) {
  ASSERT_TRUE(found.converged) << found.reason;
  ASSERT_EQ(static_cast<index_t>(found.eigenvalues.size()), count);
  for (index_t i = 0; i < count; ++i)
    EXPECT_NEAR(found.eigenvalues[static_cast<std::size_t>(i)], all[i], tolerance) << i;
}

Values sorted(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return Eigen::Map<Values>(values.data(), static_cast<Eigen::Index>(values.size()));
}

/// Two particles on a ring, as a matrix over their positions a < b: each hops to an empty neighbour
/// with amplitude `hop`, times `exchange` where it comes round to the other side of its partner;
/// neighbours have `beside`, others 0.
Eigen::MatrixXd two_on_a_ring(int n, double hop, double exchange, double beside) {
  std::vector<std::pair<int, int>> pairs;
  Eigen::MatrixXi place = Eigen::MatrixXi::Constant(n, n, -1);
  for (int a = 0; a < n; ++a)
    for (int b = a + 1; b < n; ++b) {
      place(a, b) = static_cast<int>(pairs.size());
      pairs.emplace_back(a, b);
    }
  const auto dim = static_cast<Eigen::Index>(pairs.size());
  Eigen::MatrixXd h = Eigen::MatrixXd::Zero(dim, dim);
  for (const auto& [a, b] : pairs) {
    const int from = place(a, b);
    if (b - a == 1 || b - a == n - 1) h(from, from) += beside;
    for (const int step : {1, n - 1}) {
      const int c = (a + step) % n, d = (b + step) % n;
      if (c != b) h(place(std::min(c, b), std::max(c, b)), from) += c < b ? hop : hop * exchange;
      if (d != a) h(place(std::min(a, d), std::max(a, d)), from) += d > a ? hop : hop * exchange;
    }
  }
  return h;
}

/// Found on one rank: the others would take its processors away.
Values levels_of(const Eigen::MatrixXd& h) {
  Values levels(h.rows());
  if (world().is_root())
    levels =
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(h, Eigen::EigenvaluesOnly).eigenvalues();
  world().broadcast(std::span(levels.data(), static_cast<std::size_t>(levels.size())));
  return levels;
}

TEST(ManySites, one_magnon_has_the_energies_of_plane_waves) {
  for (const int n : {65, 128}) {
    const auto h = in(ring("heisenberg", n), {detail::concat("sz=", n - 2, "/2")});
    std::vector<double> waves;
    for (int m = 0; m < n; ++m) waves.push_back(n / 4.0 - 1 + std::cos(2 * pi * m / n));

    ASSERT_EQ(h.basis->size(), n);
    expect_levels(eigh(world(), h, {.k = EighOptions::all}), sorted(waves), n);
  }
}

TEST(ManySites, two_magnons_are_those_of_a_matrix_over_pairs_of_positions) {
  constexpr int n = 65;
  const auto h = in(ring("heisenberg", n), {"sz=61/2"});
  // Of n bonds four are antiparallel, two if the magnons are neighbours; a bond has 1/4 or -1/4.
  const Values levels = levels_of(two_on_a_ring(n, 0.5, 1, 1)).array() + n / 4.0 - 2;

  ASSERT_EQ(h.basis->size(), n * (n - 1) / 2);
  for (const auto form : {OperatorForm::assembled, OperatorForm::matrix_free}) {
    const auto found = eigh(world(), h, {.k = 5, .method = Method::lanczos, .form = form});
    expect_levels(found, levels, 5);
    const StateView<double> psi(world(), *h.basis, found.vectors_as<double>().column(0));
    EXPECT_NEAR(expectation(psi, h.op).real(), levels[0], tolerance);
    double sum = 0;
    for (const auto sz : site_profile(psi, "Sz")) sum += sz.real();
    EXPECT_NEAR(sum, 30.5, tolerance);
  }
}

TEST(ManySites, free_fermions_fill_plane_waves) {
  for (const auto& [n, particles] : {std::pair{65, 2}, {100, 3}, {120, 1}}) {
    const auto h = in(ring("t-v", n, {{"t", 1}, {"V", 0}}), {detail::concat("n=", particles)});
    std::vector<double> waves;
    for (int m = 0; m < n; ++m) waves.push_back(-2 * std::cos(2 * pi * m / n));
    const Values modes = sorted(waves);

    const auto found = eigh(world(), h, {.k = 1});

    ASSERT_TRUE(found.converged);
    EXPECT_NEAR(found.eigenvalues.at(0), modes.head(particles).sum(), tolerance) << n;
    if (particles % 2 == 0) continue;  // the highest filled level is half of a degenerate pair
    // Entropy of the first sites from the modes of their correlation matrix (Peschel 2003,
    // doi:10.1088/0305-4470/36/14/101). Few configurations of many are in the sector.
    const int part = particles == 1 ? n / 2 : 21;
    Eigen::MatrixXd filled(part, part);
    for (int i = 0; i < part; ++i)
      for (int j = 0; j < part; ++j) {
        double sum = 0;
        for (int m = -(particles / 2); m <= particles / 2; ++m)
          sum += std::cos(2 * pi * m * (i - j) / n);
        filled(i, j) = sum / n;
      }
    double entropy = 0;
    for (const double p : levels_of(filled))
      if (p > 0 && p < 1) entropy -= p * std::log(p) + (1 - p) * std::log(1 - p);
    std::vector<int> sites(static_cast<std::size_t>(part));
    std::iota(sites.begin(), sites.end(), 0);
    const StateView<double> psi(world(), *h.basis, found.vectors_as<double>().column(0));
    EXPECT_NEAR(entanglement_entropy(psi, sites), entropy, 1e-7);
    EXPECT_NEAR(reduced_density_matrix(psi, {0})(1, 1), double(particles) / n, 1e-7);
    if (particles == 1)
      EXPECT_ERROR((void)reduced_density_matrix(psi, sites), InvalidArgument, "choose fewer sites");
  }
}

TEST(ManySites, two_fermions_that_repel_are_those_of_a_matrix_over_pairs_of_positions) {
  constexpr int n = 66;
  const auto h = in(ring("t-v", n, {{"t", 0.7}, {"V", 1.5}}), {"n=2"});

  const auto found = eigh(world(), h, {.k = 5});

  expect_levels(found, levels_of(two_on_a_ring(n, -0.7, -1, 1.5)), 5);
}

/// Lowest energy of an up and a down electron with total momentum 0, who meet with amplitude U:
/// 1 = U/n sum over q of 1 / (E - 2 e(q)), between the first two poles.
double lowest_pair(int n, double t, double u) {
  const auto excess = [&](double energy) {
    double sum = 0;
    for (int m = 0; m < n; ++m) sum += 1 / (energy + 4 * t * std::cos(2 * pi * m / n));
    return u / n * sum - 1;
  };
  double low = -4 * t, high = -4 * t * std::cos(2 * pi / n);  // +infinity at the lower end
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    (excess(middle) > 0 ? low : high) = middle;
  }
  return (low + high) / 2;
}

TEST(ManySites, two_electrons_of_the_hubbard_ring_obey_the_equation_of_their_momentum) {
  constexpr int n = 40;
  const auto h = in(ring("hubbard", n, {{"U", 4}}), {"nup=1", "ndown=1"});
  // Independently, over the positions of both: the two species are not exchanged.
  Eigen::MatrixXd pair = Eigen::MatrixXd::Zero(n * n, n * n);
  for (int a = 0; a < n; ++a)
    for (int b = 0; b < n; ++b) {
      if (a == b) pair(a * n + b, a * n + b) = 4;
      for (const int step : {1, n - 1}) {
        pair((a + step) % n * n + b, a * n + b) -= 1;
        pair(a * n + (b + step) % n, a * n + b) -= 1;
      }
    }

  ASSERT_EQ(h.basis->size(), n * n);
  const auto found = eigh(world(), h, {.k = 4});

  expect_levels(found, levels_of(pair), 4);
  EXPECT_NEAR(found.eigenvalues.at(0), lowest_pair(n, 1, 4), tolerance);
  const StateView<double> psi(world(), *h.basis, found.vectors_as<double>().column(0));
  EXPECT_NEAR(expectation(psi, h.op).real(), found.eigenvalues.at(0), tolerance);
  const auto up = site_profile(psi, "Nup");
  for (const auto density : up) EXPECT_NEAR(density.real(), 1.0 / n, 1e-6);
}

// ---- a small system among empty sites ----------------------------------------------------------

/// A random operator on some sites of a chain, in a sector where the others have digit 0.
class Embedded {
 public:
  Embedded(unsigned seed, bool complex) : random_(seed), complex_(complex) {
    const Spaces kinds = {LocalSpace(), LocalSpace::fermion(), LocalSpace::electron(),
                          LocalSpace::boson(3), LocalSpace::spin(2)};
    space_ = kinds[static_cast<std::size_t>(below(static_cast<int>(kinds.size())))];
    const int bits = space_.dim() == 2 ? 1 : 2;
    few_ = space_.dim() == 2 ? 6 + below(3) : 4 + below(2);
    const int least = 64 / bits + 1, most = 128 / bits;
    many_ = least + below(most - least + 1);
    std::vector<int> all(static_cast<std::size_t>(many_));
    for (int i = 0; i < many_; ++i) all[static_cast<std::size_t>(i)] = i;
    std::shuffle(all.begin(), all.end(), random_);
    places_.assign(all.begin(), all.begin() + few_);
    std::sort(places_.begin(), places_.end());
    particles_ = 1 + below(3);
    make_terms();
  }

  int few() const { return few_; }
  const std::vector<int>& places() const { return places_; }
  std::string text() const {
    return detail::concat(few_, " sites of ", space_.name(), " among ", many_, ", ", particles_,
                          " particles");
  }
  SectorOperator small() const { return make(few_, false); }
  SectorOperator large() const { return make(many_, true); }
  /// Products of two operators on random sites, on either system.
  std::pair<OpSum, OpSum> probe() {
    OpSum a(Spaces(static_cast<std::size_t>(few_), space_));
    OpSum b(Spaces(static_cast<std::size_t>(many_), space_));
    for (int k = 0; k < 3; ++k) {
      const int i = below(few_), j = below(few_);
      const auto [up, down] = hops()[static_cast<std::size_t>(below(int(hops().size())))];
      const double c = number();
      a.add(c, {{up, i}, {down, j}});
      b.add(c, {{up, places_[std::size_t(i)]}, {down, places_[std::size_t(j)]}});
    }
    return {a + a.adjoint(), b + b.adjoint()};
  }

 private:
  using Term = std::pair<std::complex<double>, std::vector<std::pair<std::string, int>>>;

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  double number() { return std::uniform_real_distribution<double>(-1, 1)(random_); }
  /// Pairs of operators that take a particle from one site to another.
  std::vector<std::pair<std::string, std::string>> hops() const {
    switch (space_.kind()) {
      case LocalSpace::Kind::spin:
        return {{"S-", "S+"}};
      case LocalSpace::Kind::boson:
        return {{"B+", "B-"}};
      case LocalSpace::Kind::fermion:
        return {{"C+", "C-"}};
      default:
        return {{"Cup+", "Cup-"}, {"Cdn+", "Cdn-"}, {"Cup+", "Cdn-"}, {"Cdn+", "Cup-"}};
    }
  }
  void make_terms() {
    for (int k = 0; k < 3 * few_; ++k) {
      const auto [up, down] = hops()[static_cast<std::size_t>(below(int(hops().size())))];
      const int i = below(few_), j = below(few_), l = below(few_);
      Term term{complex_ ? std::complex<double>(number(), number()) : number(),
                {{up, i}, {down, j}}};
      if (below(3) == 0) term.second.push_back({"P1", l});
      terms_.push_back(std::move(term));
    }
    for (int k = 0; k < few_; ++k)
      terms_.push_back({number(), {{"P1", below(few_)}, {"P0", below(few_)}}});
  }
  SectorOperator make(int sites, bool placed) const {
    const Spaces spaces(static_cast<std::size_t>(sites), space_);
    OpSum sum(spaces);
    for (const auto& [coefficient, factors] : terms_) {
      std::vector<OpFactor> there;
      for (const auto& [name, site] : factors)
        there.push_back({name, placed ? places_[static_cast<std::size_t>(site)] : site});
      sum.add(coefficient, std::move(there));
    }
    OpSum h = sum + sum.adjoint();
    AdditiveRule inside{{}, particles_, 0}, outside{{}, 0, 0};
    for (int site = 0; site < sites; ++site) {
      const bool mine = !placed || std::binary_search(places_.begin(), places_.end(), site);
      auto& in = inside.values.emplace_back();
      auto& out = outside.values.emplace_back();
      for (int digit = 0; digit < space_.dim(); ++digit) {
        const int count = space_.has_electrons() ? (digit + 1) / 2 : digit;
        in.push_back(mine ? count : 0);
        out.push_back(mine ? 0 : count);
      }
    }
    std::vector<Charge> charges = {{"inside", inside}};
    if (placed) charges.push_back({"outside", outside});
    return {std::move(h), std::make_shared<const ChargeBasis>(spaces, charges)};
  }

  std::mt19937 random_;
  bool complex_;
  LocalSpace space_;
  int few_ = 0, many_ = 0, particles_ = 0;
  std::vector<int> places_;
  std::vector<Term> terms_;
};

/// Rows, products and measures of a small system and of the same one among empty sites.
template <Scalar T>
void expect_same(unsigned seed) {
  Embedded system(seed, is_complex<T>);
  SCOPED_TRACE(detail::concat("seed ", seed, ": ", system.text()));
  const auto small = system.small(), large = system.large();
  const index_t n = small.basis->size();
  ASSERT_EQ(large.basis->size(), n);
  const auto few = build_rows<T>(small.op, *small.basis, {0, n});
  const auto many = build_rows<T>(large.op, *large.basis, {0, n});
  ASSERT_EQ(many.offsets, few.offsets);
  ASSERT_EQ(many.columns, few.columns);
  for (std::size_t e = 0; e < few.values.size(); ++e)
    ASSERT_NEAR(std::abs(many.values[e] - few.values[e]), 0, 1e-14);
  const auto map = make_matrix_free<T>(world(), large);
  test::expect_product<T>(large, *map, Placement::process);

  const auto state = [&](const SectorOperator& h) {
    return make_state<T>(world(), *h.basis, random_state(h.basis->spaces(), seed));
  };
  const auto phi = state(small), psi = state(large);
  const StateView<T> a(world(), *small.basis, phi), b(world(), *large.basis, psi);
  for (int k = 0; k < 4; ++k) {
    const auto [on_few, on_many] = system.probe();
    EXPECT_NEAR(std::abs(expectation(b, on_many) - expectation(a, on_few)), 0, 1e-13);
    EXPECT_NEAR(variance(b, on_many), variance(a, on_few), 1e-12);
  }
  for (int count = 1; count < system.few(); ++count) {
    std::vector<int> first, placed(system.places().begin(), system.places().begin() + count);
    for (int i = 0; i < count; ++i) first.push_back(i);
    EXPECT_NEAR(entanglement_entropy(b, placed), entanglement_entropy(a, first), 1e-12);
    const std::vector<int> last_few = {system.few() - 1}, last_many = {system.places().back()};
    EXPECT_NEAR(mutual_information(b, placed, last_many), mutual_information(a, first, last_few),
                1e-12)
        << count;
    if (count + 2 >= system.few()) break;
  }
}

TEST(ManySites, a_random_system_among_empty_sites_is_the_same) {
  constexpr unsigned first_seed = 20261201;
  for (unsigned trial = 0; trial < 30; ++trial) {
    expect_same<double>(first_seed + trial);
    expect_same<std::complex<double>>(first_seed + 1000 + trial);
  }
}

// ---- names, limits ------------------------------------------------------------------------------

TEST(ManySites, configurations_are_read_and_found_by_their_digits) {
  const auto h = in(ring("heisenberg", 65), {"sz=61/2"});
  std::vector<int> digits(65, 0);
  digits[0] = digits[64] = 1;
  std::string text;
  for (const int digit : digits) text += std::to_string(digit);

  const auto owned = make_state<double>(world(), *h.basis, parse_state(text, h.basis->spaces()));
  const StateView<double> psi(world(), *h.basis, owned);

  EXPECT_EQ(amplitude(psi, digits), 1);
  EXPECT_NEAR(expectation(psi, h.op).real(), 65 / 4.0 - 1, 1e-12);  // they are neighbours
  const state_t last = h.basis->state(h.basis->size() - 1);
  EXPECT_EQ(h.basis->code().text(last), "11" + std::string(63, '0'));
  EXPECT_EQ(h.basis->index(last), h.basis->size() - 1);
  EXPECT_EQ(h.basis->index(last >> 64), -1);
}

TEST(ManySites, operators_lead_from_sector_to_sector) {
  const Model model = ring("t-v", 70, {{"V", 0}});
  const auto vacuum = in(model, {"n=0"}), one = in(model, {"n=1"});
  OpSum wave(model.op.spaces());  // sum of c+ over all sites: the mode of energy -2t
  for (int i = 0; i < 70; ++i) wave.add(1, {{"C+", i}});
  const auto empty = make_state<double>(
      world(), *vacuum.basis, configuration_state(vacuum.basis->spaces(), std::vector<int>(70, 0)));

  const auto made = apply_operator<double>(world(), wave, *vacuum.basis, empty.span(), *one.basis);
  const StateView<double> psi(world(), *one.basis, made.column(0));

  EXPECT_NEAR(norm(psi), std::sqrt(70.0), 1e-12);
  EXPECT_NEAR(expectation(psi, one.op).real() / 70, -2, 1e-12);
}

TEST(ManySites, what_is_too_much_is_refused) {
  const Spaces spins(129);
  EXPECT_ERROR((void)DigitCode(spins), InvalidArgument, "129 bits, at most 128");
  EXPECT_ERROR((void)ChargeBasis(spins, {Charge::sz(spins, 127)}), InvalidArgument, "smaller");
  EXPECT_ERROR((void)FullBasis(Spaces(65)), InvalidArgument, "choose a sector");
  const AdditiveRule one = Charge::sz(spins, 127).rule;
  (void)PathIndex(DigitPaths(std::vector<int>(128, 2), {Charge::sz(Spaces(128), 126).rule}));
  EXPECT_ERROR((void)PathIndex(DigitPaths(std::vector<int>(129, 2), {one})), InvalidArgument,
               "more than 128 bits");
  const Model model = ring("heisenberg", 65);
  EXPECT_ERROR((void)in(model, {"sz=63/2", "momentum=0"}), InvalidArgument,
               "leave the symmetries out");
  EXPECT_ERROR((void)in_counted_sector(model.op, parse_sector(model.op.spaces(), model.lattice,
                                                              {"sz=1/2", "reflection=1"})),
               InvalidArgument, "leave the symmetries out");
  const Model even = ring("heisenberg", 66);
  EXPECT_ERROR((void)in(even, {"sz=0", "spinflip=1"}), InvalidArgument, "64 bits");
}

}  // namespace
}  // namespace kronsolve
