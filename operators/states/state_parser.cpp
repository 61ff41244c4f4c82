// Names of states as the command line and job files take them.
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/operators/states.hpp>

#include "core/counted.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Spaces = std::vector<LocalSpace>;

std::optional<StateDescription> named_state(std::string_view text, const Spaces& spaces,
                                            std::uint64_t seed) {
  if (text == "neel") return neel_state(spaces);
  if (text == "neel-down") return neel_state(spaces, NeelStart::down);
  if (text == "domain-wall") return domain_wall_state(spaces);
  if (text == "plus") return plus_state(spaces);
  if (text == "w") return w_state(spaces);
  if (text == "ghz") return ghz_state(spaces);
  if (text == "singlets") return singlet_pairs(spaces);
  if (text == "bell:phi+") return bell_pairs(spaces, Bell::phi_plus);
  if (text == "bell:phi-") return bell_pairs(spaces, Bell::phi_minus);
  if (text == "bell:psi+") return bell_pairs(spaces, Bell::psi_plus);
  if (text == "bell:psi-") return bell_pairs(spaces, Bell::psi_minus);
  if (text == "random") return random_state(spaces, seed);
  if (text == "up" || text == "down") {
    std::vector<int> digits;
    for (const auto& space : spaces) {
      const auto [up, down] = up_down_digits(space);
      digits.push_back(text == "up" ? up : down);
    }
    return configuration_state(spaces, std::move(digits));
  }
  return std::nullopt;
}

std::vector<std::string_view> site_texts(std::string_view text) {
  std::vector<std::string_view> parts;
  if (text.find(',') == std::string_view::npos) {
    for (std::size_t i = 0; i < text.size(); ++i) parts.push_back(text.substr(i, 1));
    return parts;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, comma - begin));
    begin = comma + 1;
  }
  return parts;
}

std::vector<Complex> unit_spinor(int dim, int digit) {
  std::vector<Complex> spinor(static_cast<std::size_t>(dim), 0.0);
  spinor[static_cast<std::size_t>(digit)] = 1;
  return spinor;
}

/// Amplitudes of one site as written; nothing if the text does not fit the site.
std::optional<std::vector<Complex>> parse_spinor(std::string_view text, const LocalSpace& space) {
  if (text == "u" || text == "d") {
    const auto [up, down] = up_down_digits(space);
    return unit_spinor(space.dim(), text == "u" ? up : down);
  }
  if (text == "+" || text == "-") {
    if (space != LocalSpace()) return std::nullopt;
    const double s = 1 / std::sqrt(2.0);
    return std::vector<Complex>{s, text == "+" ? s : -s};
  }
  const auto digit = read_number<int>(text);
  if (!digit || *digit < 0 || *digit >= space.dim()) return std::nullopt;
  return unit_spinor(space.dim(), *digit);
}

bool is_unit(const std::vector<Complex>& spinor) {
  for (const Complex a : spinor)
    if (a == 1.0) return true;
  return false;
}

}  // namespace

StateDescription parse_state(std::string_view text, const Spaces& spaces, std::uint64_t seed) {
  if (auto state = named_state(text, spaces, seed)) {
    state->name = text;
    return *std::move(state);
  }
  const auto refuse = [&](const std::string& why) {
    return InvalidArgument(detail::concat("state '", text, "': ", why,
                                          "; a state is neel, neel-down, domain-wall, up, down, "
                                          "plus, w, ghz, singlets, bell:phi+ (phi-, psi+, "
                                          "psi-), random, or a digit, u, d, + or - for each site"));
  };
  const auto parts = site_texts(text);
  if (parts.size() != spaces.size())
    throw refuse(detail::concat("it is no name of a state and has ", parts.size(), " letters for ",
                                detail::counted(spaces.size(), "site")));
  std::vector<std::vector<Complex>> spinors;
  bool one_configuration = true;
  std::vector<int> digits;
  for (std::size_t site = 0; site < parts.size(); ++site) {
    auto spinor = parse_spinor(parts[site], spaces[site]);
    if (!spinor)
      throw refuse(detail::concat("'", parts[site], "' is no state of site ", site, " (",
                                  spaces[site].name(), ")"));
    one_configuration = one_configuration && is_unit(*spinor);
    for (std::size_t digit = 0; digit < spinor->size(); ++digit)
      if ((*spinor)[digit] == 1.0) digits.push_back(static_cast<int>(digit));
    spinors.push_back(*std::move(spinor));
  }
  auto state = one_configuration ? configuration_state(spaces, std::move(digits))
                                 : product_state(spaces, std::move(spinors));
  state.name = text;
  return state;
}

}  // namespace kronsolve
