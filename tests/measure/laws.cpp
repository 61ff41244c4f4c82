// Laws that hold for every operator and state, on random ones: no oracle is needed.

#include <cmath>
#include <numbers>
#include <random>

#include <kronsolve/measure/entanglement.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/rows.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/svds.hpp>

#include "support/mpi_test.hpp"

namespace kronsolve {
namespace {

using test::world;
using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;

/// Sums of a few hundred numbers of order one.
constexpr double rounding = 1e-9;
constexpr int cases = 6;

class Laws : public ::testing::Test {
 protected:
  double number(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
  }
  int below(int n) { return static_cast<int>(random_() % static_cast<std::uint64_t>(n)); }

  /// Two to four sites of all kinds, at most 144 states.
  Spaces spaces() {
    const Spaces kinds = {LocalSpace::spin(1),    LocalSpace::spin(2), LocalSpace::boson(3),
                          LocalSpace::electron(), LocalSpace::spin(1), LocalSpace::fermion()};
    Spaces all;
    int states = 1;
    while (all.size() < 4) {
      const auto& next = kinds[static_cast<std::size_t>(below(static_cast<int>(kinds.size())))];
      if (states * next.dim() > 144) break;
      states *= next.dim();
      all.push_back(next);
    }
    return all;
  }
  /// A Hermitian sum of products of one or two local matrices. With an even number of fermions: an
  /// odd one is no observable of a part of the sites.
  OpSum hermitian(const Spaces& sites) {
    OpSum sum(sites);
    for (int t = 0; t < 8; ++t) {
      std::vector<OpFactor> factors;
      for (int f = 1 + below(2); f > 0; --f) {
        const int site = below(static_cast<int>(sites.size()));
        const auto& space = sites[static_cast<std::size_t>(site)];
        const std::string digit = std::to_string(below(space.dim()));
        factors.push_back({space.kind() == LocalSpace::Kind::spin && below(2) == 0
                               ? std::vector<std::string>{"Sz", "S+", "Sx",
                                                          "Sy"}[static_cast<std::size_t>(below(4))]
                               : "P" + digit,
                           site});
      }
      sum.add(Complex(number(-1, 1), number(-1, 1)), factors);
    }
    return sum + sum.adjoint();
  }
  DistributedVectors<Complex> state(const Basis& basis, std::uint64_t seed) {
    const auto owned =
        make_state<Complex>(world(), basis, random_state(basis.spaces(), seed + random_()));
    DistributedVectors<Complex> psi(basis.partition(world().size()), world().rank(), 1);
    std::copy(owned.data(), owned.data() + owned.size(), psi.column(0).data());
    return psi;
  }
  static double mean(const Basis& basis, const DistributedVectors<Complex>& psi, const OpSum& op) {
    return expectation(view(basis, psi), op).real();
  }
  static StateView<Complex> view(const Basis& basis, const DistributedVectors<Complex>& psi) {
    return {world(), basis, psi.column(0)};
  }
  static std::vector<double> levels(const SectorOperator& h) {
    return eigh(world(), h, {.k = EighOptions::all}).eigenvalues;
  }
  static EvolutionState copy_of(const DistributedVectors<Complex>& psi) {
    DistributedVectors<Complex> copy(psi.partition(), world().rank(), 1);
    std::copy(psi.column(0).begin(), psi.column(0).end(), copy.column(0).begin());
    return copy;
  }
  static DistributedVectors<Complex> evolved(const SectorOperator& h,
                                             const DistributedVectors<Complex>& psi, double time) {
    const std::vector<double> times = {time};
    return std::get<DistributedVectors<Complex>>(evolve(world(), h, copy_of(psi), times).state);
  }

 private:
  std::mt19937_64 random_{20261};
};

TEST_F(Laws, levels_add_up_to_the_traces) {
  for (int c = 0; c < cases; ++c) {
    const auto h = on_full_space(hermitian(spaces()));
    const auto all = levels(h);
    double first = 0, second = 0;
    for (const double l : all) {
      first += l;
      second += l * l;
    }
    const auto n = static_cast<double>(all.size());
    EXPECT_NEAR(first, n * normalized_trace(h.op).real(), rounding * n);
    EXPECT_NEAR(second, n * normalized_trace(h.op * h.op).real(), rounding * n);
  }
}

TEST_F(Laws, no_state_lies_below_the_lowest_level_or_above_the_highest) {
  for (int c = 0; c < cases; ++c) {
    const auto h = on_full_space(hermitian(spaces()));
    const auto all = levels(h);
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      const double energy = mean(*h.basis, state(*h.basis, seed), h.op);
      EXPECT_GE(energy, all.front() - rounding);
      EXPECT_LE(energy, all.back() + rounding);
    }
  }
}

TEST_F(Laws, levels_of_a_sum_keep_to_weyls_bounds_and_its_ground_energy_is_concave) {
  for (int c = 0; c < cases; ++c) {
    const Spaces sites = spaces();
    const OpSum a = hermitian(sites), b = hermitian(sites);
    const auto of_a = levels(on_full_space(a)), of_b = levels(on_full_space(b)),
               of_both = levels(on_full_space(a + b));
    for (std::size_t i = 0; i < of_a.size(); ++i) {
      EXPECT_GE(of_both[i], of_a[i] + of_b.front() - rounding);
      EXPECT_LE(of_both[i], of_a[i] + of_b.back() + rounding);
    }
    const auto middle = levels(on_full_space(0.5 * (a + b)));
    EXPECT_GE(middle.front(), 0.5 * (of_a.front() + of_b.front()) - rounding);
  }
}

TEST_F(Laws, a_penalty_on_one_state_moves_no_level_past_the_next) {
  // Cauchy's interlacing, of a projector on one configuration.
  for (int c = 0; c < cases; ++c) {
    const Spaces sites = spaces();
    const OpSum h = hermitian(sites);
    OpSum penalty(sites);
    std::vector<OpFactor> factors;
    for (int i = 0; i < static_cast<int>(sites.size()); ++i) factors.push_back({"P0", i});
    penalty.add(1, factors);
    const auto without = levels(on_full_space(h)), with = levels(on_full_space(h + 2.0 * penalty));
    for (std::size_t i = 0; i < with.size(); ++i) {
      EXPECT_GE(with[i], without[i] - rounding);
      if (i + 1 < with.size()) {
        EXPECT_LE(with[i], without[i + 1] + rounding);
      }
    }
  }
}

TEST_F(Laws, the_slope_of_a_level_is_the_mean_of_the_derivative) {
  // Hellmann and Feynman, by a central difference: its error is the third derivative's.
  constexpr double step = 1e-4;
  for (int c = 0; c < cases; ++c) {
    const Spaces sites = spaces();
    const OpSum h = hermitian(sites), v = hermitian(sites);
    const auto lowest = eigh(world(), on_full_space(h), {.k = 2});
    if (lowest.eigenvalues[1] - lowest.eigenvalues[0] < 0.1) continue;
    const auto at = on_full_space(h);
    const double slope = visit_scalar(lowest.scalar, [&]<Scalar T>() {
      const StateView<T> psi(world(), *at.basis, lowest.vectors_as<T>().column(0));
      return expectation(psi, v).real();
    });
    const double up = levels(on_full_space(h + step * v)).front(),
                 down = levels(on_full_space(h - step * v)).front();
    EXPECT_NEAR((up - down) / (2 * step), slope, 1e-5);
  }
}

TEST_F(Laws, evolutions_form_a_group_and_keep_norm_energy_and_overlaps) {
  for (int c = 0; c < cases; ++c) {
    const auto h = on_full_space(hermitian(spaces()));
    const Basis& basis = *h.basis;
    const auto a = state(basis, 1), b = state(basis, 2);
    const double s = number(0.1, 2), t = number(0.1, 2);
    const auto once = evolved(h, a, s + t), twice = evolved(h, evolved(h, a, s), t);
    EXPECT_NEAR(fidelity(view(basis, once), view(basis, twice)), 1, 1e-8);
    EXPECT_NEAR(fidelity(view(basis, evolved(h, once, -s - t)), view(basis, a)), 1, 1e-8);
    EXPECT_NEAR(fidelity(view(basis, once), view(basis, evolved(h, b, s + t))),
                fidelity(view(basis, a), view(basis, b)), 1e-8);
    EXPECT_NEAR(mean(basis, once, h.op), mean(basis, a, h.op), 1e-7);
    EXPECT_NEAR(variance(view(basis, once), h.op), variance(view(basis, a), h.op), 1e-6);
  }
}

TEST_F(Laws, means_move_as_ehrenfest_says) {
  constexpr double step = 1e-3;
  for (int c = 0; c < cases; ++c) {
    const Spaces sites = spaces();
    const auto h = on_full_space(hermitian(sites));
    const OpSum o = hermitian(sites);
    const auto psi = state(*h.basis, 3);
    const double forward = mean(*h.basis, evolved(h, psi, step), o),
                 back = mean(*h.basis, evolved(h, psi, -step), o);
    const double right = mean(*h.basis, psi, Complex(0, 1) * commutator(h.op, o));
    EXPECT_NEAR((forward - back) / (2 * step), right, 1e-3 * (1 + std::abs(right)));
  }
}

TEST_F(Laws, imaginary_time_lowers_the_energy_at_the_rate_of_its_variance) {
  constexpr double step = 1e-3;
  for (int c = 0; c < cases; ++c) {
    const auto h = on_full_space(hermitian(spaces()));
    const auto psi = state(*h.basis, 4);
    const std::vector<double> times = {step, 0.3, 1, 3};
    EvolutionOptions options;
    options.axis = TimeAxis::imaginary;
    const auto result = evolve(world(), h, copy_of(psi), times, options);
    const double spread = variance(view(*h.basis, psi), h.op), energy = mean(*h.basis, psi, h.op);
    EXPECT_NEAR((energy - result.energies[0]) / step, 2 * spread, 0.05 * (1 + spread));
    for (std::size_t i = 1; i < times.size(); ++i)
      EXPECT_LE(result.energies[i], result.energies[i - 1] + rounding);
    EXPECT_NEAR(result.log_norms[0], -step * energy, 1e-4);
  }
}

TEST_F(Laws, uncertainties_are_no_smaller_than_robertson_allows) {
  for (int c = 0; c < cases; ++c) {
    const Spaces sites = spaces();
    const OpSum a = hermitian(sites), b = hermitian(sites);
    const FullBasis basis(sites);
    const auto psi = state(basis, 5);
    const Complex commuted = expectation(view(basis, psi), commutator(a, b));
    EXPECT_NEAR(commuted.real(), 0, rounding);
    EXPECT_GE(variance(view(basis, psi), a) * variance(view(basis, psi), b),
              std::norm(commuted) / 4 - rounding);
    // Cauchy and Schwarz; means of squares are positive.
    const double aa = mean(basis, psi, a * a), bb = mean(basis, psi, b * b);
    EXPECT_GE(aa, -rounding);
    EXPECT_LE(std::norm(expectation(view(basis, psi), a * b)), aa * bb + rounding);
  }
}

TEST_F(Laws, entropies_are_subadditive_and_fall_with_their_order) {
  for (int c = 0; c < cases; ++c) {
    const Spaces sites(5, LocalSpace::spin(1 + c % 2));
    const FullBasis basis(sites);
    const auto psi = state(basis, 6);
    const auto v = view(basis, psi);
    const auto s = [&](const std::vector<int>& part) { return entanglement_entropy(v, part); };
    const double a = s({0}), b = s({1, 3}), ab = s({0, 1, 3}), bc = s({1, 3, 4}),
                 abc = s({0, 1, 3, 4});
    EXPECT_LE(ab, a + b + rounding);            // subadditivity
    EXPECT_GE(ab, std::abs(a - b) - rounding);  // Araki and Lieb
    EXPECT_LE(abc + b, ab + bc + rounding);     // strong subadditivity: Lieb and Ruskai
    EXPECT_NEAR(abc, s({2}), rounding);         // a pure state: the rest has the same
    EXPECT_NEAR(mutual_information(v, {0}, {1, 3}), a + b - ab, rounding);
    EXPECT_LE(a, std::log(sites[0].dim()) + rounding);
    double before = s({0, 1});
    for (const double alpha : {1.5, 2.0, 3.0, 10.0}) {
      const double next = entanglement_entropy(v, {0, 1}, {.alpha = alpha});
      EXPECT_LE(next, before + rounding);
      before = next;
    }
  }
}

TEST_F(Laws, half_integer_spins_that_time_reversal_keeps_have_pairs_of_levels) {
  // Kramers: an odd number of spins 1/2, bonds of any kind and no field.
  for (int c = 0; c < cases; ++c) {
    OpSum h(5);
    for (int i = 0; i < 5; ++i)
      for (int j = i + 1; j < 5; ++j)
        for (const char* x : {"Sx", "Sy", "Sz"})
          for (const char* y : {"Sx", "Sy", "Sz"}) h.add(number(-1, 1), {{x, i}, {y, j}});
    const auto all = levels(on_full_space(h + h.adjoint()));
    for (std::size_t i = 0; i < all.size(); i += 2) EXPECT_NEAR(all[i], all[i + 1], rounding);
  }
}

TEST_F(Laws, turns_of_every_second_spin_change_no_level) {
  // By pi about z: the sign of the flips; about x: the sign of SzSz and of the field.
  for (int c = 0; c < cases; ++c) {
    const int sites = 4 + 2 * (c % 2);
    std::vector<double> flips, ups;
    for (int i = 0; i < sites; ++i) {
      flips.push_back(number(-1, 1));
      ups.push_back(number(-1, 1));
    }
    const auto chain = [&](double flip, double up) {
      OpSum h(sites);
      for (int i = 0; i < sites; ++i) {
        const int j = (i + 1) % sites;
        const auto at = static_cast<std::size_t>(i);
        h.add(flip * flips[at], {{"S+", i}, {"S-", j}})
            .add(flip * flips[at], {{"S-", i}, {"S+", j}})
            .add(up * ups[at], {{"Sz", i}, {"Sz", j}});
      }
      return levels(on_full_space(h));
    };
    const auto plain = chain(1, 1), turned = chain(-1, 1), mirrored = chain(-1, -1);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(plain[i], turned[i], rounding);
      EXPECT_NEAR(plain[i], -mirrored[plain.size() - 1 - i], rounding);
    }
  }
}

TEST_F(Laws, particles_and_holes_of_a_bipartite_lattice_exchange_places) {
  // Hubbard on an even ring: E(N) = E(2L - N) + U (N - L).
  for (const double u : {0.0, number(1, 6), -number(1, 4)}) {
    const auto model =
        make_model("hubbard", {.sites = 4, .cyclic = Cyclic::all, .params = {{"U", u}}});
    for (int n = 0; n <= 4; ++n) {
      const auto energy = [&](int particles) {
        const auto sector =
            parse_sector(model.op.spaces(), model.lattice, {detail::concat("n=", particles)});
        return eigh(world(), in_sector(world(), model.op, sector)).eigenvalues.front();
      };
      EXPECT_NEAR(energy(n), energy(8 - n) + u * (n - 4), rounding);
    }
  }
}

TEST_F(Laws, temperature_raises_energy_and_entropy_and_lowers_the_free_energy) {
  const std::vector<double> t = {0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 1e4};
  for (const char* name : {"heisenberg", "ising", "xy"}) {
    const auto model = make_model(name, {.sites = 6});
    const auto curves = thermodynamics(world(), model.op, model.lattice, t,
                                       {.method = ThermodynamicsMethod::exact});
    for (std::size_t i = 0; i < t.size(); ++i) {
      const double energy = curves.energy[i].value, entropy = curves.entropy[i].value,
                   free = curves.free_energy[i].value;
      EXPECT_NEAR(free, energy - t[i] * entropy, rounding * (1 + t[i]));
      EXPECT_GE(curves.heat_capacity[i].value, -rounding);
      if (i == 0) continue;
      EXPECT_GE(energy, curves.energy[i - 1].value - rounding);
      EXPECT_GE(entropy, curves.entropy[i - 1].value - rounding);
      EXPECT_LE(free, curves.free_energy[i - 1].value + rounding);
    }
    EXPECT_NEAR(curves.entropy.back().value, 6 * std::numbers::ln2, 1e-3);
  }
}

TEST_F(Laws, singular_values_are_moduli_of_levels_and_their_squares_the_norm) {
  for (int c = 0; c < cases; ++c) {
    const auto h = on_full_space(hermitian(spaces()));
    const auto all = visit_scalar(h.scalar(), [&]<Scalar T>() {
      return svds<T>(world(), make_lazy<T>(h), {.k = SvdsOptions::all}).singular_values;
    });
    auto moduli = levels(h);
    double squares = 0;
    for (double& l : moduli) {
      squares += l * l;
      l = std::abs(l);
    }
    std::sort(moduli.rbegin(), moduli.rend());
    ASSERT_EQ(all.size(), moduli.size());
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_NEAR(all[i], moduli[i], rounding);
    EXPECT_NEAR(squares, static_cast<double>(all.size()) * normalized_trace(h.op * h.op).real(),
                rounding * static_cast<double>(all.size()));
  }
}

}  // namespace
}  // namespace kronsolve
