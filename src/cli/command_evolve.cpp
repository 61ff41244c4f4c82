#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <kronsolve/core/threads.hpp>
#include <kronsolve/measure/evolution_recorder.hpp>
#include <kronsolve/measure/observables.hpp>
#include <kronsolve/operators/states.hpp>
#include <kronsolve/solvers/driven.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "cli/checkpointing.hpp"
#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/problem.hpp"
#include "cli/progress_line.hpp"
#include "cli/report.hpp"
#include "cli/saved_file.hpp"
#include "cli/starting_state.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

/// A start and the product, planned before what is large is made.
struct Beginning {
  EvolutionStart start;
  PlannedEvolution planned;
};
Beginning prepare(const Comm& comm, const Problem& problem, const OperatorArguments& given,
                  const EvolveArguments& asked) {
  const SectorOperator& h = on_sites(problem);
  auto planned =
      prepare_evolution(comm, all_terms(h, problem.drives), starting_scalar(problem, given, asked),
                        asked.options, asked.form);
  return {starting_state(comm, problem, given, asked), std::move(planned)};
}

std::vector<Observable> observables_of(const Comm& comm, const Basis& basis,
                                       const std::optional<Lattice>& lattice,
                                       const std::vector<std::string>& texts) {
  std::vector<Observable> observables;
  for (const auto& text : texts)
    observables.push_back(Observable::parse(comm, text, basis, lattice));
  return observables;
}

/// "time 3.2 of 10  412 products  8.1 s, about 17 s left"
class EvolveProgress {
 public:
  EvolveProgress(double start, double end) : end_(end), time_(start) {}
  void reached(double time) {
    time_ = time;
    if (!first_) first_ = {time, Clock::now()};
  }
  void show(index_t products) {
    line_.show([&] {
      auto text = fmt::format("time {:.6g} of {:.6g}  {}  {}", time_, end_,
                              counted(products, "product"), seconds_text(seconds_since(begin_)));
      if (first_ && time_ > first_->time)
        text += fmt::format(
            ", about {} left",
            seconds_text(seconds_since(first_->at) * (end_ - time_) / (time_ - first_->time)));
      return text;
    });
  }

 private:
  /// From there on it is known how fast it goes: a run that goes on from a checkpoint begins late.
  struct Reached {
    double time;
    Clock::time_point at;
  };
  double end_, time_;
  Clock::time_point begin_ = Clock::now();
  std::optional<Reached> first_;
  ProgressLine line_;
};

EvolutionResult run(const Comm& comm, const Problem& problem, const PlannedEvolution& planned,
                    const EvolveArguments& asked, const EvolutionState& psi,
                    EvolutionRecorder& recorder, Checkpoint* checkpoint) {
  const CheckpointStage stage(checkpoint, "observables",
                              [&](CheckpointWriter& writer) { recorder.write(writer); });
  if (stage.saved() != nullptr) recorder.restore(*stage.saved());
  const auto times = times_of(asked);
  EvolveProgress progress(asked.options.start, asked.options.start + asked.time);
  // `shown`: the map whose products are shown.
  const auto evolve_under = [&](const auto& h, auto& shown) {
    auto options = asked.options;
    options.checkpoint = checkpoint;
    options.knots = abrupt_times(problem.drives, asked.options.start, times.back());
    if (comm.is_root()) {
      shown.on_product([&] { progress.show(shown.products()); });
      options.progress = [&](double time) { progress.reached(time); };
    }
    const auto observe = [&](const EvolutionPoint& point) {
      recorder.record(point);
      progress.reached(point.time);
      comm.agree([&] {
        if (asked.json_lines && comm.is_root())
          print_result(to_json_line(point, asked.options, recorder.recorded()));
      });
      return Continue::yes;
    };
    return std::visit([&](const auto& state) { return evolve(h, state, times, options, observe); },
                      psi);
  };
  return std::visit(
      [&]<Scalar T>(const MapMaker<T>& make_map) {
        if (problem.drives.empty()) {
          const auto map = make_map();
          return evolve_under(*map, *map);
        }
        const auto driven =
            driven_operator<T>(comm, on_sites(problem), problem.drives, planned.plan.form);
        return evolve_under(driven.sum, *driven.maps.back());
      },
      planned.make_map);
}

/// What a drive, or an operator that is not Hermitian, leaves without a meaning.
void require_no_fixed_energy(const Problem& problem, const std::vector<Observable>& observables) {
  if (!problem.hermitian)
    for (const auto& observable : observables)
      if (observable.needs_hamiltonian())
        throw InvalidArgument(
            fmt::format("observable {}: the operator is not Hermitian; op:FILE.toml of it is its "
                        "complex mean, evolve prints the real part",
                        observable.text()));
  if (problem.drives.empty()) return;
  for (const auto& observable : observables)
    if (observable.needs_hamiltonian())
      throw InvalidArgument(
          fmt::format("observable {}: the operator depends on time; its mean at each time is the "
                      "energy that evolve prints",
                      observable.text()));
}

}  // namespace

Answer run_evolve(const Comm& comm, const Arguments& arguments, Clock::time_point start) {
  if (!arguments.evolve.jumps.empty()) return run_open_evolution(comm, arguments, start);
  Phases phases{start};
  const Problem problem =
      hermitian_problem(comm, arguments.op, States::listed, drives_of(arguments.command),
                        non_hermitian_of(arguments.command));
  const SectorOperator& h = on_sites(problem);
  auto observables = observables_of(comm, *h.basis, problem.lattice, arguments.observe);
  require_no_fixed_energy(problem, observables);
  require_writable(comm, arguments.save);
  EvolveArguments asked = arguments.evolve;
  if (!problem.drives.empty() && asked.options.method == EvolutionMethod::automatic)
    asked.options.method = EvolutionMethod::integrate;
  if (!problem.hermitian) {
    const auto method = asked.options.method;
    if (method != EvolutionMethod::automatic && method != EvolutionMethod::integrate)
      throw InvalidArgument(fmt::format(
          "--method {} needs a Hermitian operator, and {} says hermitian = false; leave "
          "it out, or take integrate",
          to_string(method), printable(problem.model)));
    asked.options = for_non_hermitian(comm, h, asked.options, asked.form);
  }
  const auto [begin, planned] = prepare(comm, problem, arguments.op, asked);
  const auto& psi = begin.state;
  asked.options.start = begin.time;
  Checkpointing checkpointing(comm, arguments,
                              [&] { return identity_of(comm, arguments, problem); });
  EvolutionRecorder recorder(comm, h, std::move(observables), psi);
  phases.solve = Clock::now();  // observables are taken on the way
  const EvolutionResult result =
      run(comm, problem, planned, asked, psi, recorder, checkpointing.get());
  phases.measure = Clock::now();
  const Cost cost = measure_cost(comm, phases);
  const EvolveReport report{problem,       asked, planned.plan, result, cost, recorder.recorded(),
                            arguments.save};
  save(comm, arguments.save, origin_of(arguments, problem), report);
  const int status = result.converged ? exit_fine : exit_not_converged;
  if (asked.json_lines) return {.status = status, .text = to_last_json_line(report)};
  return make_answer(arguments, report, status);
}

}  // namespace kronsolve::cli
