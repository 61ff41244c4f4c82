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

using Shape = ObservableValue::Shape;

/// Equal neighbours counted: "20 spin-1/2".
std::string spaces_text(const Basis& basis) {
  std::string text;
  const auto& spaces = basis.spaces();
  for (std::size_t first = 0, next = 0; first < spaces.size(); first = next) {
    while (next < spaces.size() && spaces[next] == spaces[first]) ++next;
    text += detail::concat(text.empty() ? "" : ", ", next - first, " ", spaces[first].name());
  }
  return text;
}

/// What says in which basis a state is.
std::string basis_text(const Basis& basis) {
  const auto sector = joined(basis.sector());
  return spaces_text(basis) + (sector.empty() ? ", full space" : ", sector " + sector);
}

// ---- descriptions of operators ---------------------------------------------------------------

Json json_of(const Lattice& lattice) {
  Json json;
  json["sites"] = lattice.sites();
  json["name"] = lattice.name();
  json["size"] = lattice.size();
  const bool x = lattice.is_cyclic(0), y = lattice.is_cyclic(1);
  json["cyclic"] = x && (y || lattice.size().size() < 2) ? "all" : x ? "x" : y ? "y" : "none";
  if (lattice.size().empty()) {
    json["edges"] = Json::array();
    for (const auto& bond : lattice.bonds())
      json["edges"].push_back({bond.a, bond.b, bond.kind, bond.weight});
    return json;
  }
  json["layers"] = lattice.layers();
  if (lattice.cluster()) json["cluster"] = *lattice.cluster();
  return json;
}

Lattice lattice_of(const Json& json) {
  const auto size = json.at("size").get<std::vector<int>>();
  if (size.empty()) {
    std::vector<Bond> edges;
    for (const auto& edge : json.at("edges")) {  // two numbers in older files
      edges.push_back({edge.at(0).get<int>(), edge.at(1).get<int>()});
      if (edge.size() < 4) continue;
      edges.back().kind = edge.at(2).get<int>();
      edges.back().weight = edge.at(3).get<double>();
    }
    return Lattice::from_edges(json.at("sites").get<int>(), edges);
  }
  const auto name = json.at("name").get<std::string>();
  const auto cyclic = json.at("cyclic").get<std::string>();
  const auto closed = cyclic == "all" ? Cyclic::all
                      : cyclic == "x" ? Cyclic::x
                      : cyclic == "y" ? Cyclic::y
                                      : Cyclic::none;
  const auto one_layer = json.contains("cluster")
                             ? Lattice::make_cluster(name, json.at("cluster").get<ClusterVectors>())
                             : Lattice::make(name, size, closed);
  const int layers = json.value("layers", 1);
  if (layers < 1 || layers > 16) throw InvalidArgument("a place has 1 to 16 layers");
  return layers == 1 ? one_layer : one_layer.with_layers(layers);
}

std::string description_of(const std::string& model, const OpSum& op,
                           const std::vector<std::string>& sector, const Lattice& lattice,
                           const std::vector<Drive>& drives) {
  Json json;
  json["model"] = model;
  json["local"] = Json::array();
  for (const auto& space : op.spaces()) json["local"].push_back(space.name());
  json["operator"] = op.text();
  json["define"] = Json::object();
  for (const auto& [name, matrix] : op.definitions()) {
    auto& entries = json["define"][name] = Json::array();
    for (int i = 0; i < matrix.dim(); ++i)
      for (int j = 0; j < matrix.dim(); ++j)
        entries.push_back({matrix(i, j).real(), matrix(i, j).imag()});
  }
  json["sector"] = sector;
  json["lattice"] = json_of(lattice);
  for (const auto& drive : drives)
    json["drives"].push_back({{"function", drive.function.text}, {"operator", drive.op.text()}});
  return json.dump();
}

OpSum operator_of(const Json& json) {
  std::vector<LocalSpace> spaces;
  for (const auto& name : json.at("local"))
    spaces.push_back(LocalSpace::parse(name.get<std::string>()));
  std::map<std::string, LocalMatrix> definitions;
  for (const auto& [name, entries] : json.at("define").items()) {
    std::vector<std::complex<double>> values;
    for (const auto& entry : entries)
      values.emplace_back(entry.at(0).get<double>(), entry.at(1).get<double>());
    const int dim = static_cast<int>(std::lround(std::sqrt(values.size())));
    definitions.emplace(name, LocalMatrix(dim, std::move(values)));
  }
  return OpSum::parse(json.at("operator").get<std::string>(), std::move(spaces), definitions);
}

// ---- writing ---------------------------------------------------------------------------------

std::vector<double> numbered(index_t count) {
  std::vector<double> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

/// Writes observables along a first axis (times, levels), each with axes of its own for lists and
/// matrices: the sites, where they number its entries.
class ObservableWriter {
 public:
  ObservableWriter(Hdf5File& file, std::string first_axis, int sites)
      : file_(file), first_axis_(std::move(first_axis)), sites_(sites) {
    for (const char* axis : {"site", "other_site"}) file_.write_dimension(axis, numbered(sites_));
  }

  void write(const Measured& measured) {
    std::string name = measured.text;
    std::replace(name.begin(), name.end(), '/', '|');  // which would lead into a group
    index_t rows = 0, cols = 0;
    bool real = true;
    for (const auto& value : measured.values) {
      rows = std::max(rows, value.rows);
      cols = std::max(cols, value.cols);
      real = real && value.scalar == ScalarKind::real;
    }
    std::vector<std::string> axes = {first_axis_};
    const auto& first = measured.values.front();
    if (first.shape != Shape::number) axes.push_back(axis(name, "site", rows, first.axis));
    if (first.shape == Shape::matrix) axes.push_back(axis(name, "other_site", cols, first.axis));
    const auto all = padded(measured, rows, cols);
    if (!real) return file_.write<std::complex<double>>(name, all, axes);
    std::vector<double> parts;
    for (const auto& z : all) parts.push_back(z.real());
    file_.write<double>(name, parts, axes);
  }

 private:
  /// @param numbers  what numbers the entries; empty: the sites, if there are as many
  std::string axis(const std::string& name, const std::string& of_sites, index_t length,
                   const std::string& numbers) {
    if (numbers.empty() && length == sites_) return of_sites;
    const auto own =
        name + (of_sites == "site" ? " " : " other ") + (numbers.empty() ? "entry" : numbers);
    file_.write_dimension(own, length);
    return own;
  }
  /// Values below each other; lists may differ in length (Schmidt values), NaN fills them up.
  static std::vector<std::complex<double>> padded(const Measured& measured, index_t rows,
                                                  index_t cols) {
    std::vector<std::complex<double>> all;
    for (const auto& value : measured.values) {
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j)
          all.push_back(i < value.rows && j < value.cols
                            ? value.values[static_cast<std::size_t>(i * value.cols + j)]
                            : std::numeric_limits<double>::quiet_NaN());
    }
    return all;
  }

  Hdf5File& file_;
  std::string first_axis_;
  index_t sites_;
};

void write_observables(Hdf5File& file, const std::string& first_axis, const Problem& problem,
                       const std::vector<Measured>& observables) {
  if (observables.empty()) return;
  ObservableWriter writer(file, first_axis, *problem.sites);
  for (const auto& measured : observables) writer.write(measured);
}

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

/// @param states  the array that holds states, if there is one
Hdf5File begin(const std::string& path, const Origin& origin, Json printed,
               const std::string& states) {
  auto file = Hdf5File::create(path);
  file.write_text("layout", "kronsolve 1");
  file.write_text("program", detail::concat("kronsolve ", version()));
  file.write_text("command_line", origin.command_line);
  file.write_text("model", origin.model);
  file.write_text("basis", origin.basis);
  file.write_text("description", origin.description);
  file.write_text("result", facts_of(std::move(printed)));
  file.write_text("states", states);
  return file;
}

/// Vectors into an array of these axes, the last of which is new. Collective.
template <Scalar T>
void write_vectors(const Comm& comm, std::optional<Hdf5File>& file, const std::string& name,
                   const std::vector<std::string>& axes, const DistributedVectors<T>& vectors) {
  if (vectors.count() == 0) return;
  const auto& rows = vectors.partition();
  comm.agree([&] {
    if (!comm.is_root()) return;
    file->write_dimension(axes.back(), rows.rows());
    file->create_vectors(name, scalar_kind<T>, axes);
  });
  for (index_t j = 0; j < vectors.count(); ++j)
    write_distributed<T>(comm, file ? &*file : nullptr, name, j, rows, vectors.column(j));
}

bool vectors_of(const EighResult& result) {
  return std::visit([](const auto& vectors) { return vectors.count() > 0; }, result.vectors);
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

/// Runs fill(file) on rank 0, vectors(file) on every rank, and ends the file. Collective.
template <class Begin, class Vectors>
void write_file(const Comm& comm, const std::string& path, Begin&& begin_file, Vectors&& vectors) {
  if (path.empty()) return;
  std::optional<Hdf5File> file;
  comm.agree([&] {
    if (comm.is_root()) file.emplace(begin_file());
  });
  vectors(file);
  comm.agree([&] {
    if (comm.is_root()) file->close();
  });
}

}  // namespace

Origin origin_of(const Arguments& arguments, const Problem& problem) {
  const auto* h = std::get_if<SectorOperator>(&problem.op);
  if (h == nullptr)
    return {arguments.command_line, problem.title,
            detail::concat("matrix of ", detail::counted(problem.dimension, "row")), ""};
  return {arguments.command_line, problem.title, basis_text(*h->basis),
          description_of(problem.model, h->op, problem.sector, *problem.lattice, problem.drives)};
}

Origin origin_of(const Arguments& arguments, const OperatorOnSites& problem) {
  return {arguments.command_line, problem.title, "",
          description_of(problem.model, problem.op, arguments.op.sector, problem.lattice, {})};
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

void save(const Comm& comm, const std::string& path, const Origin& origin,
          const EvolveReport& report) {
  const auto begin_file = [&] {
    const auto& result = report.result;
    auto file = begin(path, origin, to_json(report), "state");
    file.write_dimension("time", result.times);
    file.write<double>("energies", result.energies, {"time"});
    file.write<double>("norms", result.norms, {"time"});
    if (!result.log_norms.empty()) file.write<double>("log_norm", result.log_norms, {"time"});
    file.write<double>("errors", result.errors, {"time"});
    write_observables(file, "time", report.problem, report.observables);
    return file;
  };
  write_file(comm, path, begin_file, [&](auto& file) {
    std::visit([&](const auto& state) { write_vectors(comm, file, "state", {"row"}, state); },
               report.result.state);
  });
}

void save(const Comm& comm, const std::string& path, const Origin& origin,
          const EighReport& report) {
  const auto begin_file = [&] {
    const auto& result = report.result;
    auto file = begin(path, origin, to_json(report), vectors_of(report.result) ? "vectors" : "");
    file.write_dimension("level", numbered(static_cast<index_t>(result.eigenvalues.size())));
    file.write<double>("eigenvalues", result.eigenvalues, {"level"});
    file.write<double>("residuals", result.residuals, {"level"});
    write_observables(file, "level", report.problem, report.observables);
    return file;
  };
  write_file(comm, path, begin_file, [&](auto& file) {
    std::visit(
        [&](const auto& all) {
          write_vectors(comm, file, "vectors", {"level", "row"}, all);
        },
        report.result.vectors);
  });
}

template <Scalar T>
void save(const Comm& comm, const std::string& path, const Origin& origin,
          const SvdsResult<T>& result, const Json& json) {
  const auto begin_file = [&] {
    // Of an operator on sites both sets are states of its basis.
    const bool states = !origin.description.empty() && result.right.count() > 0;
    auto file = begin(path, origin, json, states ? "right" : "");
    file.write_dimension("triplet", numbered(static_cast<index_t>(result.singular_values.size())));
    file.write<double>("singular_values", result.singular_values, {"triplet"});
    file.write<double>("residuals", result.residuals, {"triplet"});
    return file;
  };
  write_file(comm, path, begin_file, [&](auto& file) {
    write_vectors(comm, file, "left", {"triplet", "row"}, result.left);
    write_vectors(comm, file, "right", {"triplet", "column"}, result.right);
  });
}

void save(const Comm& comm, const std::string& path, const Origin& origin,
          const SpectralReport& report) {
  write_file(
      comm, path,
      [&] {
        auto file = begin(path, origin, to_json(report), "");
        write_correlations(file, report);
        return file;
      },
      [](auto&) {});
}

#define KRONSOLVE_INSTANTIATE(T)                                                           \
  template void save(const Comm&, const std::string&, const Origin&, const SvdsResult<T>&, \
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
    const Json json = Json::parse(opened.description);
    OpSum op = operator_of(json);
    const Lattice lattice = lattice_of(json.at("lattice"));
    const auto conditions = json.at("sector").get<std::vector<std::string>>();
    const Sector sector = parse_sector(op.spaces(), lattice, conditions);
    if (sector_size(sector) != opened.rows)  // before any is listed
      throw InvalidArgument(detail::concat("it has ", sector_size(sector),
                                           " states, the vectors have ",
                                           detail::counted(opened.rows, "row")));
    if (const auto term = op.non_hermitian_part())
      throw InvalidArgument(detail::concat("not Hermitian: ", *term));
    const int sites = op.sites();
    SectorOperator h = in_sector(comm, std::move(op), sector);
    return {json.at("model").get<std::string>(),
            opened.model,
            sites,
            conditions,
            h.dimension(),
            h.scalar(),
            lattice,
            std::move(h),
            {}};
  } catch (const InvalidArgument& error) {  // the same on every rank
    throw refusal(error.what());
  } catch (const Json::exception& error) {
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
  const Json now = Json::parse(description_of("", h.op, {}, *problem.lattice, problem.drives));
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
