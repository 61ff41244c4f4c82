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
#include "measure/spectral_lines.hpp"
#include "measure/thermal_correlations.hpp"
#include "measure/wave_grid.hpp"

namespace kronsolve {

namespace {

using Complex = std::complex<double>;
using detail::Conditions;

constexpr index_t default_steps = 200;

// ---- one part of one correlation ----------------------------------------------------------------

/// B|psi> of ground states of one sector in the sector it leads to.
struct Excitation {
  std::size_t pair = 0;    ///< whose
  std::size_t states = 0;  ///< place in GroundLevel::states
  detail::Transition by;
};

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
    std::set<Conditions> sectors;
    for (const auto& states : result_.ground.states) sectors.insert(states.conditions);
    partner_ = detail::conjugate_partners(h_, lattice_, pairs_, sectors);
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
  void plan(std::size_t p) {
    for (std::size_t s = 0; s < result_.ground.states.size(); ++s) {
      const auto sector = parse_sector(h_.spaces(), lattice_, result_.ground.states[s].conditions);
      for (auto& by : detail::transitions(pairs_[p], sector)) {
        const Conditions to = by.to;
        targets_[to].push_back({p, s, std::move(by)});
      }
    }
  }

  void excite(const Conditions& conditions, const std::vector<Excitation>& excitations) {
    const Sector sector = parse_sector(h_.spaces(), lattice_, conditions);
    if (!detail::has_states(sector)) return;
    const SectorOperator op = in_sector(comm_, h_, sector);
    const bool real = op.op.is_real() && op.basis->scalar() == ScalarKind::real &&
                      std::all_of(excitations.begin(), excitations.end(), [&](const Excitation& e) {
                        return e.by.b.is_real() && e.by.a_adjoint.is_real() &&
                               std::holds_alternative<DistributedVectors<double>>(
                                   result_.ground.states[e.states].vectors);
                      });
    if (real)
      excite_as<double>(op, excitations);
    else
      excite_as<Complex>(op, excitations);
  }

  template <Scalar T>
  void excite_as(const SectorOperator& op, const std::vector<Excitation>& excitations) {
    const auto map = make_operator_map<T>(comm_, op, options_.form);
    for (const auto& e : excitations) {
      const auto& states = result_.ground.states[e.states];
      auto& found = result_.correlations[e.pair];
      found.dimension = std::max(found.dimension, op.basis->size());
      const auto& [to, b_part, a_adjoint, same] = e.by;
      const OpSum change = h_ * b_part - b_part * h_;
      for (index_t column = 0; column < states.count(); ++column) {
        const auto psi = as_scalar<T>(states, column);
        const auto state = std::as_const(psi).column(0);
        const auto apply = [&](const OpSum& x) {
          return apply_operator<T>(comm_, x, *states.basis, state, *op.basis);
        };
        const auto b = apply(b_part);
        const auto a = same ? DistributedVectors<T>() : apply(a_adjoint);
        if (!vanishes<T>(b_part, b.column(0)))
          add(e.pair, *map, same ? b.column(0) : a.column(0), b.column(0), same);
        const auto changed = apply(change);
        found.first_moment +=
            vec::dot<T>(comm_, same ? b.column(0) : a.column(0), changed.column(0));
        found.total +=
            expectation(StateView<T>(comm_, *states.basis, state), a_adjoint.adjoint() * b_part);
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
    const SpectralFunctionOptions options{.steps =
                                              options_.steps > 0 ? options_.steps : default_steps};
    if (same)
      parts.push_back({1, spectral_function<T>(map, b, options)});
    else
      parts = cross_spectral_function<T>(map, a, b, options).parts;
    for (const auto& part : parts) {
      const auto& f = part.function;
      result_.correlations[pair].products += f.products;
      for (std::size_t j = 0; j < f.poles.size(); ++j)
        lines_[pair].push_back({f.poles[j] - result_.ground.energy, part.factor * f.weights[j]});
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
      detail::set_lines(found, std::move(lines_[p]), copies, std::abs(result_.ground.energy));
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
  std::vector<std::vector<detail::Line>> lines_;           ///< of each pair
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

DynamicalCorrelations dynamical_correlations(const Comm& comm, const OpSum& h,
                                             const Lattice& lattice,
                                             const std::vector<std::string>& conditions,
                                             std::span<const OperatorPair> pairs,
                                             const DynamicalOptions& options) {
  for (const auto& pair : pairs)
    if (pair.a.spaces() != h.spaces() || pair.b.spaces() != h.spaces())
      throw DimensionError("dynamical_correlations: the operators must be about the sites of h");
  if (options.temperature)
    return detail::thermal_correlations(comm, h, lattice, conditions, pairs, options);
  DynamicalCorrelations result;
  const auto tell = [&](index_t done, index_t all) {
    if (options.progress) options.progress("ground state: sector", done, all);
  };
  result.ground =
      ground_level(comm, h, lattice, detail::definite_conditions(h, lattice, conditions, pairs),
                   options.ground, tell);
  Calculation(comm, h, lattice, pairs, options, result).run();
  return result;
}

}  // namespace kronsolve
