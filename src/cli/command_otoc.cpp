#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <kronsolve/measure/out_of_time_order.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/json_values.hpp"
#include "cli/picture.hpp"
#include "cli/progress_line.hpp"
#include "cli/saved_file.hpp"
#include "cli/starting_state.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

OpSum operator_of(const OpSum& h, const std::string& option, const std::string& text) {
  try {
    return OpSum::parse(text, h.spaces(), h.definitions());
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(fmt::format("{} '{}': {}", option, printable(text), error.what()));
  }
}

/// V and what each is called.
struct Probes {
  std::vector<std::string> texts;
  std::vector<OpSum> operators;
  /// Of a single --probe that was a name alone: whose sites these are.
  std::optional<std::vector<double>> sites;
};

/// A name alone stands for the operator on each site that has it.
Probes probes_of(const OpSum& h, const std::vector<std::string>& texts) {
  Probes probes;
  for (const auto& text : texts) {
    if (text.find(' ') != text.npos) {
      probes.texts.push_back(text);
      probes.operators.push_back(operator_of(h, "--probe", text));
      continue;
    }
    std::vector<double> sites;
    for (int i = 0; i < h.sites(); ++i) {
      if (!h.definitions().contains(text) && !h.spaces()[static_cast<std::size_t>(i)].find(text))
        continue;
      sites.push_back(i);
      probes.texts.push_back(fmt::format("{} {}", text, i));
      probes.operators.push_back(operator_of(h, "--probe", probes.texts.back()));
    }
    // Nowhere: what parsing says of it names the operators that there are.
    if (sites.empty()) (void)operator_of(h, "--probe", text + " 0");
    if (texts.size() == 1) probes.sites = std::move(sites);
  }
  return probes;
}

struct OtocReport {
  const Problem& problem;
  const Arguments& arguments;
  const Probes& probes;
  const OutOfTimeOrder& found;
  const Cost& cost;
};

bool is_mean(const OtocReport& report) { return report.found.samples > 0; }

double largest_error(const OutOfTimeOrder& found) {
  double most = 0;
  for (const auto& points : found.points)
    for (const auto& point : points) most = std::max(most, point.error);
  return most;
}

Json to_json(const OtocReport& report) {
  const auto& [problem, arguments, probes, found, cost] = report;
  Json json = json_of("otoc", problem, problem.dimension, ScalarKind::complex);
  json["state"] = arguments.evolve.state;
  json["moved"] = arguments.otoc.moved;
  json["probes"] = probes.texts;
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  json["tol"] = arguments.evolve.options.tol;
  json["converged"] = found.converged;
  if (is_mean(report)) {
    json["samples"] = found.samples;
    json["seed"] = arguments.evolve.seed;
  }
  json["products"] = found.products;
  add_cost(json, cost);
  if (!arguments.plot.empty()) json["plot"] = arguments.plot;
  json["times"] = found.times;
  const auto lists = [&](const char* name, auto&& of) {
    auto& all = json[name] = Json::array();
    for (const auto& points : found.points) {
      Json one = Json::array();
      for (const auto& point : points) one.push_back(of(point));
      all.push_back(std::move(one));
    }
  };
  using Point = OutOfTimeOrderPoint;
  lists("correlations", [](const Point& p) {
    return Json{p.correlation.real(), p.correlation.imag()};
  });
  lists("commutators", [](const Point& p) { return p.commutator; });
  lists("errors", [](const Point& p) { return p.error; });
  if (is_mean(report)) {
    lists("correlations_error", [](const Point& p) { return p.correlation_deviation; });
    lists("commutators_error", [](const Point& p) { return p.commutator_deviation; });
  }
  return json;
}

/// A number of every probe at each time, as text prints means.
template <class Value, class Error>
ThermalObservable listed(const OtocReport& report, const std::string& name, ScalarKind scalar,
                         Value value, Error error) {
  const auto& found = report.found;
  ThermalObservable list{name, {}, {}};
  for (std::size_t t = 0; t < found.times.size(); ++t) {
    ObservableValue values;
    values.scalar = scalar;
    values.rows = std::ssize(found.points);
    if (values.rows > 1) values.shape = ObservableValue::Shape::vector;
    values.scale = 0;
    values.axis = "probe";
    ObservableValue errors = values;
    for (const auto& points : found.points) {
      values.values.push_back(value(points[t]));
      // Of real and imaginary part together: no larger in either.
      errors.values.emplace_back(error(points[t]), error(points[t]));
    }
    list.values.push_back(std::move(values));
    if (is_mean(report)) list.errors.push_back(std::move(errors));
  }
  return list;
}

std::string to_text(const OtocReport& report) {
  const auto& [problem, arguments, probes, found, cost] = report;
  using Point = OutOfTimeOrderPoint;
  std::string text = head(problem, problem.dimension, ScalarKind::complex);
  text += fmt::format(
      "W(t) = {} moved by H, V = {}; {}\n\n", printable(arguments.otoc.moved),
      printable(joined(arguments.otoc.probes, ", ")),
      is_mean(report) ? "mean over all states (infinite temperature)" : arguments.evolve.state);
  std::vector<std::string> times;
  for (const double time : found.times) times.push_back(fmt::format("{:.10g}", time));
  Table table;
  table.column("time", times);
  const std::vector<ThermalObservable> both = {
      listed(
          report, "C = <|[W(t),V]|^2>", ScalarKind::real,
          [](const Point& p) { return p.commutator; },
          [](const Point& p) { return p.commutator_deviation; }),
      listed(
          report, "F = <W(t)^+ V^+ W(t) V>", ScalarKind::complex,
          [](const Point& p) { return p.correlation; },
          [](const Point& p) { return p.correlation_deviation; })};
  const std::string lists = add_averages(table, "time", times, both);
  if (lists.empty()) text += table.text();
  // The blank line before the first list is there already.
  text += lists.starts_with("\n") ? lists.substr(1) : lists;
  text += "\n";
  if (!probes.sites && probes.texts.size() > 1)
    for (std::size_t p = 0; p < probes.texts.size(); ++p)
      text += line(fmt::format("V {}", p), printable(probes.texts[p]));
  text += line("converged",
               fmt::format("{} (error of C and F {}, tolerance of a state {:.1e})",
                           found.converged ? "yes" : "NO", residual_text(largest_error(found)),
                           arguments.evolve.options.tol));
  if (is_mean(report))
    text += line("method", fmt::format("{}; standard errors in brackets",
                                       counted(found.samples, "random state")));
  text += line("products", grouped(found.products));
  if (!arguments.plot.empty()) text += line("picture", arguments.plot);
  return text + cost_lines(cost, std::nullopt);
}

/// Colours over sites and times for a probe on every site, else a line for each probe.
Picture picture_of(const OtocReport& report) {
  const auto& found = report.found;
  if (report.probes.sites && report.probes.sites->size() > 1 && found.times.size() > 1) {
    Picture picture{"site of " + report.arguments.otoc.probes.front(), "time", {}};
    picture.map = Map{{}, {}, {}, "C(t) of " + report.arguments.otoc.moved};
    for (std::size_t p = 0; p < found.points.size(); ++p)
      for (std::size_t t = 0; t < found.times.size(); ++t) {
        picture.map->x.push_back((*report.probes.sites)[p]);
        picture.map->y.push_back(found.times[t]);
        picture.map->value.push_back(found.points[p][t].commutator);
      }
    return picture;
  }
  Picture picture{"time", "C(t) of " + report.arguments.otoc.moved, {}};
  for (std::size_t p = 0; p < found.points.size(); ++p) {
    Series series{report.probes.texts[p], found.times, {}};
    for (const auto& point : found.points[p]) {
      series.y.push_back(point.commutator);
      if (is_mean(report)) series.error.push_back(point.commutator_deviation);
    }
    picture.series.push_back(std::move(series));
  }
  return picture;
}

}  // namespace

Answer run_otoc(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  Phases phases{start};
  const Problem problem = hermitian_problem(comm, arguments.op);
  const SectorOperator& h = on_sites(problem);
  const OpSum moved = operator_of(h.op, "--moved", arguments.otoc.moved);
  const Probes probes = probes_of(h.op, arguments.otoc.probes);
  require_writable(comm, arguments.plot);
  EvolveArguments asked = arguments.evolve;
  OutOfTimeOrderOptions options{.steps = asked.options,
                                .form = asked.form,
                                .samples = arguments.otoc.samples,
                                .seed = asked.seed};
  ProgressLine progress;
  options.progress = [&](index_t done, index_t all) {
    progress.show([&] { return fmt::format("{} of {}", grouped(done), grouped(all)); });
  };
  const bool all_states = asked.state == "random";
  std::optional<EvolutionState> psi;
  // Times count from the state, whatever time a file says.
  if (!all_states) psi = starting_state(comm, problem, arguments.op, asked).state;
  const auto times = times_of(asked);
  phases.solve = Clock::now();
  const OutOfTimeOrder found =
      all_states ? mean_out_of_time_order(comm, h, moved, probes.operators, times, options)
                 : out_of_time_order(comm, h, moved, probes.operators, *psi, times, options);
  phases.measure = Clock::now();
  const Cost cost = measure_cost(comm, phases);
  const OtocReport report{problem, arguments, probes, found, cost};
  if (!arguments.plot.empty())
    comm.agree([&] {
      if (comm.is_root()) draw(picture_of(report), arguments.plot);
    });
  const int status = found.converged ? exit_fine : exit_not_converged;
  if (arguments.json) return {status, to_json(report), {}};
  return {status, {}, to_text(report)};
}

}  // namespace kronsolve::cli
