#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <kronsolve/core/number.hpp>
#include <kronsolve/measure/conductivity.hpp>
#include <kronsolve/measure/dynamical_correlations.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/picture.hpp"
#include "cli/progress_line.hpp"
#include "cli/saved_file.hpp"
#include "core/split.hpp"

namespace kronsolve::cli {

namespace {

OpSum operator_of(const OperatorOnSites& problem, std::string text) {
  if (text.starts_with("op:")) text.erase(0, 3);
  try {
    return OpSum::parse(text, problem.op.spaces());
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(detail::concat("--correlation op:", text, ": ", error.what()));
  }
}

bool is_conductivity(const SpectralArguments& asked) {
  return detail::split(asked.correlation, ':').front() == "conductivity";
}

/// Of "conductivity:y"; a chain has one direction.
int direction_of(const OperatorOnSites& problem, const std::string& text) {
  const auto parts = detail::split(text, ':');
  const bool chain = problem.lattice.size().size() == 1;
  const auto direction = parts.size() > 1 ? parts[1] : chain ? "x" : "";
  if (parts.size() > 2 || (direction != "x" && (chain || direction != "y")))
    throw InvalidArgument(detail::concat("--correlation must be conductivity:x",
                                         chain ? "" : " or conductivity:y", ", got '", text, "'"));
  return direction == "x" ? 0 : 1;
}

std::vector<OperatorPair> pairs_of(const OperatorOnSites& problem, const SpectralArguments& asked) {
  const auto& text = asked.correlation;
  if (is_conductivity(asked))
    return conductivity_pairs(
        current_operator(problem.op, problem.lattice, direction_of(problem, text)));
  const bool expressions = text.starts_with("op:");
  const auto parts = detail::split(expressions ? std::string_view(text).substr(3) : text, ',');
  if (expressions && parts.size() == 1) {
    OpSum b = operator_of(problem, parts[0]);
    return {{b.adjoint(), b}};
  }
  if (parts.size() != 2)
    throw InvalidArgument(
        detail::concat("--correlation must be two operators of a site such as Sz,Sz or Cup+,Cup-, "
                       "op:EXPRESSION such as op:Sz 3, or conductivity:x; got '",
                       text, "'"));
  if (expressions) return {{operator_of(problem, parts[0]), operator_of(problem, parts[1])}};
  return plane_waves(problem.op.spaces(), problem.lattice, parts[0], parts[1]);
}

std::string momentum_text(const std::vector<int>& momentum) {
  std::string text;
  for (const int m : momentum) text += (text.empty() ? "" : ",") + std::to_string(m);
  return text;
}

/// Those of the momenta asked for, in the order of the lattice.
std::vector<OperatorPair> chosen(std::vector<OperatorPair> pairs, const OperatorOnSites& problem,
                                 const std::vector<std::string>& momenta) {
  if (momenta.empty()) return pairs;
  const bool cluster = problem.lattice.cluster().has_value();
  std::vector<std::string> wanted;
  for (const auto& text : momenta) {
    std::vector<int> reduced;
    const auto& size = problem.lattice.size();
    for (const auto& part : detail::split(text, ',')) {
      const auto m = read_number<int>(part);
      if (!m || reduced.size() == size.size()) break;
      const int length = size[reduced.size()];
      reduced.push_back(cluster ? *m : (*m % length + length) % length);
    }
    if (cluster && reduced.size() == 2)
      for (const auto& m : problem.lattice.momenta())
        if (problem.lattice.momentum(m).turns ==
            problem.lattice.momentum({reduced[0], reduced[1]}).turns) {
          reduced = {m[0], m[1]};
          break;
        }
    if (reduced.size() != size.size() || momentum_text(reduced).empty() ||
        std::count(text.begin(), text.end(), ',') + 1 != std::ssize(size))
      throw InvalidArgument(detail::concat(
          "--momentum must be ",
          size.size() == 1 ? "a whole number such as 3" : "two whole numbers such as 1,2",
          cluster ? ", of which q.A = 2 pi m1 and q.B = 2 pi m2; got '"
                  : ", m of q = 2 pi m/L; got '",
          text, "'"));
    wanted.push_back(momentum_text(reduced));
  }
  std::erase_if(pairs, [&](const OperatorPair& pair) {
    return std::find(wanted.begin(), wanted.end(), momentum_text(pair.momentum)) == wanted.end();
  });
  return pairs;
}

/// From 0 (or below that, if lines are there) to a little above what holds all but a thousandth of
/// the weight of the lines that do not lie below `from`.
std::vector<double> fitting_energies(std::span<const DynamicalCorrelation> found, double from) {
  constexpr int count = 400;
  std::vector<std::pair<double, double>> lines;
  double all = 0;
  for (const auto& one : found)
    for (std::size_t j = 0; j < one.energies.size(); ++j) {
      if (one.energies[j] < from) continue;
      lines.emplace_back(one.energies[j], std::abs(one.weights[j]));
      all += lines.back().second;
    }
  std::sort(lines.begin(), lines.end());
  double low = 0, high = 1, seen = 0;
  for (const auto& [energy, weight] : lines) {
    if (seen <= 0.999 * all) high = energy;
    seen += weight;
    if (seen > 1e-3 * all && seen - weight <= 1e-3 * all) low = std::min(low, energy);
  }
  high = high > low ? low + 1.1 * (high - low) : low + 1;
  if (low < 0) low -= 0.1 * (high - low);
  std::vector<double> energies;
  for (int i = 0; i < count; ++i) energies.push_back(low + (high - low) * i / (count - 1));
  return energies;
}

Picture picture_of(const SpectralReport& report) {
  const auto& found = report.found.correlations;
  const bool chain = report.problem.lattice.size().size() == 1;
  if (report.curves.size() > 1 && chain && report.asked.momenta.empty()) {
    Picture picture{"m of q = 2 pi m/L", "w", {}};
    picture.map = Map{{}, {}, {}, "S(q,w) of " + report.asked.correlation};
    for (std::size_t p = 0; p < found.size(); ++p)
      for (std::size_t i = 0; i < report.energies.size(); ++i) {
        picture.map->x.push_back(found[p].momentum[0]);
        picture.map->y.push_back(report.energies[i]);
        picture.map->value.push_back(report.curves[p][i]);
      }
    return picture;
  }
  Picture picture{"w", report.conductivity ? "regular sigma(w)" : "S(w)", {}};
  for (std::size_t p = 0; p < report.curves.size(); ++p) {
    const auto name = momentum_text(found[p].momentum);
    picture.series.push_back({name.empty() ? report.asked.correlation : "m = " + name,
                              report.energies, report.curves[p]});
    if (report.found.samples > 0) picture.series.back().error = report.errors[p];
  }
  return picture;
}

}  // namespace

Answer run_spectral(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const OperatorOnSites problem = operator_on_sites(comm, arguments.op);
  problem.require_no_rules("spectral");
  const auto& asked = arguments.spectral;
  const auto pairs = chosen(pairs_of(problem, asked), problem, asked.momenta);
  require_writable(comm, arguments.plot);
  require_writable(comm, arguments.save);
  phases.solve = Clock::now();
  ProgressLine line;
  DynamicalOptions options = asked.options;
  options.ground = arguments.solve;
  options.progress = [&](const char* part, index_t done, index_t all) {
    line.show(part, done, all);
  };
  const auto found = dynamical_correlations(comm, problem.op, problem.lattice, arguments.op.sector,
                                            pairs, options);
  phases.measure = Clock::now();
  std::optional<Conductivity> sigma;
  const auto split = [&](double drude_below) {
    sigma = conductivity(found, problem.op.sites(), drude_below);
  };
  if (is_conductivity(asked)) split(asked.drude_below.value_or(0));
  const auto shown = [&] {
    return sigma ? std::span(&std::as_const(sigma->lines), 1) : std::span(found.correlations);
  };
  const auto energies =
      asked.energies.empty()
          ? fitting_energies(shown(), sigma ? 0 : -std::numeric_limits<double>::infinity())
          : asked.energies;
  const double width = asked.broadening.value_or((energies.back() - energies.front()) / 50);
  // Lines of random vectors are no sharper than what is drawn.
  if (sigma && found.samples > 0 && !asked.drude_below) split(width);
  std::vector<std::vector<double>> curves, errors;
  for (const auto& one : shown()) {
    curves.push_back(broadened(one, energies, width, asked.shape));
    if (found.samples > 0) errors.push_back(broadened_errors(one, energies, width, asked.shape));
  }
  const Cost cost = measure_cost(comm, phases);
  const SpectralReport report{problem, asked, found, sigma,          energies,      curves,
                              errors,  width, cost,  arguments.plot, arguments.save};
  save(comm, arguments.save, origin_of(arguments, problem), report);
  if (!arguments.plot.empty())
    comm.agree([&] {
      if (comm.is_root()) draw(picture_of(report), arguments.plot);
    });
  return make_answer(arguments, report, found.ground.converged ? exit_fine : exit_not_converged);
}

}  // namespace kronsolve::cli
