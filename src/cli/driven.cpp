#include "cli/driven.hpp"

#include <algorithm>

namespace kronsolve::cli {

namespace {

template <class Factor>
SectorOperator summed(const Problem& problem, Factor factor) {
  SectorOperator h = std::get<SectorOperator>(problem.op);
  for (const auto& drive : problem.drives) h.op += factor(drive) * drive.op;
  return h;
}

}  // namespace

SectorOperator all_terms(const Problem& problem) {
  // No factor of which something could cancel.
  double factor = 0.7390851332151607;
  return summed(problem, [&](const Drive&) { return factor *= factor; });
}

SectorOperator operator_at(const Problem& problem, double time) {
  return summed(problem, [&](const Drive& drive) { return drive.function.value(time); });
}

std::vector<double> abrupt_times(const Problem& problem, double begin, double end) {
  std::vector<double> all;
  for (const auto& drive : problem.drives) {
    const auto times = drive.function.abrupt(std::min(begin, end), std::max(begin, end));
    all.insert(all.end(), times.begin(), times.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace kronsolve::cli
