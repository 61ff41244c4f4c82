#include "cli/saved_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/operators/sectors.hpp>
#include <kronsolve/operators/states.hpp>

#include "cli/json_values.hpp"
#include "cli/text.hpp"
#include "core/counted.hpp"

namespace kronsolve::cli {

namespace {

/// The object that is printed, without what stands in arrays and what another run would not have.
std::string facts_of(Json facts) {
  for (const char* key :
       {"seconds", "peak_rss_bytes", "peak_rss_rank_bytes", "memory_estimate_bytes", "observables"})
    facts.erase(key);
  for (auto fact = facts.begin(); fact != facts.end();) {
    const bool numbers = fact->is_array() && !fact->empty() && fact->front().is_number_float();
    fact = numbers ? facts.erase(fact) : std::next(fact);
  }
  return facts.dump();
}

/// Curves along the energies, and the lines of each correlation, filled up with NaN.
void write_correlations(Hdf5File& file, const SpectralReport& report) {
  const std::span<const DynamicalCorrelation> found =
      report.conductivity ? std::span(&report.conductivity->lines, 1)
                          : std::span(report.found.correlations);
  std::size_t most = 0;
  for (const auto& one : found) most = std::max(most, one.energies.size());
  const auto of_correlations = static_cast<index_t>(found.size());
  file.write_dimension("correlation", numbered(of_correlations));
  file.write_dimension("energy", report.energies);
  file.write_dimension("line", numbered(static_cast<index_t>(most)));
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> curves, energies, momenta;
  std::vector<std::complex<double>> weights;
  for (std::size_t p = 0; p < found.size(); ++p) {
    curves.insert(curves.end(), report.curves[p].begin(), report.curves[p].end());
    energies.insert(energies.end(), found[p].energies.begin(), found[p].energies.end());
    weights.insert(weights.end(), found[p].weights.begin(), found[p].weights.end());
    energies.resize((p + 1) * most, nothing);
    weights.resize((p + 1) * most, nothing);
    momenta.insert(momenta.end(), found[p].momentum.begin(), found[p].momentum.end());
  }
  file.write<double>("spectrum", curves, {"correlation", "energy"});
  std::vector<double> errors;
  for (const auto& one : report.errors) errors.insert(errors.end(), one.begin(), one.end());
  if (!errors.empty()) file.write<double>("spectrum_error", errors, {"correlation", "energy"});
  if (most > 0) {
    file.write<double>("line_energies", energies, {"correlation", "line"});
    file.write<std::complex<double>>("line_weights", weights, {"correlation", "line"});
  }
  if (momenta.empty()) return;
  file.write_dimension("direction", numbered(std::ssize(momenta) / of_correlations));
  file.write<double>("momentum", momenta, {"correlation", "direction"});
}

/// The origin of what is printed.
StateOrigin with_result(StateOrigin origin, Json printed) {
  origin.result = facts_of(std::move(printed));
  return origin;
}

ObservablesView on_sites(const Problem& problem, const std::vector<Measured>& observables) {
  return {problem.sites.value_or(0), observables};
}

}  // namespace

StateOrigin origin_of(const Arguments& arguments, const Problem& problem) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr)
    return {arguments.command_line, problem.title,
            detail::concat("matrix of ", detail::counted(problem.dimension, "row")), ""};
  return {arguments.command_line, problem.title, basis_text(*h->basis),
          describe({problem.model, h->op, problem.sector, *problem.lattice, problem.drives})};
}

StateOrigin origin_of(const Arguments& arguments, const OperatorOnSites& problem) {
  return {arguments.command_line, problem.title, "",
          describe({problem.model, problem.op, arguments.op.sector, problem.lattice})};
}

void require_writable(const Comm& comm, const std::string& path) {
  comm.agree([&] {
    if (path.empty() || !comm.is_root()) return;
    if (path.ends_with(".h5"))
      (void)Hdf5File::create(path);  // the library may be missing as well
    else
      (void)OutputFile(path);
  });
}

void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const EvolveReport& report) {
  if (path.empty()) return;
  const auto& r = report.result;
  const auto state = std::visit([](const auto& v) { return view_of(v); }, r.state);
  save_states(comm, path, with_result(origin, to_json(report)),
              EvolutionView{r.times, r.energies, r.norms, r.log_norms, r.errors, state},
              on_sites(report.problem, report.observables));
}

void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const EighReport& report) {
  if (path.empty()) return;
  const auto& r = report.result;
  const auto vectors = std::visit([](const auto& v) { return view_of(v); }, r.vectors);
  save_states(comm, path, with_result(origin, to_json(report)),
              PairsView{r.eigenvalues, r.residuals, vectors},
              on_sites(report.problem, report.observables));
}

template <Scalar T>
void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const SvdsResult<T>& r, const Json& json) {
  if (path.empty()) return;
  save_states(comm, path, with_result(origin, json),
              TripletsView{r.singular_values, r.residuals, view_of(r.left), view_of(r.right)});
}

void save(const Comm& comm, const std::string& path, const StateOrigin& origin,
          const SpectralReport& report) {
  if (path.empty()) return;
  comm.agree([&] {
    if (!comm.is_root()) return;
    auto file = begin_saved_file(path, with_result(origin, to_json(report)), "");
    write_correlations(file, report);
    file.close();
  });
}

#define KRONSOLVE_INSTANTIATE(T)                                                                \
  template void save(const Comm&, const std::string&, const StateOrigin&, const SvdsResult<T>&, \
                     const Json&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

// ---- reading ---------------------------------------------------------------------------------

namespace {

/// A text of a file for a message.
std::string shortened(std::string text) {
  constexpr std::size_t most = 200;
  if (text.size() > most) text = text.substr(0, most) + "...";
  return text;
}

/// The states of a file as rank 0 has found them; the same on every rank, but for the file.
struct Opened {
  std::optional<Hdf5File> file;
  std::string name;  ///< of the array
  ScalarKind scalar = ScalarKind::real;
  index_t rows = 0, first = 0, count = 0;  ///< the states asked for
  std::string basis, description, model, result;
};

Opened open_states(const Comm& comm, const StateFile& asked) {
  Opened opened;
  std::array<index_t, 4> numbers{};
  comm.agree([&] {
    if (!comm.is_root()) return;
    opened.file.emplace(Hdf5File::open(asked.path));
    const auto& file = *opened.file;
    if (const auto layout = file.text("layout"); layout != "kronsolve 1")
      throw InvalidArgument(detail::concat("'", asked.path, "' has the layout '", shortened(layout),
                                           "', this version reads 'kronsolve 1'"));
    opened.name = file.text("states");
    if (opened.name.empty())
      throw InvalidArgument(detail::concat("'", asked.path, "' holds no states"));
    opened.basis = file.text("basis");
    opened.description = file.text("description");
    opened.model = file.text("model");
    opened.result = file.text("result");
    const auto vector = file.vector(opened.name);
    if (asked.position && *asked.position >= vector.count)
      throw InvalidArgument(
          detail::concat("state '", asked.path, ":", *asked.position, "': the file has ",
                         detail::counted(vector.count, "state"), ", counted from 0"));
    numbers = {vector.scalar == ScalarKind::complex ? 1 : 0, vector.rows,
               asked.position.value_or(0), asked.position ? 1 : vector.count};
  });
  comm.broadcast(std::span<index_t>(numbers));
  for (auto* text :
       {&opened.name, &opened.basis, &opened.description, &opened.model, &opened.result})
    *text = comm.broadcast(std::move(*text));
  opened.scalar = numbers[0] != 0 ? ScalarKind::complex : ScalarKind::real;
  opened.rows = numbers[1];
  opened.first = numbers[2];
  opened.count = numbers[3];
  return opened;
}

/// The problem that a text of description_of says. Collective.
Problem problem_of(const Comm& comm, const std::string& path, const Opened& opened) {
  const auto refusal = [&](const char* why) {
    return InvalidArgument(detail::concat(
        "'", path, "': its description of the operator cannot be used: ", shortened(why)));
  };
  try {
    auto [model, op, conditions, lattice, drives] = parse_description(opened.description);
    const Sector sector = parse_sector(op.spaces(), lattice, conditions);
    if (sector_size(sector) != opened.rows)  // before any is listed
      throw InvalidArgument(detail::concat("it has ", sector_size(sector),
                                           " states, the vectors have ",
                                           detail::counted(opened.rows, "row")));
    if (const auto term = op.non_hermitian_part())
      throw InvalidArgument(detail::concat("not Hermitian: ", *term));
    const int sites = op.sites();
    SectorOperator h = in_sector(comm, std::move(op), sector);
    return {std::move(model),      opened.model,  sites,
            std::move(conditions), h.dimension(), h.scalar(),
            std::move(lattice),    std::move(h),  {}};
  } catch (const InvalidArgument& error) {  // the same on every rank
    throw refusal(error.what());
  }
}

/// `count` states from the first on. Collective.
EvolutionState read_columns(const Comm& comm, const StateFile& asked, const Opened& opened,
                            index_t count, const Basis& basis) {
  if (const auto here = basis_text(basis); opened.basis != here || opened.rows != basis.size())
    throw InvalidArgument(detail::concat(
        "state '", asked.path, "': it is one of ", shortened(opened.basis), " with ", opened.rows,
        " amplitudes, needed is one of ", here, " with ", basis.size()));
  return visit_scalar(opened.scalar, [&]<Scalar T>() -> EvolutionState {
    const auto rows = basis.partition(comm.size());
    DistributedVectors<T> states(rows, comm.rank(), count);
    for (index_t j = 0; j < count; ++j) {
      read_distributed<T>(comm, opened.file ? &*opened.file : nullptr, opened.name,
                          opened.first + j, rows, states.column(j));
      constexpr double far = 1e-3;  // above what the tolerances of an evolution leave
      const double norm = normalize<T>(comm, states.column(j));
      if (!(std::abs(norm - 1) < far))
        throw InvalidArgument(
            detail::concat("state '", asked.path, "': its norm is ", norm, ", not 1"));
    }
    return states;
  });
}

/// What tells the operator of a file from that of the problem; nothing if they are the same.
std::optional<std::string> difference(const Opened& there, const Problem& problem) {
  const Json none = Json::object();
  const Json old = Json::parse(there.description, nullptr, false);
  const auto& h = std::get<SectorOperator>(problem.op);
  const Json now = Json::parse(describe({"", h.op, {}, *problem.lattice, problem.drives}));
  const auto same = [&](const char* key) {
    return old.is_object() && old.value(key, none) == now.value(key, none);
  };
  if (same("operator") && same("define") && same("local") && same("drives")) return {};
  if (there.model != problem.title)
    return fmt::format("its operator is {}, this one {}", shortened(there.model), problem.title);
  const Json result = Json::parse(there.result, nullptr, false);
  const Json given = result.is_object() ? result.value("parameters", none) : none;
  for (const auto& [name, value] : problem.parameters)
    if (const Json before = given.is_object() ? given.value(name, Json()) : Json(); before != value)
      return fmt::format("{} is {} there and {} here", name,
                         before.is_string() ? shortened(before.get<std::string>()) : "not given",
                         value);
  return same("drives") ? "its operator has other terms" : "its [[drive]] is another one";
}

/// The last time of a file along this axis; 0 for what is no evolution.
double time_of(const Opened& opened, TimeAxis axis) {
  const Json result = Json::parse(opened.result, nullptr, false);
  if (!result.is_object() || result.value("imaginary", Json()) != (axis == TimeAxis::imaginary))
    return 0;
  const Json end = result.value("end_time", Json());
  return end.is_number() && std::isfinite(end.get<double>()) ? end.get<double>() : 0;
}

}  // namespace

std::optional<StateFile> parse_state_file(const std::string& text) {
  if (text.ends_with(".h5")) return StateFile{text, std::nullopt};
  const auto colon = text.rfind(".h5:");
  if (colon == text.npos) return std::nullopt;
  index_t position = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 4, last, position);
  if (error != std::errc() || end != last || position < 0)
    throw InvalidArgument(
        detail::concat("state '", text, "': after FILE.h5: comes the number of a state, from 0"));
  return StateFile{text.substr(0, colon + 3), position};
}

EvolutionState read_state(const Comm& comm, const StateFile& file, const Basis& basis) {
  return read_columns(comm, file, open_states(comm, file), 1, basis);
}

EvolutionStart read_start(const Comm& comm, const StateFile& file, const Problem& problem,
                          TimeAxis axis, bool quench) {
  const Opened opened = open_states(comm, file);
  const auto& basis = *std::get<SectorOperator>(problem.op).basis;
  EvolutionStart start{read_columns(comm, file, opened, 1, basis)};
  if (quench) return start;
  if (const auto differs = difference(opened, problem))
    throw InvalidArgument(
        detail::concat("state '", file.path, "': ", *differs, "; --quench if that is meant"));
  start.time = time_of(opened, axis);
  return start;
}

SavedStates read_states(const Comm& comm, const StateFile& file) {
  const Opened opened = open_states(comm, file);
  if (opened.description.empty())
    throw InvalidArgument(
        detail::concat("'", file.path, "' holds vectors of a matrix; observables need sites"));
  SavedStates saved{problem_of(comm, file.path, opened), opened.first, {}};
  const auto& basis = *std::get<SectorOperator>(saved.problem.op).basis;
  saved.states = read_columns(comm, file, opened, opened.count, basis);
  return saved;
}

}  // namespace kronsolve::cli
