#include "cli/driven.hpp"

#include <algorithm>
#include <cmath>

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
  // Factors with which nothing cancels, all between 1 and 2.
  double part = 0;
  return summed(problem, [&](const Drive&) {
    part += 0.6180339887498949;
    return 1 + part - std::floor(part);
  });
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
