#include "cli/exact_checks.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include <kronsolve/core/error.hpp>

#include "cli/guard.hpp"

namespace kronsolve::cli {

namespace {

using std::numbers::pi;

/// Energies of the free fermions that an open chain of Sx Sx + Sy Sy - bz Sz is, by Jordan and
/// Wigner; the chain has their sum over the filled ones, and bz N / 2.
std::vector<double> fermions(int sites, double bz = 0) {
  std::vector<double> energies;
  for (int k = 1; k <= sites; ++k) energies.push_back(std::cos(pi * k / (sites + 1)) - bz);
  return energies;
}

double xy_ground(int sites, double bz = 0) {
  double energy = bz * sites / 2;
  for (const double e : fermions(sites, bz)) energy += std::min(0.0, e);
  return energy;
}

double xy_thermal_energy(int sites, double temperature) {
  double energy = 0;
  for (const double e : fermions(sites)) energy += e / (1 + std::exp(e / temperature));
  return energy;
}

/// Open Ising chain with jz = 1 at bx = 1/2, its critical point.
double critical_ising(int sites) { return (1 - 1 / std::sin(pi / (4 * sites + 2))) / 4; }

/// Two sites of the Hubbard model with t = 1 and an electron of each spin.
double hubbard_pair(double u) { return u / 2 - std::sqrt(u * u / 4 + 4); }

/// The ring of four: H = (S^2 - S_02^2 - S_13^2) / 2 with spins S_02 and S_13 of 0 or 1.
std::vector<double> ring_of_four() { return {-2, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}; }

/// The three highest levels of a Heisenberg ring with Sz = 0: no magnon, and one that moves slowly
/// to either side.
std::vector<double> slow_magnons(int sites) {
  const double top = sites / 4.0, next = top - (1 - std::cos(2 * pi / sites));
  return {next, next, top};
}

/// <Sz> of the first site of an open chain of Sx Sx + Sy Sy whose only down spin began there.
double magnon_left_behind(int sites, double time) {
  double re = 0, im = 0;
  for (int k = 1; k <= sites; ++k) {
    const double angle = pi * k / (sites + 1), weight = 2 * std::pow(std::sin(angle), 2);
    re += weight * std::cos(std::cos(angle) * time) / (sites + 1);
    im += weight * std::sin(std::cos(angle) * time) / (sites + 1);
  }
  return 0.5 - (re * re + im * im);
}

/// Spins that hop in the plane of x and z, in a field along y: imaginary numbers are in its matrix.
std::string complex_chain(int sites) {
  return fmt::format("--model heisenberg --sites {} -p jx=1 -p jy=0 -p jz=1 -p by=0.3", sites);
}

std::vector<ExactCheck> own_methods() {
  const double majumdar_ghosh = -3.0 * 12 / 8;
  return {
      {"whole spectrum of a ring", "eigh --model heisenberg --sites 4 --cyclic -k all",
       "/eigenvalues", ring_of_four()},
      {"free fermions",
       "ground --model xy --sites 16 --method lanczos --operator matrix-free",
       "/energy",
       {xy_ground(16)}},
      {"the same, rows stored",
       "ground --model xy --sites 12 --method lanczos --operator assembled",
       "/energy",
       {xy_ground(12)}},
      {"imaginary numbers",
       "ground " + complex_chain(12) + " --method lanczos --operator matrix-free",
       "/energy",
       {xy_ground(12, 0.3)}},
      {"critical Ising chain",
       "ground --model ising --sites 12 -p bx=1/2 --method lobpcg",
       "/energy",
       {critical_ising(12)}},
      {"electrons with signs",
       "ground --model hubbard --sites 2 -p U=3 --sector nup=1 --sector ndown=1",
       "/energy",
       {hubbard_pair(3)}},
      {"a momentum sector",
       "ground --model j1j2 --sites 12 --cyclic --sector sz=0 --sector momentum=0",
       "/energy",
       {majumdar_ghosh}},
      {"two levels that are equal",
       "eigh --model j1j2 --sites 12 --cyclic --sector sz=0 -k 2",
       "/eigenvalues",
       {majumdar_ghosh, majumdar_ghosh}},
      {"nearest to a value, by a filter",
       "eigh --model heisenberg --sites 12 --cyclic --sector sz=0 --sigma 3.1 -k 3 --method filter",
       "/eigenvalues", slow_magnons(12)},
      {"largest singular value",
       "svds --model xy --sites 10",
       "/singular_values",
       {-xy_ground(10)}},
      {"energy at a temperature",
       "thermal --model xy --sites 8 --temperature 0.5",
       "/energy",
       {xy_thermal_energy(8, 0.5)}},
  };
}

std::vector<ExactCheck> engine_methods() {
  using enum ExactCheck::Needs;
  const std::string ring =
      "eigh --model heisenberg --sites 12 --cyclic --sector sz=0 --method slepc ";
  double top = 0.3 * 10 / 2;
  for (const double e : fermions(10, 0.3)) top += std::max(0.0, e);
  return {
      {"Krylov-Schur",
       "ground --model xy --sites 12 --method slepc --operator assembled",
       "/energy",
       {xy_ground(12)},
       real_engine},
      {"Krylov-Schur on our product",
       "ground --model xy --sites 12 --method slepc --operator matrix-free",
       "/energy",
       {xy_ground(12)},
       real_engine},
      {"nearest to a value, by factors", ring + "--sigma 3.1 -k 3", "/eigenvalues",
       slow_magnons(12), real_factors},
      {"every level of an interval", ring + "--interval 2.8,3.1", "/eigenvalues", slow_magnons(12),
       real_factors},
      {"Krylov-Schur",
       "ground " + complex_chain(10) + " --method slepc",
       "/energy",
       {xy_ground(10, 0.3)},
       complex_engine},
      {"nearest to a value, by factors",
       fmt::format("eigh {} --method slepc --sigma {:.6g}", complex_chain(10), top + 0.1),
       "/eigenvalues",
       {top},
       complex_factors},
  };
}

std::vector<double> numbers(const Json& value) {
  if (!value.is_array()) return {value.get<double>()};
  return value.get<std::vector<double>>();
}

}  // namespace

const std::vector<ExactCheck>& exact_checks() {
  static const std::vector<ExactCheck> all = [] {
    auto checks = own_methods();
    for (auto& check : engine_methods()) checks.push_back(std::move(check));
    return checks;
  }();
  return all;
}

ExactCheck magnon_check() {
  return {
      "a magnon in time",
      "evolve --model xy --sites 12 --state d" + std::string(11, 'u') + " --time 7 --observe sz:0",
      "/observables/sz:0",
      {-0.5, magnon_left_behind(12, 7)}};
}

std::string verdict(const ExactCheck& check, const Answer& answer) {
  constexpr double tolerance = 1e-9;  // the solves are asked for residuals of about 1e-10
  if (answer.status != exit_fine)
    throw Error(fmt::format("it ended with exit code {}", answer.status));
  const auto found = numbers(answer.json.at(Json::json_pointer(check.field)));
  if (found.size() != check.exact.size())
    throw Error(fmt::format("{} numbers, and not {}", found.size(), check.exact.size()));
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!(std::abs(found[i] - check.exact[i]) <= tolerance))
      throw Error(fmt::format("{:.12g}, and not {:.12g}", found[i], check.exact[i]));
  auto how = answer.json.value("method", "");
  if (const auto form = answer.json.value("operator", ""); !form.empty()) how += ", " + form;
  return how;
}

}  // namespace kronsolve::cli
