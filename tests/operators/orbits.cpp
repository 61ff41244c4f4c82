// Representatives, their stabilisers and phases against the orbits written out element by element,
// for every kind of site and group, with every instruction set, on any number of ranks.

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include <kronsolve/operators/charge_basis.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/symmetry_basis.hpp>

#include "support/instruction_sets.hpp"
#include "support/mpi_test.hpp"
#include "support/orbit_sectors.hpp"

namespace kronsolve {
namespace {

using Complex = std::complex<double>;
using test::world;

/// Where an element takes a configuration, and the sign that reordering creation operators gives.
std::pair<state_t, int> image_of(const SymmetryGroup& group, const SymmetryGroup::Element& element,
                                 const DigitCode& code, state_t state) {
  const bool flips = element.flip == SpinFlip::yes;
  state_t image = 0;
  std::vector<std::pair<int, int>> up, down;  // creation operators as they stand: (spin, site)
  for (int site = 0; site < code.sites(); ++site) {
    const auto& space = group.spaces()[static_cast<std::size_t>(site)];
    const int to = element.image[static_cast<std::size_t>(site)], digit = code.digit(state, site);
    image += static_cast<state_t>(flips ? flipped_digit(space, digit) : digit) * code.stride(to);
    if (!space.is_fermionic()) continue;
    const int turned = flips && space.has_electrons() ? 1 : 0;
    if (digit & 1) up.emplace_back(turned, to);
    if (digit & 2) down.emplace_back(1 - turned, to);
  }
  up.insert(up.end(), down.begin(), down.end());
  int exchanges = 0;
  for (std::size_t i = 0; i < up.size(); ++i)
    for (std::size_t j = i + 1; j < up.size(); ++j) exchanges += up[j] < up[i] ? 1 : 0;
  return {image, exchanges % 2 == 0 ? 1 : -1};
}

/// What the group makes of one configuration.
struct Orbit {
  state_t least = 0;
  int stabiliser = 0;
  Complex phase = 0;
  bool vanishes = false;
  std::map<state_t, Complex> sum;  ///< sum over g of conj(character) U_g |state>
};

Orbit orbit_of(const SymmetryGroup& group, const DigitCode& code, state_t state) {
  Orbit orbit;
  orbit.least = state;
  std::vector<std::pair<state_t, Complex>> images;
  for (const auto& element : group.elements()) {
    const auto [image, sign] = image_of(group, element, code, state);
    images.emplace_back(image, double(sign) * group.phase_value(element.phase));
    orbit.sum[image] += double(sign) * std::conj(group.phase_value(element.phase));
    orbit.least = std::min(orbit.least, image);
  }
  for (const auto& [image, phase] : images) {
    if (image != orbit.least) continue;
    if (orbit.stabiliser++ == 0) orbit.phase = phase;
    orbit.vanishes = orbit.vanishes || std::abs(phase - orbit.phase) > 1e-9;
  }
  return orbit;
}

void expect_orbits(const Sector& sector) {
  std::string text;
  for (const auto& condition : sector.conditions) text += " " + condition;
  SCOPED_TRACE(text);
  const SymmetryGroup group(sector.spaces, sector.generators);
  const DigitCode code(sector.spaces);
  const auto basis = make_basis(world(), sector);
  const Basis& all = basis->configurations();
  std::vector<state_t> representatives;
  for (index_t i = 0; i < all.size(); ++i) {
    const state_t state = all.state(i);
    const Orbit orbit = orbit_of(group, code, state);
    if (orbit.least == state && !orbit.vanishes) representatives.push_back(state);
    const Location location = basis->locate(state);
    const double length = std::sqrt(double(orbit.stabiliser) / group.order());
    const Complex amplitude = orbit.vanishes ? 0.0 : length * std::conj(orbit.phase);
    ASSERT_NEAR(std::abs(location.amplitude - amplitude), 0, 1e-14) << code.text(state);
    ASSERT_EQ(static_cast<state_t>(location.key), orbit.least) << code.text(state);
  }
  ASSERT_EQ(static_cast<index_t>(representatives.size()), basis->size());

  const RowRange range = basis->partition(world().size()).range(world().rank());
  std::vector<state_t> owned(representatives.begin() + range.begin,
                             representatives.begin() + range.end);
  std::vector<state_t> states(owned.size());
  basis->states(range, states);
  EXPECT_EQ(states, owned);
  std::vector<index_t> rows(owned.size());
  basis->indices(owned, rows);
  std::vector<Component> components;
  for (std::size_t i = 0; i < owned.size(); ++i) {
    EXPECT_EQ(rows[i], range.begin + static_cast<index_t>(i));
    EXPECT_EQ(basis->index(owned[i]), rows[i]);
    basis->orbit(rows[i], components);
    std::map<state_t, Complex> sum;
    for (const auto& [state, amplitude] : components) sum[state] += amplitude;
    const Orbit orbit = orbit_of(group, code, owned[i]);
    ASSERT_EQ(sum.size(), orbit.sum.size());
    for (const auto& [state, amplitude] : orbit.sum)
      ASSERT_NEAR(
          std::abs(sum.at(state) - amplitude / std::sqrt(double(orbit.stabiliser) * group.order())),
          0, 1e-14);
  }
}

using test::ring;
using test::sites;

TEST(Orbits, are_those_of_the_elements_one_by_one_with_every_instruction_set) {
  for (const char* set : test::instruction_sets) {
    if (!test::machine_has(set)) continue;
    SCOPED_TRACE(set);
    const test::InstructionSet use(set);
    for (const auto& sector : test::sectors_of_every_kind()) expect_orbits(sector);
  }
}

TEST(Orbits, of_a_translation_that_flips) {
  // Every second element has the flip, the others have not.
  for (const int turns : {0, 3, 4}) {
    auto sector = parse_sector(sites(8), ring(8), {detail::concat("momentum=", turns)});
    sector.generators.front().flip = SpinFlip::yes;
    expect_orbits(sector);
  }
}

TEST(Orbits, of_a_ring_too_long_to_look_at_every_configuration) {
  // 1.4e8 configurations, 1.2e6 orbits: their number is Burnside's, they ascend, and none has an
  // image below it.
  const auto sector =
      parse_sector(sites(30), ring(30), {"sz=0", "momentum=0", "reflection=1", "spinflip=1"});
  const auto basis = make_basis(world(), sector);
  const auto representatives = basis->orbits()->representatives();
  const SymmetryGroup group(sector.spaces, sector.generators);

  EXPECT_EQ(world().all_reduce(static_cast<index_t>(representatives.size())),
            symmetric_dimension(group, sector.charges));
  EXPECT_TRUE(std::is_sorted(representatives.begin(), representatives.end(), std::less_equal<>()));
  const DigitCode code(sector.spaces);
  for (std::size_t i = 0; i < representatives.size(); i += 997)
    EXPECT_EQ(orbit_of(group, code, representatives[i]).least, representatives[i]);
}

}  // namespace
}  // namespace kronsolve
