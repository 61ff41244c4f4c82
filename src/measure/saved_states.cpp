#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include <kronsolve/core/version.hpp>
#include <kronsolve/measure/saved_states.hpp>

namespace kronsolve {

namespace {

using Json = nlohmann::ordered_json;
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

/// Writes observables along a first axis (times, levels), each with axes of its own for lists and
/// matrices: the sites, where they number its entries.
class ObservableWriter {
 public:
  ObservableWriter(Hdf5File& file, std::string first_axis, int sites)
      : file_(file), first_axis_(std::move(first_axis)), sites_(sites) {
    for (const char* axis : {"site", "other_site"}) file_.write_dimension(axis, numbered(sites_));
  }

  void write(const RecordedObservable& measured) {
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
  static std::vector<std::complex<double>> padded(const RecordedObservable& measured, index_t rows,
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

void write_observables(Hdf5File& file, const std::string& first_axis,
                       const ObservablesView& observables) {
  if (observables.all.empty()) return;
  ObservableWriter writer(file, first_axis, observables.sites);
  for (const auto& measured : observables.all) writer.write(measured);
}

/// Vectors into an array of these axes, the last of which is new. Collective.
void write_vectors(const Comm& comm, std::optional<Hdf5File>& file, const std::string& name,
                   const std::vector<std::string>& axes, const VectorsView& vectors) {
  if (vectors.empty()) return;
  std::visit(
      [&]<class T>(const std::vector<std::span<const T>>& columns) {
        comm.agree([&] {
          if (!comm.is_root()) return;
          file->write_dimension(axes.back(), vectors.rows.rows());
          file->create_vectors(name, scalar_kind<T>, axes);
        });
        for (std::size_t j = 0; j < columns.size(); ++j)
          write_distributed<T>(comm, file ? &*file : nullptr, name, static_cast<index_t>(j),
                               vectors.rows, columns[j]);
      },
      vectors.columns);
}

/// Runs begin() on rank 0, vectors(file) on every rank, and ends the file. Collective.
template <class Begin, class Vectors>
void write_file(const Comm& comm, Begin&& begin_file, Vectors&& vectors) {
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

std::string basis_text(const Basis& basis) {
  std::string sector;
  for (const auto& condition : basis.sector())
    sector += detail::concat(sector.empty() ? "" : " ", condition);
  return spaces_text(basis) + (sector.empty() ? ", full space" : ", sector " + sector);
}

std::string describe(const OperatorDescription& described) {
  Json json;
  json["model"] = described.model;
  json["local"] = Json::array();
  for (const auto& space : described.op.spaces()) json["local"].push_back(space.name());
  json["operator"] = described.op.text();
  json["define"] = Json::object();
  for (const auto& [name, matrix] : described.op.definitions()) {
    auto& entries = json["define"][name] = Json::array();
    for (int i = 0; i < matrix.dim(); ++i)
      for (int j = 0; j < matrix.dim(); ++j)
        entries.push_back({matrix(i, j).real(), matrix(i, j).imag()});
  }
  json["sector"] = described.sector;
  json["lattice"] = json_of(described.lattice);
  for (const auto& drive : described.drives)
    json["drives"].push_back({{"function", drive.function.text}, {"operator", drive.op.text()}});
  return json.dump();
}

OperatorDescription parse_description(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    return {json.at("model").get<std::string>(), operator_of(json),
            json.at("sector").get<std::vector<std::string>>(), lattice_of(json.at("lattice"))};
  } catch (const Json::exception& error) {
    throw InvalidArgument(error.what());
  }
}

std::vector<double> numbered(index_t count) {
  std::vector<double> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0.0);
  return numbers;
}

Hdf5File begin_saved_file(const std::string& path, const StateOrigin& origin,
                          const std::string& states) {
  auto file = Hdf5File::create(path);
  file.write_text("layout", "kronsolve 1");
  file.write_text("program", detail::concat("kronsolve ", version()));
  file.write_text("command_line", origin.command_line);
  file.write_text("model", origin.model);
  file.write_text("basis", origin.basis);
  file.write_text("description", origin.description);
  file.write_text("result", origin.result);
  file.write_text("states", states);
  return file;
}

void save_states(const Comm& comm, const std::string& path, const StateOrigin& origin,
                 const PairsView& pairs, const ObservablesView& observables) {
  const auto begin_file = [&] {
    auto file = begin_saved_file(path, origin, pairs.vectors.empty() ? "" : "vectors");
    file.write_dimension("level", numbered(std::ssize(pairs.eigenvalues)));
    file.write<double>("eigenvalues", pairs.eigenvalues, {"level"});
    file.write<double>("residuals", pairs.residuals, {"level"});
    write_observables(file, "level", observables);
    return file;
  };
  write_file(comm, begin_file, [&](auto& file) {
    write_vectors(comm, file, "vectors", {"level", "row"}, pairs.vectors);
  });
}

void save_states(const Comm& comm, const std::string& path, const StateOrigin& origin,
                 const TripletsView& triplets) {
  const auto begin_file = [&] {
    // Of an operator on sites both sets are states of its basis.
    const bool states = !origin.description.empty() && !triplets.right.empty();
    auto file = begin_saved_file(path, origin, states ? "right" : "");
    file.write_dimension("triplet", numbered(std::ssize(triplets.singular_values)));
    file.write<double>("singular_values", triplets.singular_values, {"triplet"});
    file.write<double>("residuals", triplets.residuals, {"triplet"});
    return file;
  };
  write_file(comm, begin_file, [&](auto& file) {
    write_vectors(comm, file, "left", {"triplet", "row"}, triplets.left);
    write_vectors(comm, file, "right", {"triplet", "column"}, triplets.right);
  });
}

void save_states(const Comm& comm, const std::string& path, const StateOrigin& origin,
                 const EvolutionView& evolution, const ObservablesView& observables) {
  const auto begin_file = [&] {
    auto file = begin_saved_file(path, origin, evolution.state.empty() ? "" : "state");
    file.write_dimension("time", evolution.times);
    file.write<double>("energies", evolution.energies, {"time"});
    file.write<double>("norms", evolution.norms, {"time"});
    if (!evolution.log_norms.empty()) file.write<double>("log_norm", evolution.log_norms, {"time"});
    file.write<double>("errors", evolution.errors, {"time"});
    write_observables(file, "time", observables);
    return file;
  };
  write_file(comm, begin_file,
             [&](auto& file) { write_vectors(comm, file, "state", {"row"}, evolution.state); });
}

void save_states(const Comm& comm, const std::string& path, const StateOrigin& origin,
                 const VectorsView& state) {
  write_file(
      comm, [&] { return begin_saved_file(path, origin, "state"); },
      [&](auto& file) { write_vectors(comm, file, "state", {"row"}, state); });
}

}  // namespace kronsolve
