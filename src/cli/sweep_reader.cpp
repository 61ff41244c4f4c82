#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <unordered_map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/operators/op_file.hpp>

#include "cli/options.hpp"
#include "cli/problem.hpp"
#include "cli/saved_file.hpp"
#include "cli/sweep_file.hpp"
#include "core/counted.hpp"
#include "core/toml_document.hpp"

namespace kronsolve::cli {

namespace {

constexpr std::size_t most_points = 1'000'000;
const std::vector<std::string> commands_of_points = {"ground", "eigh",    "svds",     "evolve",
                                                     "levels", "thermal", "spectral", "floquet"};

/// A number without what computing it has left in its last digit: 0.3, not 0.30000000000000004.
double rounded(double value) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.15g", value);
  return *read_number<double>(text.data());
}

/// The same text for 1, 1.0, "1" and 1e0.
std::string canonical(const std::string& text) {
  if (const auto whole = read_number<std::int64_t>(text)) return shortest_text(*whole);
  const auto real = read_number<double>(text);
  return real && std::isfinite(*real) ? shortest_text(*real) : text;
}

/// A file that the value of an option names; empty if it is none.
std::string file_of(const std::string& option, const std::string& text) {
  if (option == "--terms" || option == "--matrix") return text;
  if (option == "--lattice" && text.starts_with("edges:")) return text.substr(6);
  if (option == "--observe" &&
      text.starts_with("op:"))  // with a space it is an operator, not a file
    return text.ends_with(".toml") || text.find_first_of(" _") == text.npos ? text.substr(3) : "";
  if (option == "--state" || option == "--start")
    if (const auto file = parse_state_file(text)) return file->path;
  return {};
}

std::string checksum_of_file(const std::string& path) {
  const InputFile file(path);
  Checksum sum;
  std::string piece(1 << 20, '\0');
  for (index_t at = 0; at < file.size();) {
    const auto got = file.read(at, piece);
    if (got == 0) break;
    sum.add(std::span(piece.data(), got));
    at += static_cast<index_t>(got);
  }
  return campaign::to_text(sum.value());
}

}  // namespace

/// Reads a file of a sweep; every error tells its place.
class SweepReader : private detail::TomlDocument {
 public:
  explicit SweepReader(Sweep& sweep) : TomlDocument(sweep.text_, sweep.name_), sweep_(sweep) {}

  void read() {
    read_command();
    find_models();
    for (const auto& [key, node] : in_order(table())) read_entry(key, *node);
    if (sweep_.varied_.empty())
      throw InvalidArgument(detail::concat(
          sweep_.name_, ": nothing varies; write for example [vary] and below it sites = [8, 12]"));
    std::size_t points = 1;
    for (const auto& axis : sweep_.axes_)
      if ((points *= axis.positions.size()) > most_points)
        throw InvalidArgument(detail::concat(sweep_.name_, ": the grid has more than ", most_points,
                                             " points; make several sweeps of it"));
    if (interpolate_node_ != nullptr) choose_line();
    sweep_.identify(skip_);
  }

 private:
  using Node = toml::node;
  using Setting = Sweep::Setting;
  using Value = Sweep::Value;

  /// As they stand in the file; the table itself is sorted by name.
  static std::vector<std::pair<std::string, const Node*>> in_order(const toml::table& table) {
    std::vector<std::pair<std::string, const Node*>> entries;
    for (const auto& [key, node] : table) entries.emplace_back(key.str(), &node);
    const auto place = [](const auto& entry) {
      const auto begin = entry.second->source().begin;
      return std::pair(begin.line, begin.column);
    };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return entries;
  }
  // ---- what the run is

  void read_command() {
    const auto* node = table().get("command");
    const auto name = node == nullptr ? std::nullopt : node->value_exact<std::string>();
    const std::vector<std::string> wanted = {"command"};
    for (const auto& [key, other] : in_order(table()))
      if (node == nullptr && !closest(key, wanted).empty())
        fail(*other, unknown_name("key", key, wanted));
    if (!name)
      throw InvalidArgument(
          detail::concat(sweep_.name_, ": which command? write command = \"ground\" first"));
    if (std::find(commands_of_points.begin(), commands_of_points.end(), *name) ==
        commands_of_points.end())
      fail(*node, unknown_name("command of a sweep", *name, commands_of_points));
    sweep_.command_ = *name;
  }

  /// Every model and operator file that the file names, for the names of parameters.
  void find_models() {
    const auto add = [&](const Node& node) {
      if (const auto name = node.value_exact<std::string>())
        located(node, [&] { models_.push_back(&model_info(*name)); });
    };
    // Parameters of an operator file are those of a model without a name.
    const auto add_file = [&](const Node& node) {
      const auto path = node.value_exact<std::string>();
      if (!path) return;
      located(node, [&] {
        ModelInfo info{*path, {}, {}, {}, {}};
        for (const auto& [name, value] :
             parse_operator_file(read_text_file(*path), *path).parameters)
          info.parameters.push_back({name, value, {}});
        files_.push_back(std::move(info));
        models_.push_back(&files_.back());
      });
    };
    const auto add_all = [&](const toml::table& table) {
      for (const bool is_file : {false, true}) {
        const auto* node = table.get(is_file ? "terms" : "model");
        if (node == nullptr) continue;
        const auto add_one = [&](const Node& one) { is_file ? add_file(one) : add(one); };
        if (const auto* list = node->as_array())
          for (const auto& one : *list) add_one(one);
        else
          add_one(*node);
      }
    };
    add_all(table());
    if (const auto* vary = table()["vary"].as_table()) add_all(*vary);
    if (const auto* together = table()["together"].as_array())
      for (const auto& one : *together)
        if (const auto* table = one.as_table()) add_all(*table);
  }

  const ModelParameter* parameter(const std::string& name) const {
    for (const auto* model : models_)
      for (const auto& parameter : model->parameters)
        if (parameter.name == name) return &parameter;
    return nullptr;
  }
  /// The option that a key means, by its name without dashes or as it is.
  const Option* option(const std::string& key) const {
    if (key.starts_with("-")) return find_option(sweep_.command_, key);
    return find_option(sweep_.command_, (key.size() == 1 ? "-" : "--") + key);
  }

  enum class Meaning { option, parameter, any };
  Setting setting(const std::string& key, const Node& node, Meaning meaning) {
    const bool is_parameter = meaning != Meaning::option && parameter(key) != nullptr;
    const auto* found = meaning == Meaning::parameter ? nullptr : option(key);
    if (!is_parameter && found == nullptr) refuse_key(key, node, meaning);
    Setting setting{key, is_parameter ? "-p" : found->name(), is_parameter ? key : ""};
    if (!is_parameter) check_option(*found, node);
    const auto same = setting.option + setting.parameter;
    if (!given_.emplace(same, node.source().begin.line).second)
      fail(node, detail::concat("'", key, "' is given twice, here and in line ", given_.at(same)));
    // A parameter may have the name of an option that is set as well: seed.
    if (!columns_.emplace(setting.column, 0).second) setting.column = same;
    return setting;
  }
  void check_option(const Option& found, const Node& node) const {
    const auto name = found.name();
    if (name == "-p") fail(node, "parameters of the model belong under [parameters] or [vary]");
    if (name == "--ranks")
      fail(node,
           "kronsolve sweep --ranks N says on how many; ranks_per_point = N in the file gives N of "
           "them to each point");
    if (name == "--json" || name == "--json-lines" || name == "--save" || name == "--plot")
      fail(node, detail::concat(name, " has no place in a sweep, whose results are records"));
    if (name == "--checkpoint" || name == "--every" || name == "--resume")
      fail(node, detail::concat(name, " has no place in a sweep, which goes on point by point"));
  }
  [[noreturn]] void refuse_key(const std::string& key, const Node& node, Meaning meaning) const {
    if (meaning == Meaning::option && parameter(key) != nullptr)
      fail(node,
           detail::concat(
               "'", key,
               "' is a parameter of the model; write it under [parameters], or under [vary]"));
    std::vector<std::string> known;
    if (meaning != Meaning::option)
      for (const auto* model : models_)
        for (const auto& parameter : model->parameters) known.push_back(parameter.name);
    if (meaning != Meaning::parameter)
      for (const auto& one : options())
        if (one.belongs_to(sweep_.command_) && one.name() != "-p")
          known.push_back(one.name().substr(one.name().find_first_not_of('-')));
    if (meaning == Meaning::option)
      for (const auto* table : {"parameters", "vary", "together", "derive", "where",
                                "ranks_per_point", "warm_starts", "interpolate"})
        known.emplace_back(table);
    fail(node, unknown_name(meaning == Meaning::parameter ? "parameter" : "key", key, known));
  }

  // ---- values

  /// A single value as the command line has it; nothing for lists and tables.
  std::optional<std::pair<std::string, Json>> scalar(const Node& node) const {
    if (const auto text = node.value_exact<std::string>()) return std::pair(*text, Json(*text));
    if (const auto whole = node.value_exact<std::int64_t>())
      return std::pair(shortest_text(*whole), Json(*whole));
    if (const auto real = node.value_exact<double>()) {
      if (!std::isfinite(*real)) fail(node, "numbers must be finite");
      return number(*real);
    }
    if (const auto flag = node.value_exact<bool>())
      return std::pair(std::string(*flag ? "true" : "false"), Json(*flag));
    return std::nullopt;
  }
  static std::pair<std::string, Json> number(double value) {
    if (const auto whole = read_number<std::int64_t>(shortest_text(value)))
      return {shortest_text(*whole), Json(*whole)};
    return {shortest_text(value), Json(value)};
  }

  Value value(const Setting& setting, const Node& node) const {
    Value value;
    const auto* list = node.as_array();
    const auto* found = find_option(sweep_.command_, setting.option);
    const bool repeats = setting.parameter.empty() && found->times == Option::Times::many;
    if (list != nullptr && repeats) {
      for (const auto& one : *list) {
        const auto item = scalar(one);
        if (!item) fail(one, "expected a text");
        value.texts.push_back(item->first);
      }
    } else {
      const auto item = scalar(node);
      if (!item)
        fail(node, detail::concat("'", setting.column,
                                  "' takes one value; what varies stands under [vary]"));
      value = make_value(setting, *item);
    }
    if (list != nullptr) {
      std::string joined;
      for (const auto& text : value.texts) joined += (joined.empty() ? "" : " ") + text;
      value.json = joined;
    }
    complete(setting, value, node);
    return value;
  }
  Value make_value(const Setting& setting, std::pair<std::string, Json> item) const {
    auto& [text, json] = item;
    const bool cyclic = setting.option == "--cyclic";
    if (cyclic && json.is_boolean()) text = json.get<bool>() ? "all" : "none";
    if (!setting.parameter.empty()) text = setting.parameter + "=" + text;
    return {{std::move(text)}, std::move(json), {}};
  }
  /// What tells this value from others in the identity of a point: nothing where it is what holds
  /// anyway, or where it changes no result.
  void complete(const Setting& setting, Value& value, const Node& node) const {
    if (setting.option == "--threads") return;
    if (!setting.parameter.empty()) {
      const auto text = canonical(value.texts.front().substr(setting.parameter.size() + 1));
      if (models_.size() == 1 && text == canonical(parameter(setting.parameter)->default_value))
        return;
      value.identity = detail::concat("-p ", setting.parameter, "=", text, "\n");
      return;
    }
    const auto& standard = find_option(sweep_.command_, setting.option)->standard;
    for (const auto& text : value.texts) {
      if (!standard.empty() && canonical(text) == canonical(standard)) continue;
      const auto file = located(node, [&] { return file_of(setting.option, text); });
      value.identity += detail::concat(setting.option, " ", canonical(text));
      if (!file.empty()) value.identity += " " + checksum(file);
      value.identity += "\n";
    }
  }
  const std::string& checksum(const std::string& path) const {
    auto& files = sweep_.origin_.files;
    if (!files.contains(path)) files[path] = checksum_of_file(path);
    return files[path];
  }

  /// The parameters of the model with the most values are those between whose values is
  /// interpolated.
  void choose_line() {
    std::size_t most = 2;
    for (std::size_t i = 0; i < sweep_.axes_.size(); ++i) {
      const auto& axis = sweep_.axes_[i];
      const auto varies = [&](const auto& position) {
        return std::all_of(position.begin(), position.end(),
                           [](const Value& value) { return value.json.is_number(); });
      };
      const bool parameters = std::all_of(axis.settings.begin(), axis.settings.end(),
                                          [](const Setting& s) { return !s.parameter.empty(); });
      if (axis.positions.size() <= most || !parameters ||
          !std::all_of(axis.positions.begin(), axis.positions.end(), varies))
        continue;
      most = axis.positions.size();
      sweep_.line_axis_ = i;
    }
    if (most == 2)
      fail(*interpolate_node_,
           "interpolate needs a parameter of the model that varies over three numbers or more");
  }

  // ---- the parts of the file

  void read_entry(const std::string& key, const Node& node) {
    if (key == "command") return;
    if (key == "ranks_per_point") {
      const auto ranks = node.value_exact<std::int64_t>();
      if (!ranks || *ranks < 1 || *ranks > 4096)
        fail(node, "ranks_per_point must be a whole number from 1 to 4096");
      sweep_.ranks_per_point_ = static_cast<int>(*ranks);
      return;
    }
    if (key == "interpolate") {
      const auto accuracy = node.value<double>();
      if (!node.is_number() || !accuracy || !(*accuracy > 0 && *accuracy < 1))
        fail(node, "interpolate is the largest error of an energy, a number in (0, 1), as in 1e-8");
      if (sweep_.command_ != "ground" && sweep_.command_ != "eigh")
        fail(node, "interpolate is of ground and eigh, whose levels it knows bounds for");
      sweep_.interpolate_ = *accuracy;
      interpolate_node_ = &node;
      return;
    }
    if (key == "warm_starts") {
      const auto warm = node.value_exact<bool>();
      if (!warm) fail(node, "warm_starts is true or false");
      sweep_.warm_starts_ = *warm;
      return;
    }
    const auto title = detail::concat("[", key, "]");
    if (key == "parameters") {
      for (const auto& [name, one] : in_order(table_of(node, title)))
        add_fixed(setting(name, *one, Meaning::parameter), *one);
    } else if (key == "vary") {
      for (const auto& [name, one] : in_order(table_of(node, title))) add_varied(name, *one);
    } else if (key == "together") {
      const auto* list = node.as_array();
      if (list == nullptr) fail(node, "write [[together]], with two brackets");
      for (const auto& one : *list) add_together(table_of(one, title));
    } else if (key == "derive") {
      for (const auto& [name, one] : in_order(table_of(node, title)))
        sweep_.derived_.emplace_back(name, expression(*one));
    } else if (key == "where") {
      for (const auto& [name, one] : in_order(table_of(node, title))) {
        if (name != "skip") fail(*one, unknown_name("key", name, std::vector<std::string>{"skip"}));
        skip_ = expression(*one);
        skip_node_ = one;
      }
    } else {
      add_fixed(setting(key, node, Meaning::option), node);
    }
  }
  Expression expression(const Node& node) const {
    const auto text = node.value_exact<std::string>();
    if (!text) fail(node, "expected a formula in quotes");
    return located(node, [&] { return Expression(*text); });
  }
  void add_fixed(const Setting& setting, const Node& node) {
    sweep_.axes_.push_back({{setting}, {{value(setting, node)}}});
  }
  void add_varied(const std::string& name, const Node& node) {
    Sweep::Axis axis{{setting(name, node, Meaning::any)}, {}};
    bool average = false;
    for (auto& value : values(axis.settings.front(), node, average))
      axis.positions.push_back({std::move(value)});
    add_axis(std::move(axis), average);
  }
  void add_together(const toml::table& table) {
    Sweep::Axis axis;
    bool average = false;
    for (const auto& [name, node] : in_order(table)) {
      axis.settings.push_back(setting(name, *node, Meaning::any));
      auto column = values(axis.settings.back(), *node, average);
      if (axis.settings.size() == 1) axis.positions.resize(column.size());
      if (column.size() != axis.positions.size())
        fail(*node,
             detail::concat("'", name, "' has ", detail::counted(column.size(), "value"), ", '",
                            axis.settings.front().column, "' has ", axis.positions.size(),
                            "; values that go together are equally many"));
      for (std::size_t i = 0; i < column.size(); ++i)
        axis.positions[i].push_back(std::move(column[i]));
    }
    if (axis.settings.empty()) fail(table, "[[together]] is empty");
    add_axis(std::move(axis), average);
  }
  void add_axis(Sweep::Axis axis, bool average) {
    for (const auto& setting : axis.settings) {
      sweep_.varied_.push_back(setting.column);
      if (average) sweep_.averaged_.push_back(setting.column);
    }
    sweep_.axes_.push_back(std::move(axis));
  }

  /// The values of a list, or of a table {from, to, count|step, scale, average} or {values, average}.
  std::vector<Value> values(const Setting& setting, const Node& node, bool& average) {
    std::vector<Value> found;
    const auto* list = node.as_array();
    if (const auto* table = node.as_table()) {
      const std::vector<std::string> known = {"from",  "to",     "count",  "step",
                                              "scale", "values", "average"};
      for (const auto& [key, one] : *table)
        if (std::find(known.begin(), known.end(), key.str()) == known.end())
          fail(key.source().begin, unknown_name("key", key.str(), known));
      if (const auto* flag = table->get("average")) {
        if (!flag->is_boolean()) fail(*flag, "average is true or false");
        average = average || flag->value_or(false);
      }
      list = (*table)["values"].as_array();
      if (list == nullptr)
        for (const double x : range(*table)) {
          found.push_back(make_value(setting, number(x)));
          complete(setting, found.back(), node);
        }
    }
    if (list != nullptr)
      for (const auto& one : *list) found.push_back(value(setting, one));
    else if (node.as_table() == nullptr)
      fail(node, detail::concat("'", setting.column,
                                "' must be a list, or {from = 0, to = 1, count = 5}"));
    if (found.empty()) fail(node, detail::concat("'", setting.column, "' has no values"));
    return found;
  }
  double number_of(const toml::table& table, const std::string& key) const {
    const auto* node = table.get(key);
    if (node == nullptr)
      fail(table, detail::concat("a range needs '", key, "', as in {from = 0, to = 1, count = 5}"));
    const auto value = node->value<double>();
    if (!node->is_number() || !value || !std::isfinite(*value))
      fail(*node, detail::concat("'", key, "' must be a finite number"));
    return *value;
  }
  std::vector<double> range(const toml::table& table) const {
    const double from = number_of(table, "from"), to = number_of(table, "to");
    const bool whole = from == std::floor(from) && to == std::floor(to) && !table.contains("scale");
    const bool one_by_one = whole && !table.contains("count") && !table.contains("step");
    if (table.contains("count") == table.contains("step") && !one_by_one)
      fail(table, "a range has either 'count' or 'step'; of whole numbers the step is 1");
    const auto* scale = table.get("scale");
    const auto word = scale == nullptr ? "linear" : scale->value_or<std::string>("");
    if (word != "linear" && word != "log") fail(*scale, "scale is \"linear\" or \"log\"");
    const bool log = word == "log";
    if (log && !(from > 0 && to > 0)) fail(table, "a range on a log scale has positive ends");
    double count = 0;
    if (table.contains("step") || one_by_one) {
      const double step = one_by_one ? (to < from ? -1 : 1) : number_of(table, "step");
      if (log) fail(*table.get("step"), "a range on a log scale has 'count'");
      count = step == 0 ? 0 : std::floor((to - from) / step * (1 + 1e-12) + 1e-9) + 1;
      if (!(count >= 1)) fail(*table.get("step"), "this step does not lead from 'from' to 'to'");
      if (count > most_points) fail(table, "the range has too many values");
      std::vector<double> values;
      for (double i = 0; i < count; ++i) values.push_back(rounded(from + i * step));
      return values;
    }
    count = number_of(table, "count");
    if (count != std::floor(count) || count < 1 || count > most_points)
      fail(*table.get("count"),
           detail::concat("'count' must be a whole number from 1 to ", most_points));
    std::vector<double> values;
    for (double i = 0; i < count; ++i) {
      const double part = count == 1 ? 0 : i / (count - 1);
      values.push_back(i == 0           ? from
                       : i == count - 1 ? to
                       : log            ? rounded(from * std::pow(to / from, part))
                                        : rounded(from + part * (to - from)));
    }
    return values;
  }

  Sweep& sweep_;
  std::vector<const ModelInfo*> models_;
  std::deque<ModelInfo> files_;                      ///< of operator files, in models_ as well
  std::map<std::string, toml::source_index> given_;  ///< and the line
  std::map<std::string, int> columns_;
  std::optional<Expression> skip_;
  const Node* skip_node_ = nullptr;
  const Node* interpolate_node_ = nullptr;
};

Sweep::Sweep(std::string text, const std::string& name, std::optional<Origin> origin)
    : text_(std::move(text)), name_(name) {
  origin_ = origin ? std::move(*origin) : Origin{std::string(version()), {}};
  SweepReader(*this).read();
}

}  // namespace kronsolve::cli
