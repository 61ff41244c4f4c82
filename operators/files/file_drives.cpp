#include "operators/files/file_drives.hpp"

#include <utility>

namespace kronsolve::detail {

namespace {

TimeFunction of_formula(const FileReader& file, const toml::node& node) {
  const auto words = file.text(node, "an expression");
  std::map<std::string, double> values;
  for (const auto& [name, text] : file.parameters())
    values[name] = file.scope().at(name).get<double>();
  return file.located(node, [&] { return time_formula(words, values); });
}

TimeFunction of_table(const FileReader& file, const toml::node& node) {
  const auto* rows = node.as_array();
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; rows != nullptr && i < rows->size(); ++i) {
    const auto* point = (*rows)[i].as_array();
    if (point == nullptr || point->size() != 2)
      file.fail((*rows)[i], "a point of a table is [time, value]");
    points.emplace_back(file.number((*point)[0], "a time"), file.number((*point)[1], "a value"));
  }
  return file.located(node, [&] { return time_table(std::move(points)); });
}

}  // namespace

TimeFunction time_function(const FileReader& file, const toml::table& drive,
                           const toml::node& node) {
  const auto *formula = drive.get("function"), *points = drive.get("table");
  if ((formula == nullptr) == (points == nullptr))
    file.fail(node,
              "a [[drive]] needs function = \"sin(w*t)\", a formula in the time t, or table = "
              "[[time, value], ...]");
  return formula != nullptr ? of_formula(file, *formula) : of_table(file, *points);
}

}  // namespace kronsolve::detail
