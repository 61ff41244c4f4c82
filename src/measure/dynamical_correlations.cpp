#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/measure/expectation.hpp>
#include <kronsolve/operators/sector_scan.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/vector_operations.hpp>
#include <kronsolve/solvers/operator_map.hpp>
#include <kronsolve/solvers/spectral_function.hpp>

#include "measure/excitation.hpp"
#include "measure/wave_grid.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using Conditions = std::vector<std::string>;

// ---- which sectors ------------------------------------------------------------------------------

bool is_charge(const std::vector<LocalSpace>& spaces, const std::string& name) {
  return Charge::parse(spaces, name + "=0").has_value();
}

/// The conditions of the ground state: those given, and every charge and momentum left open, as far
/// as all the operators have a definite momentum.
Conditions ground_conditions(const OpSum& h, const Lattice& lattice, const Conditions& given,
                             std::span<const OperatorPair> pairs) {
  const auto name_of = [](const std::string& c) { return c.substr(0, c.find('=')); };
  for (const auto& condition : given)
    if (const auto name = name_of(condition);
        !name.starts_with("momentum") && !is_charge(h.spaces(), name))
      throw InvalidArgument(detail::concat(
          "sector ", condition,
          ": the operators of a correlation lead out of it; give charges and momenta only"));
  Conditions result;
  for (const auto& condition : all_sectors(h, lattice, given)) {
    const auto name = name_of(condition);
    if (is_charge(h.spaces(), name)) {
      result.push_back(condition);
      continue;
    }
    if (!name.starts_with("momentum")) continue;
    const bool asked = std::find(given.begin(), given.end(), condition) != given.end();
    const bool plane = name == "momentum" && lattice.size().size() == 2;
    const auto translations =
        parse_sector(h.spaces(), lattice, {name + (plane ? "=0,0" : "=0")}).generators;
    const bool kept = std::all_of(pairs.begin(), pairs.end(), [&](const OperatorPair& pair) {
      return std::all_of(translations.begin(), translations.end(), [&](const auto& translation) {
        return detail::momentum_change(pair.b, translation).has_value();
      });
    });
    if (kept)
      result.push_back(condition);
    else if (asked)
      throw InvalidArgument(detail::concat("sector ", condition,
                                           ": the operators of the correlation have no momentum; "
                                           "leave the sector out, or take plane waves"));
  }
  return result;
}

// ---- one part of one correlation ----------------------------------------------------------------

/// B|psi> of one ground state in the sector it leads to, and A^+|psi> where that is another vector.
struct Excitation {
  std::size_t pair = 0;    ///< whose
  std::size_t states = 0;  ///< place in GroundLevel::states
  OpSum b, a_adjoint;
  bool same = false;  ///< a_adjoint = b
};

/// Lines of equal energy are one line, at 0 where it is the ground state's.
void add_line(std::map<double, Complex>& lines, double energy, Complex weight, double scale) {
  constexpr double same_level = 1e-10;
  if (std::abs(energy) <= same_level * scale) energy = 0;
  const auto near = lines.lower_bound(energy - same_level * scale);
  if (near != lines.end() && near->first <= energy + same_level * scale)
    near->second += weight;
  else
    lines.emplace(energy, weight);
}

template <Scalar T>
DistributedVectors<T> as_scalar(const GroundStates& states, index_t column) {
  return std::visit(
      [&](const auto& x) {
        DistributedVectors<T> copy(x.partition(), x.rank(), 1);
        const auto from = x.column(column);
        const auto to = copy.column(0);
        for (std::size_t i = 0; i < to.size(); ++i) {
          if constexpr (is_complex<T>)
            to[i] = Complex(from[i]);
          else
            to[i] = real_part(from[i]);
        }
        return copy;
      },
      states.vectors);
}

class Calculation {
 public:
  Calculation(const Comm& comm, const OpSum& h, const Lattice& lattice,
              std::span<const OperatorPair> pairs, const DynamicalOptions& options,
              DynamicalCorrelations& result)
      : comm_(comm), h_(h), lattice_(lattice), pairs_(pairs), options_(options), result_(result) {
    result_.correlations.resize(pairs.size());
    lines_.resize(pairs.size());
  }

  void run() {
    find_partners();
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      result_.correlations[p].momentum = pairs_[p].momentum;
      if (partner_[p] == p) plan(p);
    }
    index_t done = 0;
    for (const auto& [conditions, excitations] : targets_) {
      if (options_.progress && comm_.is_root())
        options_.progress("sector", done, std::ssize(targets_));
      excite(conditions, excitations);
      ++done;
    }
    finish();
  }

 private:
  /// Complex conjugation maps a real problem at q on that at -q.
  void find_partners() {
    std::set<std::vector<std::string>> sectors;
    for (const auto& states : result_.ground.states) sectors.insert(states.conditions);
    const bool closed = std::all_of(sectors.begin(), sectors.end(), [&](const Conditions& c) {
      return sectors.contains(conjugate(c));
    });
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      partner_.push_back(p);
      if (!closed || !h_.is_real() || pairs_[p].momentum.empty()) continue;
      for (std::size_t other = 0; other < p; ++other)
        if (partner_[other] == other && conjugate_of(pairs_[other], pairs_[p])) partner_[p] = other;
    }
  }

  Conditions conjugate(const Conditions& conditions) const {
    Conditions result;
    const auto sector = parse_sector(h_.spaces(), lattice_, conditions);
    for (const auto& charge : sector.charges) result.push_back(charge.text());
    for (const auto& g : sector.generators)
      result.push_back(detail::concat(g.name.substr(0, g.name.find('=')), "=", g.turns % g.of));
    return parse_sector(h_.spaces(), lattice_, result).conditions;
  }

  static bool conjugate_of(const OperatorPair& one, const OperatorPair& other) {
    const auto conjugated = [](const OpSum& x, const OpSum& y) {
      if (x.terms().size() != y.terms().size()) return false;
      OpSum sum(x.spaces());
      for (const auto& term : x.terms()) sum.add(std::conj(term.coefficient), term.factors);
      // The named operators are real but for Sy, Y and My.
      for (const auto& term : x.terms())
        for (const auto& f : term.factors)
          if (f.op == "Sy" || f.op == "Y" || f.op == "My") return false;
      return equal(sum, y);
    };
    if (!one.b.definitions().empty() || !one.a.definitions().empty()) return false;
    return conjugated(one.a, other.a) && conjugated(one.b, other.b);
  }

  void plan(std::size_t p) {
    const auto& pair = pairs_[p];
    const OpSum a_adjoint = pair.a.adjoint();
    const bool same = equal(a_adjoint, pair.b);
    for (std::size_t s = 0; s < result_.ground.states.size(); ++s) {
      const auto sector = parse_sector(h_.spaces(), lattice_, result_.ground.states[s].conditions);
      auto of_a = detail::by_charge_shift(a_adjoint, sector.charges);
      for (auto& [shifts, part] : detail::by_charge_shift(pair.b, sector.charges)) {
        const auto to = detail::led_to(sector, shifts, part);
        const auto other = of_a.find(shifts);
        if (!to || other == of_a.end()) continue;  // <A B> = 0 there
        targets_[*to].push_back({p, s, part, other->second, same});
      }
    }
  }

  void excite(const Conditions& conditions, const std::vector<Excitation>& excitations) {
    const Sector sector = parse_sector(h_.spaces(), lattice_, conditions);
    const index_t size = is_there(sector) ? sector_size(sector) : 0;
    if (size == 0) return;
    const SectorOperator op = in_sector(comm_, h_, sector);
    const bool real = op.op.is_real() && op.basis->scalar() == ScalarKind::real &&
                      std::all_of(excitations.begin(), excitations.end(), [&](const Excitation& e) {
                        return e.b.is_real() && e.a_adjoint.is_real() &&
                               std::holds_alternative<DistributedVectors<double>>(
                                   result_.ground.states[e.states].vectors);
                      });
    if (real)
      excite_as<double>(op, excitations);
    else
      excite_as<Complex>(op, excitations);
  }

  /// A charge may be beyond what the sites can hold.
  static bool is_there(const Sector& sector) {
    try {
      (void)sector_size(sector);
      return true;
    } catch (const InvalidArgument&) {
      return false;
    }
  }

  template <Scalar T>
  void excite_as(const SectorOperator& op, const std::vector<Excitation>& excitations) {
    const auto map = make_operator_map<T>(comm_, op, options_.form);
    for (const auto& e : excitations) {
      const auto& states = result_.ground.states[e.states];
      auto& found = result_.correlations[e.pair];
      found.dimension = std::max(found.dimension, op.basis->size());
      const OpSum change = h_ * e.b - e.b * h_;
      for (index_t column = 0; column < states.count(); ++column) {
        const auto psi = as_scalar<T>(states, column);
        const auto state = std::as_const(psi).column(0);
        const auto apply = [&](const OpSum& x) {
          return apply_operator<T>(comm_, x, *states.basis, state, *op.basis);
        };
        const auto b = apply(e.b);
        const auto a = e.same ? DistributedVectors<T>() : apply(e.a_adjoint);
        if (!vanishes<T>(e.b, b.column(0)))
          add(e.pair, *map, e.same ? b.column(0) : a.column(0), b.column(0), e.same);
        const auto changed = apply(change);
        found.first_moment +=
            vec::dot<T>(comm_, e.same ? b.column(0) : a.column(0), changed.column(0));
        found.total +=
            expectation(StateView<T>(comm_, *states.basis, state), e.a_adjoint.adjoint() * e.b);
      }
    }
  }

  /// B|psi> is the rounding of its terms, which cancel: a conserved total, say.
  template <Scalar T>
  bool vanishes(const OpSum& op, std::span<const T> image) const {
    constexpr double rounding = 1e-13;
    double scale = 0;
    for (const auto& term : op.terms()) scale += std::abs(term.coefficient);
    return vec::norm<T>(comm_, image) <= rounding * scale;
  }

  template <Scalar T>
  void add(std::size_t pair, const LinearMap<T>& map, std::span<const T> a, std::span<const T> b,
           bool same) {
    std::vector<CrossSpectralFunction::Part> parts;
    const SpectralFunctionOptions options{.steps = options_.steps};
    if (same)
      parts.push_back({1, spectral_function<T>(map, b, options)});
    else
      parts = cross_spectral_function<T>(map, a, b, options).parts;
    for (const auto& part : parts) {
      const auto& f = part.function;
      result_.correlations[pair].products += f.products;
      for (std::size_t j = 0; j < f.poles.size(); ++j)
        add_line(lines_[pair], f.poles[j] - result_.ground.energy, part.factor * f.weights[j],
                 std::abs(result_.ground.energy) + std::abs(f.poles[j]));
    }
  }

  void finish() {
    const double copies = static_cast<double>(result_.ground.degeneracy());
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      auto& found = result_.correlations[p];
      if (partner_[p] != p) {
        const auto momentum = found.momentum;
        found = result_.correlations[partner_[p]];
        found.momentum = momentum;
        found.products = 0;
        continue;
      }
      for (const auto& [energy, weight] : lines_[p]) {
        found.energies.push_back(energy);
        found.weights.push_back(weight / copies);
      }
      found.total /= copies;
      found.first_moment /= copies;
      found.total_error = std::abs(found.moment(0) - found.total);
      found.first_moment_error = std::abs(found.moment(1) - found.first_moment);
      result_.products += found.products;
    }
  }

  const Comm& comm_;
  const OpSum& h_;
  const Lattice& lattice_;
  std::span<const OperatorPair> pairs_;
  const DynamicalOptions& options_;
  DynamicalCorrelations& result_;
  std::map<Conditions, std::vector<Excitation>> targets_;  ///< by the sector they lead to
  std::vector<std::map<double, Complex>> lines_;           ///< of each pair
  std::vector<std::size_t> partner_;  ///< the pair whose answer serves; itself: none
};

}  // namespace

std::vector<OperatorPair> plane_waves(const std::vector<LocalSpace>& spaces, const Lattice& lattice,
                                      const std::string& a, const std::string& b) {
  if (lattice.size().empty())
    throw InvalidArgument("plane waves need a chain or a lattice; a graph has no momenta");
  const auto [size, positions] = detail::wave_grid(lattice);
  const int lx = size[0], ly = size.size() > 1 ? size[1] : 1;
  const double norm = 1 / std::sqrt(static_cast<double>(spaces.size()));
  const auto wave = [&, &positions = positions](const std::string& name, int mx, int my,
                                                double sign) {
    OpSum sum(spaces);
    for (int i = 0; i < std::ssize(spaces); ++i) {
      if (!spaces[static_cast<std::size_t>(i)].find(name)) continue;
      const auto& r = positions[static_cast<std::size_t>(i)];
      const double turns = mx * r[0] / lx + my * r[1] / ly;
      sum.add(std::polar(norm, sign * 2 * std::numbers::pi * turns), {{name, i}});
    }
    if (sum.terms().empty())
      throw InvalidArgument(unknown_name("operator", name, spaces.front().operator_names()));
    return sum;
  };
  std::vector<OperatorPair> pairs;
  for (int mx = 0; mx < lx; ++mx)
    for (int my = 0; my < ly; ++my) {
      pairs.push_back({wave(a, mx, my, 1), wave(b, mx, my, -1), {mx}});
      if (size.size() > 1) pairs.back().momentum.push_back(my);
    }
  return pairs;
}

Complex DynamicalCorrelation::moment(int power) const {
  Complex sum = 0;
  for (std::size_t j = 0; j < energies.size(); ++j)
    sum += weights[j] * std::pow(energies[j], power);
  return sum;
}

std::vector<double> broadened(const DynamicalCorrelation& lines, std::span<const double> energies,
                              double width, LineShape shape) {
  if (!(width > 0) || !std::isfinite(width))
    throw InvalidArgument(detail::concat("broadening must be a positive number, got ", width));
  std::vector<double> values(energies.size());
  const double pi = std::numbers::pi;
  for (std::size_t i = 0; i < values.size(); ++i)
    for (std::size_t j = 0; j < lines.energies.size(); ++j) {
      const double x = (energies[i] - lines.energies[j]) / width;
      const double line = shape == LineShape::lorentzian
                              ? 1 / (pi * width * (1 + x * x))
                              : std::exp(-x * x / 2) / (width * std::sqrt(2 * pi));
      values[i] += lines.weights[j].real() * line;
    }
  return values;
}

DynamicalCorrelations dynamical_correlations(const Comm& comm, const OpSum& h,
                                             const Lattice& lattice,
                                             const std::vector<std::string>& conditions,
                                             std::span<const OperatorPair> pairs,
                                             const DynamicalOptions& options) {
  for (const auto& pair : pairs)
    if (pair.a.spaces() != h.spaces() || pair.b.spaces() != h.spaces())
      throw DimensionError("dynamical_correlations: the operators must be about the sites of h");
  DynamicalCorrelations result;
  const auto tell = [&](index_t done, index_t all) {
    if (options.progress) options.progress("ground state: sector", done, all);
  };
  result.ground = ground_level(comm, h, lattice, ground_conditions(h, lattice, conditions, pairs),
                               options.ground, tell);
  Calculation(comm, h, lattice, pairs, options, result).run();
  return result;
}

}  // namespace kronsolve
