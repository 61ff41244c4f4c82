#include <algorithm>
#include <cmath>

#include <kronsolve/core/error.hpp>
#include <kronsolve/solvers/driven.hpp>

namespace kronsolve {

namespace {

template <class Factor>
SectorOperator summed(SectorOperator h, std::span<const Drive> drives, Factor factor) {
  for (const auto& drive : drives) h.op += factor(drive) * drive.op;
  return h;
}

}  // namespace

SectorOperator all_terms(const SectorOperator& h, std::span<const Drive> drives) {
  // Factors with which nothing cancels, all between 1 and 2.
  double part = 0;
  return summed(h, drives, [&](const Drive&) {
    part += 0.6180339887498949;
    return 1 + part - std::floor(part);
  });
}

SectorOperator operator_at(const SectorOperator& h, std::span<const Drive> drives, double time) {
  return summed(h, drives, [&](const Drive& drive) { return drive.function.value(time); });
}

std::vector<double> abrupt_times(std::span<const Drive> drives, double begin, double end) {
  std::vector<double> all;
  for (const auto& drive : drives) {
    if (!drive.function.abrupt) continue;
    const auto times = drive.function.abrupt(std::min(begin, end), std::max(begin, end));
    all.insert(all.end(), times.begin(), times.end());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

template <Scalar T>
DrivenOperator<T> driven_operator(const Comm& comm, const SectorOperator& h,
                                  std::span<const Drive> drives, OperatorForm form) {
  DrivenOperator<T> result;
  const auto add = [&](const OpSum& op, std::function<double(double)> coefficient) {
    if (op.terms().empty()) return;
    result.maps.push_back(make_operator_map<T>(comm, SectorOperator{op, h.basis}, form));
    result.sum.terms.push_back({std::move(coefficient), result.maps.back().get()});
  };
  add(h.op, [](double) { return 1.0; });
  for (const auto& drive : drives) add(drive.op, drive.function.value);
  return result;
}

EvolutionResult evolve(const Comm& comm, const SectorOperator& h, std::span<const Drive> drives,
                       const EvolutionState& psi, std::span<const double> times,
                       EvolutionOptions options, const EvolutionObserver& observer,
                       OperatorForm form) {
  if (drives.empty()) return evolve(comm, h, psi, times, options, observer, form);
  for (const auto& drive : drives)
    if (const auto term = drive.op.non_hermitian_part())
      throw InvalidArgument(detail::concat("evolve: what ", drive.function.text,
                                           " drives is not Hermitian: ", *term));
  if (options.method == EvolutionMethod::automatic) options.method = EvolutionMethod::integrate;
  const auto [first, last] = std::minmax_element(times.begin(), times.end());
  if (!times.empty())
    options.knots =
        abrupt_times(drives, std::min(options.start, *first), std::max(options.start, *last));
  const auto planned =
      prepare_evolution(comm, all_terms(h, drives), ScalarKind::complex, options, form);
  return std::visit(
      [&]<Scalar T>(const MapMaker<T>&) {
        const auto driven = driven_operator<T>(comm, h, drives, planned.plan.form);
        return std::visit(
            [&](const auto& state) { return evolve(driven.sum, state, times, options, observer); },
            psi);
      },
      planned.make_map);
}

#define KRONSOLVE_INSTANTIATE(T)                                                 \
  template DrivenOperator<T> driven_operator(const Comm&, const SectorOperator&, \
                                             std::span<const Drive>, OperatorForm);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
