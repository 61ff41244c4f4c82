// Spectra over several sectors, as text and as JSON.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include <fmt/format.h>

#include "cli/json_values.hpp"
#include "cli/picture.hpp"
#include "cli/sector_scan.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

std::string words(const std::vector<std::string>& conditions) {
  return conditions.empty() ? "full space" : joined(conditions);
}

std::string spin_text(const std::optional<double>& spin) {
  return spin ? kronsolve::spin_text(*spin) : "";
}

Json spin_json(const std::optional<double>& spin) { return spin ? Json(*spin) : Json(nullptr); }

index_t images(const SectorLevels& found) {
  index_t count = 0;
  for (const auto& sector : found.sectors) count += sector.copies();
  return count;
}

bool has_spins(const SectorLevels& found) {
  return !found.levels.empty() && found.levels.front().s2.has_value();
}

/// A cell of the column of spins, which is there only if total spin is conserved.
std::string spin_cell(bool there, const std::string& text) {
  return there ? fmt::format("{:>6}  ", text) : "";
}

std::string solved_text(const SectorLevels& found) {
  const auto solved = std::ssize(found.sectors), all = images(found);
  if (solved == all) return counted(solved, "sector");
  return fmt::format("{} of {} sectors solved, the others have the same levels", solved, all);
}

/// The levels below which none is missing.
std::string level_table(const SectorLevels& found) {
  const bool spins = has_spins(found);
  std::string text = fmt::format("{:>5}  {:<24}  {:>14}  {}{:>6}  {}\n", "level", " energy",
                                 "above", spin_cell(spins, "S"), "copies", "sector");
  constexpr std::size_t most = 200;
  std::size_t shown = 0, complete = 0;
  for (const auto& level : found.levels) {
    if (found.complete_below && level.energy > *found.complete_below) break;
    if (++complete > most) continue;
    const auto& sector = found.sectors[level.sector];
    text += fmt::format("{:>5}  {:<24}  {:>14.9f}  {}{:>6}  {}\n", shown++,
                        value_text(level.energy), level.energy - found.levels.front().energy,
                        spin_cell(spins, spin_text(level.spin())), sector.copies(),
                        words(sector.sector.conditions));
  }
  if (complete > shown)
    text += fmt::format("  ...  {} more; --json has all\n",
                        grouped(static_cast<index_t>(complete - shown)));
  const auto more = std::ssize(found.levels) - static_cast<index_t>(complete);
  if (more > 0)
    text += fmt::format("{:>5}  {} found above, where others are missing; a larger -k finds them\n",
                        "", counted(more, "level"));
  return text;
}

Json json_of(const LevelSpacing& spacing) {
  const auto mean = spacing.mean();
  return {{"mean_ratio", mean ? Json(mean->value) : Json()},
          {"mean_ratio_error", mean ? Json(mean->error) : Json()},
          {"ratios", spacing.ratios.size()},
          {"degenerate", spacing.degenerate}};
}

/// Few levels say nothing about their statistics.
constexpr std::size_t enough_ratios = 20;

bool tells(const std::vector<LevelSpacing>& spacings) {
  return std::any_of(spacings.begin(), spacings.end(),
                     [](const auto& s) { return s.ratios.size() >= enough_ratios; });
}

/// Mean ratios of level spacings, the largest sectors first; nothing if no sector has many levels.
std::string spacing_table(const SectorLevels& found, const std::vector<LevelSpacing>& spacings) {
  if (!tells(spacings)) return "";
  std::string text =
      fmt::format("{:>7}  {:<14}  {:>10}  {}\n", "ratios", " mean ratio", "degenerate", "sector");
  index_t few = 0;
  for (std::size_t i = spacings.size(); i-- > 0;) {
    const auto& spacing = spacings[i];
    if (spacing.ratios.size() < enough_ratios) {
      ++few;
      continue;
    }
    text += fmt::format("{:>7}  {:<14}  {:>10}  {}\n", spacing.ratios.size(),
                        with_error(*spacing.mean()), spacing.degenerate,
                        words(found.sectors[i].sector.conditions));
  }
  if (few > 0)
    text += fmt::format("{:>7}  {} with less than {} ratios\n", "", counted(few, "sector"),
                        enough_ratios);
  return text + "\n";
}

std::string verdict(const std::optional<bool>& certified) {
  return !certified ? "" : *certified ? ", certified" : ", NOT certified";
}

}  // namespace

std::string sector_table(const SectorLevels& found) {
  const bool spins = has_spins(found);
  std::string text = fmt::format("{:>12}  {:>6}  {:<24}  {}{}\n", "states", "copies",
                                 " lowest energy", spin_cell(spins, "S"), "sector");
  std::vector<bool> seen(found.sectors.size(), false);
  for (const auto& level : found.levels) {  // by energy: the sector of the ground state is first
    if (seen[level.sector]) continue;
    seen[level.sector] = true;
    const auto& sector = found.sectors[level.sector];
    text += fmt::format("{:>12}  {:>6}  {:<24}  {}{}\n", grouped(sector.dimension), sector.copies(),
                        value_text(level.energy), spin_cell(spins, spin_text(level.spin())),
                        words(sector.sector.conditions));
  }
  return text + solved_text(found) + "\n";
}

Json json_of_sectors(const SectorLevels& found) {
  Json list = Json::array();
  for (std::size_t i = 0; i < found.sectors.size(); ++i) {
    const auto& scanned = found.sectors[i];
    const auto& solve = found.solves[i];
    Json json;
    json["sector"] = scanned.sector.conditions;
    json["dimension"] = scanned.dimension;
    json["copies"] = scanned.copies();
    json["images"] = scanned.images;
    json["scalar"] = to_string(solve.scalar);
    json["method"] = to_string(solve.method);
    json["operator"] = to_string(solve.form);
    json["converged"] = solve.converged;
    if (solve.certified) json["certified"] = *solve.certified;
    json["products"] = solve.products;
    json["seconds"] = solve.seconds;
    json["eigenvalues"] = Json::array();
    json["residuals"] = Json::array();
    for (const auto& level : found.levels) {
      if (level.sector != i) continue;
      json["eigenvalues"].push_back(level.energy);
      json["residuals"].push_back(level.residual);
      if (level.s2) json["spins"].push_back(spin_json(level.spin()));
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json to_json(const LevelsReport& report) {
  const auto& [problem, found, spacings, cost, plot] = report;
  Json json;
  json["command"] = "levels";
  json["model"] = problem.model;
  json["sites"] = problem.op.sites();
  add_parameters(json, problem.parameters, problem.lattice);
  json["energy"] = found.levels.front().energy;
  json["lowest_sector"] = found.sectors[found.levels.front().sector].sector.conditions;
  json["levels"] = Json::array();
  for (const auto& level : found.levels) {
    const auto& sector = found.sectors[level.sector];
    Json one = {{"energy", level.energy}, {"residual", level.residual}};
    if (level.s2) {
      one["spin"] = spin_json(level.spin());
      one["s2"] = *level.s2;
    }
    one["copies"] = sector.copies();
    one["sector"] = sector.sector.conditions;
    json["levels"].push_back(std::move(one));
  }
  json["complete_below"] = found.complete_below ? Json(*found.complete_below) : Json();
  json["converged"] = found.converged();
  if (const auto certified = found.certified()) json["certified"] = *certified;
  json["sectors"] = json_of_sectors(found);
  for (std::size_t i = 0; i < spacings.size(); ++i)
    json["sectors"][i]["level_spacing"] = json_of(spacings[i]);
  const auto mean = mean_ratio(spacings);
  json["mean_ratio"] = mean ? Json(mean->value) : Json();
  json["mean_ratio_error"] = mean ? Json(mean->error) : Json();
  json["ranks"] = cost.ranks;
  json["threads"] = cost.threads;
  add_cost(json, cost);
  if (!plot.empty()) json["plot"] = plot;
  return json;
}

std::string to_text(const LevelsReport& report) {
  const auto& [problem, found, spacings, cost, plot] = report;
  std::string text = fmt::format("{}\n{}\n\n", problem.title, solved_text(found));
  text += level_table(found) + "\n" + spacing_table(found, spacings);
  text += line("lowest", "in the sector " +
                             words(found.sectors[found.levels.front().sector].sector.conditions));
  text += line("complete", found.complete_below
                               ? fmt::format("no level is missing up to {:.12g}{}",
                                             *found.complete_below, verdict(found.certified()))
                               : "all levels of these sectors");
  if (const auto mean = mean_ratio(spacings); mean && tells(spacings))
    text += line("spacing", fmt::format("mean ratio {} (independent levels 0.386, random matrices "
                                        "0.531 real and 0.600 complex)",
                                        without_blank(with_error(*mean))));
  if (!plot.empty()) text += line("picture", plot);
  if (!found.converged()) text += line("converged", "NO: not in every sector");
  return text + cost_lines(cost, std::nullopt);
}

namespace {

/// The momentum that conditions name, "3" or "(1,2)"; "" if they name none.
std::string momentum_of(const std::vector<std::string>& conditions) {
  std::vector<std::string> parts;
  for (const auto& condition : conditions)
    if (condition.starts_with("momentum"))
      parts.push_back(condition.substr(condition.find('=') + 1));
  if (parts.empty()) return "";
  return parts.size() == 1 ? parts[0] : fmt::format("({},{})", parts[0], parts[1]);
}

/// The numbers in a text.
std::vector<double> numbers_in(const std::string& text) {
  std::vector<double> numbers;
  for (std::size_t at = 0; (at = text.find_first_of("-0123456789", at)) != text.npos;) {
    const auto end = std::min(text.find_first_not_of("-0123456789", at), text.size());
    numbers.push_back(std::atof(text.substr(at, end - at).c_str()));
    at = end;
  }
  return numbers;
}

/// The order of labels: "(1,10)" comes after "(1,2)".
bool comes_before(const std::string& a, const std::string& b) {
  return std::pair(numbers_in(a), a) < std::pair(numbers_in(b), b);
}

}  // namespace

Picture picture_of(const SectorLevels& found) {
  const bool momenta = std::any_of(found.sectors.begin(), found.sectors.end(), [](const auto& s) {
    return !momentum_of(s.sector.conditions).empty();
  });
  // Where there is no momentum, the first condition is the axis, and the others tell symbols apart.
  const auto place_of = [&](const std::vector<std::string>& conditions) {
    if (momenta || conditions.empty()) return momentum_of(conditions);
    return conditions.front().substr(conditions.front().find('=') + 1);
  };
  const auto others_of = [&](const std::vector<std::string>& conditions) {
    if (momenta || conditions.size() < 2) return std::string();
    return words({conditions.begin() + 1, conditions.end()});
  };
  std::map<std::string, double, decltype(&comes_before)> ticks(comes_before);
  std::map<std::string, Series> series;
  const auto for_each_point = [&](auto&& use) {
    for (const auto& level : found.levels) {
      const auto& sector = found.sectors[level.sector];
      use(level, sector.sector.conditions);
      for (const auto& image : sector.images) use(level, image);
    }
  };
  for_each_point(
      [&](const Level&, const auto& conditions) { ticks.emplace(place_of(conditions), 0); });
  double next = 0;
  for (auto& [name, x] : ticks) x = next++;
  for_each_point([&](const Level& level, const auto& conditions) {
    const auto name = level.s2 ? "S = " + spin_text(level.spin()) : others_of(conditions);
    auto& points = series.try_emplace(name, Series{name, {}, {}, {}, false}).first->second;
    points.x.push_back(ticks.at(place_of(conditions)));
    points.y.push_back(level.energy - found.levels.front().energy);
  });
  const auto& first = found.sectors.front().sector.conditions;
  const std::string axis = momenta         ? "momentum, in units of 2\u03c0/L"
                           : first.empty() ? "full space"
                                           : first.front().substr(0, first.front().find('='));
  Picture picture{axis, "energy above the ground state", {}};
  for (auto& [name, points] : series) picture.series.push_back(std::move(points));
  for (const auto& [name, x] : ticks) picture.x_ticks.emplace_back(x, name);
  if (found.complete_below) picture.guides = {*found.complete_below - found.levels.front().energy};
  return picture;
}

Picture picture_of(const std::vector<LevelSpacing>& spacings) {
  constexpr int bins = 20;
  std::vector<double> counts(bins);
  double all = 0;
  for (const auto& spacing : spacings)
    for (const double r : spacing.ratios) {
      ++counts[static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(r * bins)))];
      ++all;
    }
  Series found{"levels", {}, {}, {}, false}, independent{"independent", {}, {}},
      random{"random, real", {}, {}};
  for (int i = 0; i < bins; ++i) {
    const double r = (i + 0.5) / bins, count = counts[static_cast<std::size_t>(i)];
    found.x.push_back(r);
    found.y.push_back(count * bins / all);
    found.error.push_back(std::sqrt(count) * bins / all);
  }
  for (int i = 0; i <= 100; ++i) {
    const double r = i / 100.0;
    independent.x.push_back(r);
    independent.y.push_back(2 / ((1 + r) * (1 + r)));
    random.x.push_back(r);
    random.y.push_back(6.75 * (r + r * r) / std::pow(1 + r + r * r, 2.5));  // of 3 x 3 matrices
  }
  return {"ratio of level spacings",
          "probability density",
          {std::move(found), std::move(independent), std::move(random)}};
}

}  // namespace kronsolve::cli
