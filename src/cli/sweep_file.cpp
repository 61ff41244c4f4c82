#include "cli/sweep_file.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

#include "cli/problem.hpp"

namespace kronsolve::cli {

/// Calls f(setting, value) for each, in the order of the file.
template <class F>
void Sweep::for_each_value(std::size_t number, F f) const {
  std::size_t left = 1;
  for (const auto& axis : axes_) left *= axis.positions.size();
  for (const auto& axis : axes_) {
    left /= axis.positions.size();
    const auto& values = axis.positions[number / left % axis.positions.size()];
    for (std::size_t i = 0; i < values.size(); ++i) f(axis.settings[i], values[i]);
  }
}

void Sweep::identify(const std::optional<Expression>& skip) {
  std::size_t grid = 1;
  for (const auto& axis : axes_) grid *= axis.positions.size();
  std::string head = detail::concat("kronsolve ", origin_.version, "\n", command_, "\n");
  if (interpolate_) head += detail::concat("interpolate ", *interpolate_, "\n");
  // The same run in another order of the file is the same run.
  std::vector<std::pair<std::string, std::size_t>> order;
  for_each_value(0, [&](const Setting& setting, const Value&) {
    order.emplace_back(setting.option + setting.parameter, order.size());
  });
  std::sort(order.begin(), order.end());
  std::vector<const std::string*> parts;
  std::unordered_map<PointId, std::size_t> known;
  known.reserve(grid);
  for (std::size_t number = 0; number < grid; ++number) {
    try {
      if (skip && skip->holds(settings_of(number))) continue;
    } catch (const InvalidArgument& error) {
      throw InvalidArgument(detail::concat(name_, ": [where] skip: ", error.what()));
    }
    parts.clear();
    for_each_value(number,
                   [&](const Setting&, const Value& value) { parts.push_back(&value.identity); });
    Checksum sum;
    const auto add = [&](const std::string& text) { sum.add(std::span(text.data(), text.size())); };
    add(head);
    for (const auto& [name, at] : order) add(*parts[at]);
    const PointId id = sum.value();
    const auto [first, is_new] = known.emplace(id, numbers_.size());
    numbers_.push_back(static_cast<std::uint32_t>(number));
    ids_.push_back(id);
    if (!is_new)
      throw InvalidArgument(detail::concat(name_, ": two points are the same run: ",
                                           label(first->second), " and ", label(ids_.size() - 1)));
  }
  if (ids_.empty()) throw InvalidArgument(detail::concat(name_, ": [where] skip leaves no point"));
}

const std::vector<std::uint32_t>& Sweep::line(std::size_t point) const {
  if (line_of_.empty()) {
    std::size_t inner = 1;  // so many numbers of the grid share a position of the axis
    for (std::size_t i = line_axis_ + 1; i < axes_.size(); ++i) inner *= axes_[i].positions.size();
    const std::size_t span = inner * axes_[line_axis_].positions.size();
    std::unordered_map<std::size_t, std::uint32_t> known;
    for (std::uint32_t i = 0; i < numbers_.size(); ++i) {
      const std::size_t number = numbers_[i];
      const auto key = interpolate_ ? number / span * inner + number % inner : number;
      const auto [found, is_new] = known.emplace(key, lines_.size());
      if (is_new) lines_.emplace_back();
      lines_[found->second].push_back(i);
      line_of_.push_back(found->second);
    }
  }
  return lines_[line_of_[point]];
}

OptionTexts Sweep::options(std::size_t point) const {
  OptionTexts options;
  for_each_value(numbers_[point], [&](const Setting& setting, const Value& value) {
    for (const auto& text : value.texts) options.emplace_back(setting.option, text);
  });
  return options;
}

Json Sweep::settings_of(std::size_t number) const {
  Json json = Json::object();
  for_each_value(number, [&](const Setting& setting, const Value& value) {
    if (setting.option != "--observe" && setting.option != "--threads")
      json[setting.column] = value.json;
  });
  return json;
}

Json Sweep::settings(std::size_t point) const { return settings_of(numbers_[point]); }

std::string Sweep::label(std::size_t point) const {
  const Json settings = this->settings(point);
  std::string text;
  for (const auto& column : varied_) {
    const auto& value = settings.value(column, Json());
    text += detail::concat(text.empty() ? "" : " ", column, "=",
                           value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

void Sweep::derive(Json& record) const {
  for (const auto& [name, expression] : derived_) {
    try {
      record[name] = expression.value(record);
    } catch (const InvalidArgument&) {  // a point that failed has no such field
      record[name] = nullptr;
    }
  }
}

std::vector<std::string> Sweep::derived() const {
  std::vector<std::string> names;
  for (const auto& [name, expression] : derived_) names.push_back(name);
  return names;
}

const std::vector<std::uint32_t>& Sweep::shapes() const {
  if (!shapes_.empty()) return shapes_;
  std::unordered_map<std::string, std::uint32_t> known;
  for (const auto number : numbers_) {
    std::string shape;
    for_each_value(number, [&](const Setting& setting, const Value& value) {
      if (setting.parameter.empty() && setting.option != "--seed") shape += value.identity;
    });
    shapes_.push_back(known.emplace(std::move(shape), known.size()).first->second);
  }
  return shapes_;
}

std::vector<Sweep::Shape> Sweep::measure_shapes(Hopeless hopeless) const {
  constexpr std::size_t most = 2000;  // to count the states of more takes too long
  std::vector<Shape> measured;
  std::optional<InvalidArgument> refusal;
  for (std::size_t point = 0; point < size(); ++point) {
    if (shapes()[point] < measured.size() || measured.size() == most) continue;
    measured.emplace_back();
    try {
      const auto arguments = make_arguments(command_, options(point));
      if (!arguments.op.matrix.empty()) continue;
      auto op = arguments.op;  // of several sectors: all their states
      std::erase_if(op.sector, [](const auto& condition) { return is_scan({condition}); });
      const auto problem = hermitian_problem(Comm::serial(), op, States::counted,
                                             drives_of(command_), non_hermitian_of(command_));
      const auto rows = static_cast<double>(problem.dimension);
      const auto k = arguments.solve.k == EighOptions::all ? rows : double(arguments.solve.k);
      measured.back() = {rows, rows * (command_ == "evolve" ? std::abs(arguments.evolve.time) : k)};
    } catch (const Error& error) {  // the record of the point will say so
      if (!refusal)
        refusal = InvalidArgument(detail::concat(name_, ": ", label(point), ": ", error.what()));
    }
  }
  const bool counted = std::any_of(measured.begin(), measured.end(),
                                   [](const Shape& shape) { return shape.rows > 0; });
  if (refusal && !counted && hopeless == Hopeless::refused) throw *refusal;
  measured.resize(1 + *std::max_element(shapes().begin(), shapes().end()));
  return measured;
}

}  // namespace kronsolve::cli
