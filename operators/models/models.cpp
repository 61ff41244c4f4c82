#include <algorithm>
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/algebra.hpp>
#include <kronsolve/operators/models.hpp>

#include "core/counted.hpp"
#include "operators/models/model_formulas.hpp"

namespace kronsolve {

namespace {

std::optional<double> to_double(std::string_view text) {
  const auto value = read_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

/// The lattice that was asked for, in places; checked against what the model has.
class LatticeChoice {
 public:
  LatticeChoice(const ModelInfo& info, int layers, const ModelOptions& options)
      : info_(info), layers_(layers), options_(options) {}

  Lattice make() const {
    const std::string name = name_of();
    if (name != "edges" && !options_.edges.empty())
      fail("edges are of the lattice 'edges', not of '", name, "'");
    if (options_.sites < 0 || (options_.sites == 0 && options_.size.empty() && !options_.cluster &&
                               options_.edges.empty()))
      fail("sites must be at least 1, got ", options_.sites,
           is_line(name) || name == "edges" ? "" : "; the lattice needs a size LXxLY");
    Lattice lattice = options_.cluster ? cluster(name) : name == "edges" ? graph() : sized(name);
    if (layers_ > 1) lattice = lattice.with_layers(layers_);
    if (options_.sites != 0 && options_.sites != lattice.sites())
      fail("a ", name, " lattice of that size has ", detail::counted(lattice.sites(), "site"),
           ", not ", options_.sites, "; give one of the two");
    return lattice;
  }

 private:
  template <class... Parts>
  [[noreturn]] void fail(const Parts&... parts) const {
    throw InvalidArgument(detail::concat("model ", info_.name, ": ", parts...));
  }

  static bool is_line(std::string_view name) {
    return name == "chain" || name == "star" || name == "complete";
  }

  std::string name_of() const {
    const auto& lattices = info_.lattices;
    if (!options_.lattice.empty()) {
      if (std::find(lattices.begin(), lattices.end(), options_.lattice) == lattices.end())
        fail(unknown_name("lattice", options_.lattice, lattices));
      return options_.lattice;
    }
    const bool area = options_.size.size() == 2 || options_.cluster;
    return area && is_line(lattices.front()) && lattices.size() > 1 ? lattices[1]
                                                                    : lattices.front();
  }

  /// Places that `sites` asks for.
  int places() const {
    if (options_.sites % layers_ != 0)
      fail("a place has ", detail::counted(layers_, "site"), " (", info_.local,
           "); sites must be a multiple of ", layers_, ", got ", options_.sites);
    return options_.sites / layers_;
  }

  Lattice cluster(const std::string& name) const {
    if (!options_.size.empty() ||
        (options_.cyclic != Cyclic::none && options_.cyclic != Cyclic::all))
      fail("a cluster says its size and closes all directions; leave out size and cyclic");
    return Lattice::make_cluster(name, *options_.cluster);
  }

  Lattice graph() const {
    if (!options_.size.empty() || options_.cyclic != Cyclic::none)
      fail("a lattice given by its edges has neither size nor cyclic directions");
    int sites = places();
    if (sites == 0)
      for (const Bond& edge : options_.edges) sites = std::max({sites, edge.a + 1, edge.b + 1});
    return Lattice::from_edges(sites, options_.edges);
  }

  Lattice sized(const std::string& name) const {
    std::vector<int> size = options_.size;
    if (size.empty()) {
      if (!is_line(name)) fail("the ", name, " lattice needs a size LXxLY, such as 4x4");
      size = {places()};
    }
    // The couplings of this model close the ring whatever is asked.
    const Cyclic cyclic = info_.name == "haldane-shastry" ? Cyclic::x : options_.cyclic;
    return Lattice::make(name, size, cyclic);
  }

  const ModelInfo& info_;
  int layers_;
  const ModelOptions& options_;
};

LocalSpace choose_space(const ModelInfo& info, const ModelOptions& options) {
  if (info.local.find(',') != std::string::npos) {  // the formula has them
    if (!options.spin.empty())
      throw InvalidArgument(detail::concat("model ", info.name, ": its sites are ", info.local,
                                           "; the spin cannot be chosen, got ", options.spin));
    return {};
  }
  if (info.local != "spin-S") {
    const LocalSpace space = LocalSpace::parse(info.local);
    const bool is_spin = space.kind() == LocalSpace::Kind::spin;
    if (!options.spin.empty() &&
        (!is_spin || parse_twice_half_integer(options.spin, "spin") != space.twice_spin()))
      throw InvalidArgument(detail::concat("model ", info.name, ": its sites are ", info.local,
                                           "; the spin cannot be chosen, got ", options.spin));
    return space;
  }
  const int twice = options.spin.empty() ? 1 : parse_twice_half_integer(options.spin, "spin");
  if (twice < 1)
    throw InvalidArgument(detail::concat("spin must be 1/2, 1, 3/2, ..., got ", options.spin));
  return LocalSpace::spin(twice);
}

}  // namespace

double parse_number(const std::string& text, const std::string& what) {
  const auto slash = text.find('/');
  const auto value = to_double(std::string_view(text).substr(0, slash));
  if (value && slash == std::string::npos) return *value;
  if (value) {
    const auto divisor = to_double(std::string_view(text).substr(slash + 1));
    if (divisor && *divisor != 0 && std::isfinite(*value / *divisor)) return *value / *divisor;
  }
  throw InvalidArgument(detail::concat(what, " must be a finite number, got '", text, "'"));
}

int parse_twice_half_integer(const std::string& text, const std::string& what) {
  double twice = std::nan("");
  try {
    twice = 2 * parse_number(text, what);
  } catch (const InvalidArgument&) {
  }
  if (!(twice == std::round(twice)) || std::abs(twice) > 1e6)
    throw InvalidArgument(detail::concat(
        what, " must be a multiple of 1/2, such as 1/2, 1 or 3/2, got '", text, "'"));
  return static_cast<int>(twice);
}

namespace detail {

ModelArguments::ModelArguments(const ModelInfo& info, int layers, const ModelOptions& options)
    : info_(info),
      given_(options.params),
      lattice_(LatticeChoice(info, layers, options).make()),
      space_(choose_space(info, options)) {
  read_parameters(options);
  if (has("twist")) read_twist();
}

void ModelArguments::read_twist() {
  const bool line = lattice_.size().size() == 1;
  const auto angles = list("twist");
  if (angles.size() > (line ? 1u : 2u))
    throw InvalidArgument(concat(where("twist"), " must be one angle",
                                 line ? "" : ", or two (along x and y)", ", got ", angles.size()));
  std::copy(angles.begin(), angles.end(), twist_.begin());
  for (int d = 0; d < 2; ++d) {
    if (twist_[static_cast<std::size_t>(d)] == 0) continue;
    // Shorter rings have no bond of their own around them.
    const int shortest = lattice_.sites_per_cell() == lattice_.layers() ? 3 : 2;
    if (!lattice_.cluster() &&
        (!lattice_.is_cyclic(d) || lattice_.size()[static_cast<std::size_t>(d)] < shortest))
      throw InvalidArgument(concat(where("twist"), ": no bond of this lattice goes round along ",
                                   d == 0 ? "x" : "y", "; close it (cyclic), ", shortest,
                                   " cells or longer"));
  }
}

void ModelArguments::read_parameters(const ModelOptions& options) {
  std::vector<std::string> known;
  for (const auto& p : info_.parameters) known.push_back(p.name);
  for (const auto& [name, value] : options.params)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw InvalidArgument(
          concat("model ", info_.name, ": ", unknown_name("parameter", name, known)));
  for (const auto& p : info_.parameters)
    if (!p.default_value.empty()) values_[p.name] = p.default_value;
  for (const auto& p : info_.parameters) {
    const auto value = options.params.find(p.name);
    if (value == options.params.end()) continue;
    if (p.stands_for.empty()) values_[p.name] = value->second.text();
    for (const auto& target : p.stands_for) {
      written_as_[target] = p.name;
      if (options.params.contains(target))
        throw InvalidArgument(concat("model ", info_.name, ": '", target,
                                     "' is given twice, by itself and by '", p.name,
                                     "'; give one of them"));
      values_[target] = value->second.text();
    }
  }
}

std::string ModelArguments::where(const std::string& parameter) const {
  const auto written = written_as_.find(parameter);
  return concat("model ", info_.name, ": parameter ",
                written == written_as_.end() ? parameter : written->second);
}

const std::string& ModelArguments::text(const std::string& name) const {
  const auto value = values_.find(name);
  KRONSOLVE_ASSERT(value != values_.end());
  return value->second;
}

double ModelArguments::number(const std::string& name) const {
  return parse_number(text(name), where(name));
}

long ModelArguments::integer(const std::string& name, long least, long most) const {
  const std::string& value = text(name);
  const auto result = read_number<long>(value);
  if (!result || *result < least || *result > most)
    throw InvalidArgument(concat(where(name), " must be an integer from ", least, " to ", most,
                                 ", got '", value, "'"));
  return *result;
}

std::vector<double> ModelArguments::list(const std::string& name) const {
  std::vector<double> result;
  const std::string& all = text(name);
  for (std::size_t at = 0; at <= all.size();) {
    const std::size_t comma = std::min(all.find(',', at), all.size());
    result.push_back(parse_number(all.substr(at, comma - at), where(name)));
    at = comma + 1;
  }
  return result;
}

std::vector<double> ModelArguments::numbers(const std::string& name, int count) const {
  auto result = list(name);
  if (static_cast<int>(result.size()) != count)
    throw InvalidArgument(concat(where(name), " must be ", count,
                                 " numbers separated by commas, got ", result.size()));
  return result;
}

std::vector<double> ModelArguments::pattern(const std::string& name) const {
  const auto n = static_cast<std::size_t>(sites());
  constexpr std::string_view staggered = "staggered:";
  std::vector<double> result;
  if (text(name).starts_with(staggered)) {
    const double h = parse_number(text(name).substr(staggered.size()), where(name));
    for (const int sign : sublattices(name)) result.push_back(sign * h);
    return result;
  }
  result = list(name);
  const std::size_t period = result.size();
  if (n % period != 0)
    throw InvalidArgument(concat(where(name), ": ", period, " numbers cannot be repeated over the ",
                                 detail::counted(n, "site"), "; give a number that divides them"));
  for (std::size_t i = period; i < n; ++i) result.push_back(result[i - period]);
  return result;
}

std::vector<int> ModelArguments::sublattices(const std::string& name) const {
  try {
    return lattice_.sublattices();
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(concat(where(name), ": ", error.what()));
  }
}

}  // namespace detail

const std::vector<ModelInfo>& models() {
  static const std::vector<ModelInfo> all = [] {
    std::vector<ModelInfo> infos;
    for (const auto& entry : detail::model_entries()) infos.push_back(entry.info);
    return infos;
  }();
  return all;
}

const ModelInfo& model_info(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& info : models()) {
    if (info.name == name) return info;
    known.push_back(info.name);
  }
  throw InvalidArgument(unknown_name("model", name, known));
}

Model make_model(std::string_view name, const ModelOptions& options) {
  const ModelInfo& info = model_info(name);
  const auto& entries = detail::model_entries();
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& e) { return e.info.name == name; });
  const detail::ModelArguments arguments(info, entry->layers, options);
  OpSum op = entry->formula(arguments);
  if (arguments.has("D")) {
    detail::add_site_terms(op, arguments);
    if (arguments.is_twisted())
      if (const auto term = breaks(op, "sz"))
        throw InvalidArgument(detail::concat(arguments.where("twist"),
                                             " turns spins about z; the term ", *term,
                                             " is another when they are turned: leave it out"));
  }
  return {info.name, std::move(op), arguments.lattice(), arguments.values()};
}

}  // namespace kronsolve
