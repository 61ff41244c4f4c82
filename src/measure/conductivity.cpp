#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <span>

#include <kronsolve/core/error.hpp>
#include <kronsolve/measure/conductivity.hpp>
#include <kronsolve/operators/algebra.hpp>

#include "measure/excitation.hpp"
#include "measure/spectral_lines.hpp"
#include "solvers/spectra/jackknife.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;

/// The charge that flows, and how much of it a digit of each site is.
struct Flowing {
  std::string name;
  std::vector<std::vector<int>> values;
  double unit = 1;  ///< of the values
};

Flowing flowing_charge(const OpSum& h) {
  const auto has_particles =
      std::any_of(h.spaces().begin(), h.spaces().end(),
                  [](const LocalSpace& space) { return space.find("N").has_value(); });
  const std::string name = has_particles ? "n" : "sz";
  const auto conserved = conserved_charges(h);
  if (std::find(conserved.begin(), conserved.end(), name) == conserved.end())
    throw InvalidArgument(detail::concat("conductivity: the operator does not conserve ",
                                         has_particles ? "particles" : "Sz",
                                         ", so there is no current of them"));
  return {name, Charge::parse(h.spaces(), name + "=0")->rule.values, has_particles ? 1.0 : 0.5};
}

/// What a term adds to the charge of each site; the same for all parts of the term.
std::vector<int> shifts_of(const OpSum& one, const Flowing& charge) {
  const CanonicalForm& form = one.canonical_form();
  std::vector<int> shifts(charge.values.size());
  if (form.terms.empty()) return shifts;
  for (const auto& factor : form.terms.front().factors) {
    const auto& element = form[factor];
    if (element.is_diagonal()) continue;
    const auto site = static_cast<std::size_t>(factor.site);
    shifts[site] = charge.values[site][static_cast<std::size_t>(element.row)] -
                   charge.values[site][static_cast<std::size_t>(element.col)];
  }
  return shifts;
}

/// Positions along one direction, and the shortest way between them.
class Places {
 public:
  Places(const Lattice& lattice, int direction) {
    if (lattice.size().empty() || lattice.cluster())
      throw InvalidArgument(
          "conductivity: a current needs a direction; graphs and tilted clusters have none");
    if (direction < 0 || direction >= std::ssize(lattice.size()))
      throw InvalidArgument(detail::concat(
          "conductivity: the lattice has ",
          lattice.size().size() == 1 ? "one direction, x" : "the directions x and y"));
    for (int i = 0; i < lattice.sites(); ++i)
      at_.push_back(lattice.position(i)[static_cast<std::size_t>(direction)]);
    if (lattice.is_cyclic(direction)) length_ = lattice.size()[static_cast<std::size_t>(direction)];
  }

  /// By how much a term with these shifts moves charge.
  /// @throws InvalidArgument  it reaches over half of the way round
  double moved(const std::vector<int>& shifts, double unit, const OpTerm& term) const {
    double sum = 0, low = 0, high = 0;
    const auto first = static_cast<std::size_t>(
        std::find_if(shifts.begin(), shifts.end(), [](int s) { return s != 0; }) - shifts.begin());
    for (std::size_t i = first; i < shifts.size(); ++i) {
      if (shifts[i] == 0) continue;
      double way = at_[i] - at_[first];
      if (length_ > 0) way -= length_ * std::round(way / length_);
      low = std::min(low, way);
      high = std::max(high, way);
      sum += unit * shifts[i] * way;
    }
    if (length_ > 0 && 2 * (high - low) > length_ - 1e-9)
      throw InvalidArgument(detail::concat(
          "conductivity: the term ", to_string(term),
          " reaches over half of the lattice, so that its direction is open; take a longer one"));
    return sum;
  }

 private:
  std::vector<double> at_;
  double length_ = 0;  ///< of the way round; 0: open
};

/// What makes S of the current sigma: 1/w, and at a temperature what is left of it when the lines at
/// -w, which take away, are written as those at w by detailed balance.
double factor(double w, const std::optional<double>& temperature) {
  return (temperature ? std::tanh(w / (2 * *temperature)) : 1) / w;
}

/// What lines of the current and <K> come to; with random vectors, of all of them or of all but one.
struct Sums {
  double kinetic = 0, regular = 0;  ///< of a site
  std::vector<detail::Line> lines;
  double drude_weight() const { return -kinetic / 2 - regular / std::numbers::pi; }
};

Sums sums(double kinetic, const std::vector<double>& energies, std::span<const Complex> weights,
          const std::optional<double>& temperature, double drude_below, int sites) {
  Sums result{kinetic / sites, 0, {}};
  for (std::size_t j = 0; j < energies.size(); ++j) {
    const double w = energies[j];
    if (w == 0 || std::abs(w) < drude_below) continue;
    const double weight = std::numbers::pi / sites * factor(w, temperature) * weights[j].real();
    result.regular += weight;
    result.lines.push_back({w, weight});
    result.lines.push_back({-w, weight});
  }
  return result;
}

}  // namespace

CurrentOperator current_operator(const OpSum& h, const Lattice& lattice, int direction) {
  const Flowing charge = flowing_charge(h);
  const Places places(lattice, direction);
  OpSum empty(h.spaces());
  const OpSum moving = simplify(detail::unmixed(h));
  for (const auto& [name, matrix] : moving.definitions()) empty.define(name, matrix);
  CurrentOperator result{charge.name, empty, empty};
  for (const auto& term : moving.terms()) {
    OpSum one = empty;
    one.add(1, term.factors);
    const double d = places.moved(shifts_of(one, charge), charge.unit, term);
    if (d == 0) continue;
    result.current.add(Complex(0, -d) * term.coefficient, term.factors);
    result.kinetic.add(d * d * term.coefficient, term.factors);
  }
  if (result.current.terms().empty())
    throw InvalidArgument("conductivity: no term moves charge in this direction");
  return result;
}

std::vector<OperatorPair> conductivity_pairs(const CurrentOperator& of) {
  OpSum identity(of.current.spaces());
  identity.add(1, {});
  const OpSum turned = Complex(0, -1) * of.current;
  return {{turned.adjoint(), turned}, {of.kinetic, identity}};
}

Conductivity conductivity(const DynamicalCorrelations& found, int sites, double drude_below) {
  if (!(drude_below >= 0) || !std::isfinite(drude_below))
    throw InvalidArgument(detail::concat(
        "conductivity: drude_below must be an energy of 0 or more, got ", drude_below));
  const auto& currents = found.correlations.front();
  const auto& kinetic = found.correlations.at(1);
  const auto sums_of = [&](double k, std::span<const Complex> weights) {
    return sums(k, currents.energies, weights, found.temperature, drude_below, sites);
  };
  const Sums all = sums_of(kinetic.total.real(), currents.weights);
  Conductivity result;
  result.drude_below = drude_below;
  detail::set_lines(result.lines, all.lines, 1, 0);
  std::vector<double> kinetics, regulars, drude_weights;
  for (std::size_t r = 0; r < currents.leaving_out.size(); ++r) {
    const auto& ks = kinetic.leaving_out[r];
    const Sums without =
        sums_of(std::accumulate(ks.begin(), ks.end(), Complex(0)).real(), currents.leaving_out[r]);
    kinetics.push_back(without.kinetic);
    regulars.push_back(without.regular);
    drude_weights.push_back(without.drude_weight());
    DynamicalCorrelation lines;
    detail::set_lines(lines, without.lines, 1, 0);
    result.lines.leaving_out.push_back(std::move(lines.weights));
  }
  result.kinetic = {all.kinetic, detail::jackknife_error(kinetics)};
  result.regular = {all.regular, detail::jackknife_error(regulars)};
  result.drude_weight = {all.drude_weight(), detail::jackknife_error(drude_weights)};
  return result;
}

}  // namespace kronsolve
