#include <algorithm>
#include <cmath>
#include <optional>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/models.hpp>

#include "operators/models/model_arguments.hpp"

namespace kronsolve {

namespace {

std::optional<double> to_double(std::string_view text) {
  const auto value = read_number<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

Lattice choose_lattice(const ModelInfo& info, const ModelOptions& options) {
  const auto fail = [&](const auto&... parts) {
    throw InvalidArgument(detail::concat("model ", info.name, ": ", parts...));
  };
  const auto lives_on = [&](std::string_view name) {
    return std::find(info.lattices.begin(), info.lattices.end(), name) != info.lattices.end();
  };
  std::string name = options.lattice;
  if (name.empty()) {
    name = info.lattices.front();
    if (options.size.size() == 2 && name == "chain")
      name = info.lattices.size() > 1 ? info.lattices[1] : name;
  }
  if (!lives_on(name)) fail(unknown_name("lattice", name, info.lattices));
  if (name != "edges" && !options.edges.empty())
    fail("edges are of the lattice 'edges', not of '", name, "'");
  if (options.sites < 0 || (options.sites == 0 && (options.size.empty() || name == "edges")))
    fail("sites must be at least 1, got ", options.sites,
         name == "chain" || name == "edges" ? "" : "; the lattice needs a size LXxLY");
  if (name == "edges") {
    if (!options.size.empty() || options.cyclic != Cyclic::none)
      fail("a lattice given by its edges has neither size nor cyclic directions");
    return Lattice::from_edges(options.sites, options.edges);
  }
  std::vector<int> size = options.size;
  if (size.empty()) {
    if (name != "chain") fail("the ", name, " lattice needs a size LXxLY, such as 4x4");
    size = {options.sites};
  }
  // The couplings of this model close the ring whatever is asked.
  const Cyclic cyclic = info.name == "haldane-shastry" ? Cyclic::x : options.cyclic;
  Lattice lattice = Lattice::make(name, size, cyclic);
  if (options.sites != 0 && options.sites != lattice.sites())
    fail("a ", name, " lattice of that size has ", lattice.sites(), " sites, not ", options.sites,
         "; give one of the two");
  return lattice;
}

LocalSpace choose_space(const ModelInfo& info, const ModelOptions& options) {
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

ModelArguments::ModelArguments(const ModelInfo& info, const ModelOptions& options)
    : info_(info),
      given_(options.params),
      lattice_(choose_lattice(info, options)),
      space_(choose_space(info, options)) {
  read_parameters(options);
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
    if (p.stands_for.empty()) values_[p.name] = value->second;
    for (const auto& target : p.stands_for) {
      written_as_[target] = p.name;
      if (options.params.contains(target))
        throw InvalidArgument(concat("model ", info_.name, ": '", target,
                                     "' is given twice, by itself and by '", p.name,
                                     "'; give one of them"));
      values_[target] = value->second;
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

std::vector<double> ModelArguments::numbers(const std::string& name, int count) const {
  std::vector<double> result;
  const std::string& list = text(name);
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    result.push_back(parse_number(list.substr(at, comma - at), where(name)));
    at = comma + 1;
  }
  if (static_cast<int>(result.size()) != count)
    throw InvalidArgument(concat(where(name), " must be ", count,
                                 " numbers separated by commas, got ", result.size()));
  return result;
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
  const detail::ModelArguments arguments(info, options);
  const auto& entries = detail::model_entries();
  const auto entry = std::find_if(entries.begin(), entries.end(),
                                  [&](const auto& e) { return e.info.name == name; });
  OpSum op = entry->formula(arguments);
  return {info.name, std::move(op), arguments.lattice(), arguments.values()};
}

}  // namespace kronsolve
