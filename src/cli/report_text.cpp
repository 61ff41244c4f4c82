#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <sstream>

#include <fmt/format.h>
#include <unistd.h>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>

#include "cli/report.hpp"
#include "cli/table.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

std::string line(std::string_view name, const std::string& value) {
  constexpr std::size_t left = 11, columns = 80;
  return fmt::format("{:<{}}{}\n", name, left,
                     wrapped(value, columns - left, "\n" + std::string(left, ' ')));
}

std::string where(int ranks, int threads) {
  return fmt::format("{} with {}{}", counted(ranks, "rank"), counted(threads, "thread"),
                     ranks > 1 ? " each" : "");
}

std::string head(const Problem& problem, index_t dimension, ScalarKind scalar) {
  const std::string sector = joined(problem.sector, ", ");
  return fmt::format("{}\n{}, {}, {}\n", problem.title, counted(dimension, "state"),
                     sector.empty() ? "full space" : "sector " + sector, to_string(scalar));
}

std::string number(const ObservableValue& value, std::size_t at) {
  const auto z = value.values[at];
  if (value.scalar == ScalarKind::real) return fmt::format("{: .12g}", z.real());
  return fmt::format("({:.12g}, {:.12g})", z.real(), z.imag());
}

std::string with_error(const Estimate& estimate) {
  // What no chance moves has rounding for an error.
  if (!(estimate.error > 1e-12 * std::max(1.0, std::abs(estimate.value))))
    return fmt::format("{: .9g}", estimate.value);
  const int places =
      std::clamp(1 - static_cast<int>(std::floor(std::log10(estimate.error))), 0, 12);
  const double unit = std::pow(10.0, -places);
  return fmt::format("{: .{}f}({:.0f})", estimate.value, places, estimate.error / unit);
}

std::string without_blank(const std::string& text) {
  return text.starts_with(' ') ? text.substr(1) : text;
}

std::string estimate_text(const Estimate& estimate, bool exact) {
  return exact ? fmt::format("{: .9g}", estimate.value) : with_error(estimate);
}

bool is_number(const ThermalObservable& observable) {
  return observable.values.front().shape == ObservableValue::Shape::number;
}

namespace {

/// Entry `at` of an observable at a point: complex numbers as (re, im).
std::string cell(const ThermalObservable& observable, std::size_t point, std::size_t at) {
  const auto& value = observable.values[point];
  if (observable.errors.empty()) return number(value, at);
  const auto z = value.values[at], error = observable.errors[point].values[at];
  const std::string real = with_error({z.real(), error.real()});
  if (value.scalar == ScalarKind::real) return real;
  return fmt::format("({}, {})", real, with_error({z.imag(), error.imag()}));
}

}  // namespace

std::string add_averages(Table& table, const std::string& axis,
                         const std::vector<std::string>& points,
                         const std::vector<ThermalObservable>& observables) {
  std::string lists;
  for (auto observable : observables) {
    observable.values = without_noise({{observable.text, observable.values}}).front().values;
    const auto entry = [&](std::size_t p, std::size_t i) { return cell(observable, p, i); };
    if (!is_number(observable)) {
      lists += lists_along(axis, points, {observable.text, observable.values}, entry);
      continue;
    }
    std::vector<std::string> column;
    for (std::size_t p = 0; p < points.size(); ++p) column.push_back(entry(p, 0));
    table.column(observable.text, std::move(column));
  }
  return lists;
}

std::string lists_along(const std::string& axis, const std::vector<std::string>& points,
                        const Measured& measured,
                        const std::function<std::string(std::size_t, std::size_t)>& cell) {
  std::string text;
  if (measured.values.front().shape == ObservableValue::Shape::vector) {
    Table table;
    table.column(axis, points);
    for (std::size_t i = 0; i < measured.values.front().values.size(); ++i) {
      std::vector<std::string> column;
      for (std::size_t p = 0; p < points.size(); ++p)
        column.push_back(i < measured.values[p].values.size() ? cell(p, i) : "-");
      table.column(std::to_string(i), std::move(column));
    }
    return fmt::format("\n{}\n{}", measured.text, table.text());
  }
  for (std::size_t p = 0; p < points.size(); ++p) {
    const auto& value = measured.values[p];
    Table table;
    std::vector<std::string> numbers;
    for (index_t i = 0; i < value.rows; ++i) numbers.push_back(std::to_string(i));
    table.column("", std::move(numbers));
    for (index_t j = 0; j < value.cols; ++j) {
      std::vector<std::string> column;
      for (index_t i = 0; i < value.rows; ++i)
        column.push_back(cell(p, static_cast<std::size_t>(i * value.cols + j)));
      table.column(std::to_string(j), std::move(column));
    }
    text += fmt::format("\n{} at {} {}\n{}", measured.text, axis, points[p], table.text());
  }
  return text;
}

std::vector<Measured> without_noise(std::vector<Measured> observables) {
  constexpr double rounding = 1e-14;
  for (auto& measured : observables) {
    double largest = 0;
    for (const auto& value : measured.values) {
      largest = std::max(largest, value.scale);
      for (const auto z : value.values) largest = std::max(largest, std::abs(z));
    }
    const auto shown = [&](double x) { return std::abs(x) < rounding * largest ? 0.0 : x; };
    for (auto& value : measured.values)
      for (auto& z : value.values) z = {shown(z.real()), shown(z.imag())};
  }
  return observables;
}

std::string cost_lines(const Cost& cost, std::optional<index_t> memory_estimate_bytes) {
  const std::string estimate =
      memory_estimate_bytes
          ? fmt::format(", {} estimated", format_bytes(double(*memory_estimate_bytes)))
          : "";
  return line("time",
              fmt::format("{} (setup {}, solve {}, measure {})", seconds_text(cost.total_seconds),
                          seconds_text(cost.setup_seconds), seconds_text(cost.solve_seconds),
                          seconds_text(cost.measure_seconds))) +
         line("memory", format_bytes(double(cost.peak_rss_bytes)) + " at most" + estimate) +
         line("on", where(cost.ranks, cost.threads));
}

namespace {

/// @param numbered  what the first column counts: levels from the lowest, or pairs as found
std::string table(const EighResult& result, std::string_view numbered) {
  if (result.eigenvalues.empty()) return "no eigenvalue there\n";
  std::string text = fmt::format("{:>5}  {:<24}  {}\n", numbered, " eigenvalue", "residual");
  for (std::size_t i = 0; i < result.eigenvalues.size(); ++i)
    text += fmt::format("{:>5}  {:<24}  {}\n", i, value_text(result.eigenvalues[i]),
                        residual_text(result.residuals[i]));
  return text;
}

std::string pairs(const EighResult& result) {
  const std::string kind =
      result.residual_kind == ResidualKind::bound ? " (residuals are bounds)" : "";
  if (result.converged)
    return fmt::format("{} of {}{}", result.converged_pairs,
                       counted(index_t(result.eigenvalues.size()), "pair"), kind);
  return fmt::format("NO: {} only{}", counted(result.converged_pairs, "pair"), kind);
}

/// Rows of numbers, indented; one row for numbers and vectors.
std::string text_of(const ObservableValue& value) {
  const bool matrix = value.shape == ObservableValue::Shape::matrix;
  const auto length = static_cast<std::size_t>(matrix ? value.cols : value.rows);
  // On a terminal rows are cut where they end, and go on a little further in.
  constexpr std::size_t left = 11, cell = 20;
  const std::size_t columns = terminal_columns(STDOUT_FILENO);
  const std::size_t fitting = columns == 0 ? length : std::max(columns, left + 2 + cell) - left - 2;
  const std::size_t a_line = columns == 0 ? length : fitting / cell;
  std::string text;
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    const std::size_t at = i % length;
    if (at % a_line == 0) text += std::string(at == 0 ? left : left + 2, ' ');
    text += fmt::format("{:<{}}", number(value, i), cell);
    if (at + 1 == length || (at + 1) % a_line == 0) {
      text.erase(text.find_last_not_of(' ') + 1);
      if (!value.note.empty()) text += "  " + value.note;
      text += "\n";
    }
  }
  return text;
}

std::string text_of(const Measured& measured) {
  std::string text = "\n" + measured.text + "\n";
  for (std::size_t i = 0; i < measured.values.size(); ++i) {
    const bool matrix = measured.values[i].shape == ObservableValue::Shape::matrix;
    text += (matrix && i > 0 ? "\n" : "") + text_of(measured.values[i]);
  }
  return text;
}

std::string form(Method method, OperatorForm operator_form) {
  return fmt::format("{}, {} operator", to_string(method), to_string(operator_form));
}

}  // namespace

std::string to_text(const EighReport& report) {
  const auto& [command, problem, result, cost, observables, saved, sectors, verbose] = report;
  std::string text = head(problem, result.dimension, result.scalar) + "\n";
  const bool ground = command == "ground" && !result.eigenvalues.empty();
  const bool one = ground && result.eigenvalues.size() == 1;
  if (ground) text += line("energy", value_text(result.eigenvalues.front()));
  if (ground && sectors != nullptr)
    text += line("", "the lowest of the sectors below");
  else if (ground && !problem.sector.empty())
    text += line("", "the lowest of this sector; --all-sectors looks at every one");
  if (one) text += line("residual", " " + residual_text(result.residuals.front()));
  if (!one) text += (ground ? "\n" : "") + table(result, ground ? "level" : "pair");
  for (const auto& measured : without_noise(observables)) text += text_of(measured);
  if (sectors != nullptr) text += "\n" + sector_table(*sectors);
  text += "\n" + line("converged", pairs(result));
  if (!result.certificate.empty())
    text += line("certified",
                 (result.certified.value_or(false) ? "yes: " : "NO: ") + result.certificate);
  text += line("method", form(result.method, result.form));
  if (!result.reason.empty() && (verbose || !result.converged)) text += line("", result.reason);
  const std::string check =
      result.certify_products > 0
          ? fmt::format(", {} for the certificate", grouped(result.certify_products))
          : "";
  const std::string in =
      result.iterations > 0 ? " in " + counted(result.iterations, "iteration") : "";
  text += line("products", grouped(result.products) + in + check);
  if (!saved.empty()) text += line("saved", saved);
  return text + cost_lines(cost, result.memory_estimate_bytes);
}

std::string to_text(const MeasureReport& report) {
  const auto& [problem, scalar, file, cost, observables] = report;
  std::string text = head(problem, problem.dimension, scalar);
  for (const auto& measured : without_noise(observables)) text += text_of(measured);
  return text + "\n" +
         line("states", fmt::format("{} of {}", observables.front().values.size(), file)) +
         cost_lines(cost, std::nullopt);
}

namespace {

/// What ranks on machines of their own tell each other in one product.
std::string text_of(const ProductLoads& loads) {
  const std::string about = loads.counted ? "" : "about ";
  return line("exchange",
              fmt::format("{}{} to the rank that receives most, {} to all, a product: {:.3g} bytes "
                          "a state",
                          about, format_bytes(loads.received_rank_bytes),
                          format_bytes(loads.received_bytes), loads.bytes_per_state())) +
         line("",
              fmt::format("in {} from {}", counted(std::llround(loads.messages_rank), "message"),
                          counted(loads.partners, "rank"))) +
         line("balance", fmt::format("largest rank over mean: rows {:.3f}, work {:.3f}",
                                     loads.row_imbalance(), loads.work_imbalance));
}

}  // namespace

std::string to_text(const PlanReport& report) {
  const auto& [problem, plan, suggestion, symmetries, found, ranks, threads, product, loads,
               verbose] = report;
  std::string text = head(problem, plan.dimension, plan.scalar) + "\n";
  text += line("method", form(plan.method, plan.form));
  // What follows the first reason weighs operations against entries.
  text +=
      line("", verbose ? plan.reason : plan.reason.substr(0, plan.reason.find("; better than")));
  std::istringstream lines(verbose ? product : "");
  std::string label = "product";
  for (std::string of_product; std::getline(lines, of_product); label.clear())
    text += line(label, of_product);
  text += line("memory", fmt::format("{} on the largest rank, {} together: {}",
                                     format_bytes(double(plan.memory_rank_bytes)),
                                     format_bytes(double(plan.memory_estimate_bytes)),
                                     plan.fits ? "fits" : "DOES NOT FIT"));
  text += line("on", where(ranks, threads));
  if (loads) text += text_of(*loads);
  const auto options = [](const SectorSuggestion& s) {
    std::string words;
    for (const auto& condition : s.conditions) words += " --sector " + condition;
    return words;
  };
  // Options stand on lines of their own, to be copied whole.
  if (suggestion || symmetries || found)
    text += line("smaller",
                 "in one sector of several. The ground state may be in another: kronsolve levels "
                 "and ground --all-sectors look at each.");
  if (suggestion)
    text += line("", counted(suggestion->dimension, "state") + " with") +
            fmt::format("{:<10}{}\n", "", options(*suggestion));
  if (symmetries)
    text += line("", counted(symmetries->dimension, "state") + " with") +
            fmt::format("{:<10}{}\n", "", options(*symmetries));
  if (found) {
    text += line("", counted(found->sector.dimension, "state") + " with") +
            fmt::format("{:<10}{}\n", "", options(found->sector));
    text += line("found", fmt::format("permutations of the sites, a group of {}; each alone:",
                                      counted(found->group, "element")));
    for (const auto& g : found->generators)
      text +=
          line(g.name, fmt::format("order {}, {} with", g.order, counted(g.dimension, "state"))) +
          fmt::format("{:<10} --sector {}\n", "", g.condition);
    if (!found->relations.empty()) text += line("relations", joined(found->relations, ", "));
  }
  return text;
}

Cost measure_cost(const Comm& comm, const Phases& phases) {
  const auto now = Clock::now();
  Cost cost;
  cost.ranks = comm.size();
  cost.threads = num_threads();
  cost.setup_seconds = seconds_between(phases.start, phases.solve) + phases.setup_seconds;
  cost.solve_seconds = seconds_between(phases.solve, phases.measure) - phases.setup_seconds;
  cost.measure_seconds = seconds_between(phases.measure, now);
  cost.total_seconds = seconds_between(phases.start, now);
  cost.peak_rss_rank_bytes = comm.all_reduce(peak_resident_memory(), Reduce::max);
  cost.peak_rss_bytes = comm.all_reduce(peak_resident_memory());
  return cost;
}

void print_result(const std::string& text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written)
    throw IoError("stdout",
                  detail::concat("cannot write the result to stdout: ", std::strerror(errno)));
}

}  // namespace kronsolve::cli
