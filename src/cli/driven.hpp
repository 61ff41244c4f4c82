#pragma once
// Operators that depend on time: what [[drive]] of an operator file adds to the rest.

#include <memory>
#include <vector>

#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/operator_map.hpp>

#include "cli/problem.hpp"

namespace kronsolve::cli {

/// All terms that the operator ever has: what decides on its scalar, its memory and its product.
SectorOperator all_terms(const Problem& problem);
/// The operator at one time.
SectorOperator operator_at(const Problem& problem, double time);

/// Times between two others at which a drive jumps or is abrupt, ascending.
/// @throws InvalidArgument  a table that ends before
std::vector<double> abrupt_times(const Problem& problem, double begin, double end);

/// H(t) and the products that it consists of.
template <Scalar T>
struct DrivenOperator {
  std::vector<std::unique_ptr<LinearMap<T>>> maps;
  TimeDependentOperator<T> sum;
};
/// Collective.
template <Scalar T>
DrivenOperator<T> driven_operator(const Comm& comm, const Problem& problem, OperatorForm form) {
  DrivenOperator<T> result;
  const auto& h = std::get<SectorOperator>(problem.op);
  const auto add = [&](const OpSum& op, std::function<double(double)> coefficient) {
    if (op.terms().empty()) return;
    result.maps.push_back(make_operator_map<T>(comm, SectorOperator{op, h.basis}, form));
    result.sum.terms.push_back({std::move(coefficient), result.maps.back().get()});
  };
  add(h.op, [](double) { return 1.0; });
  for (const auto& drive : problem.drives) add(drive.op, drive.function.value);
  return result;
}

}  // namespace kronsolve::cli
