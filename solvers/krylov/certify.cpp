#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <kronsolve/solvers/certify.hpp>
#include <kronsolve/solvers/lanczos.hpp>
#include <kronsolve/solvers/tolerance.hpp>

#include "solvers/krylov/lanczos_solver.hpp"
#include "solvers/krylov/miss_probability.hpp"
#include "solvers/krylov/sorted_pairs.hpp"

namespace kronsolve {

namespace {

/// Rounds of insertion before giving up: each brings one missed pair or more.
constexpr index_t most_insertions = 1000;

/// The pairs' side of the spectrum, so that one comparison serves SA and LA.
struct Edge {
  bool lowest;
  double last;    ///< outermost pair asked for, the one next to the rest of the spectrum
  double margin;  ///< values closer than this are the same
  /// True if `value` should have been among the pairs.
  bool missed(double value) const { return lowest ? value < last - margin : value > last + margin; }
  /// Distance of the rest of the spectrum beyond the last pair.
  double gap(double value) const { return lowest ? value - last : last - value; }
};

double miss_bound(const Edge& edge, const LanczosOptions::Ritz& ritz, index_t n) {
  return krylov::miss_probability(edge.gap(ritz.value), std::abs(ritz.opposite_value - ritz.value),
                                  n, ritz.steps);
}

/// Puts pair number i in its place and drops the outermost one.
/// @param added  of each pair, whether it was put in
template <Scalar T>
void insert_pair(std::vector<double>& values, std::vector<double>& residuals,
                 DistributedVectors<T>& vectors, std::vector<bool>& added, const Edge& edge,
                 const Pairs<T>& pairs, std::size_t i) {
  std::size_t dropped = edge.lowest ? values.size() - 1 : 0;
  for (std::size_t j = 0; j < values.size(); ++j)  // of equal ones rather one that was put in
    if (added[j] && std::abs(values[j] - edge.last) <= edge.margin) dropped = j;
  values[dropped] = pairs.eigenvalues[i];
  residuals[dropped] = pairs.residuals[i];
  added[dropped] = true;
  const auto from = pairs.vectors.column(static_cast<index_t>(i));
  const auto to = vectors.column(static_cast<index_t>(dropped));
  std::copy(from.begin(), from.end(), to.begin());
  krylov::sort_pairs(values, residuals, added, vectors);
}

std::string describe(const Certificate& c, const Edge& edge) {
  const char* beyond = edge.lowest ? "below" : "above";
  std::string text =
      c.certified ? detail::concat("no level ", beyond, " ", edge.last, " outside the pairs: ")
                  : detail::concat("not certified: ");
  if (!c.certified)
    text += detail::concat("the search ", beyond, " ", edge.last,
                           " ended without an answer; raise max_iterations");
  else if (c.miss_probability < 1)
    text += detail::concat("missed with probability below ", c.miss_probability);
  else
    text += detail::concat("the next value has converged at ", c.next_value);
  if (c.inserted > 0)
    text += detail::concat("; ", c.inserted, " missed pair(s) were found and put in");
  return text;
}

}  // namespace

template <Scalar T>
Certificate certify_levels(const LinearMap<T>& map, std::vector<double>& values,
                           std::vector<double>& residuals, DistributedVectors<T>& vectors,
                           const CertifyOptions& options) {
  if (options.which != Which::SA && options.which != Which::LA)
    throw InvalidArgument("certify_levels: which must be SA or LA");
  if (values.empty() || values.size() != residuals.size() ||
      static_cast<index_t>(values.size()) != vectors.count())
    throw DimensionError(detail::concat("certify_levels: ", values.size(), " values, ",
                                        residuals.size(), " residuals and ", vectors.count(),
                                        " vectors are not k pairs each"));
  Certificate result;
  index_t before = map.products(), round = 0;
  double scale = 0;
  std::vector<bool> added(values.size(), false);
  const CheckpointStage stage(options.checkpoint, "certificate", [&](CheckpointWriter& writer) {
    index_t products = map.products() - before;
    writer.numbers("place", std::tie(round, scale, result.next_value, products));
    writer.numbers("values", values);
    writer.numbers("residuals", residuals);
    writer.numbers("added", std::vector<double>(added.begin(), added.end()));
    writer.vectors("vectors", vectors, vectors.count());
  });
  if (const auto* saved = stage.saved()) {
    index_t products = 0;
    saved->numbers("place", std::tie(round, scale, result.next_value, products));
    before -= products;
    values = saved->numbers("values");
    residuals = saved->numbers("residuals");
    const auto put_in = saved->numbers("added");
    for (std::size_t j = 0; j < added.size(); ++j) added[j] = put_in.at(j) != 0;
    saved->vectors("vectors", vectors, vectors.count());
  }
  const bool lowest = options.which == Which::SA;
  const auto edge_now = [&] {
    return Edge{lowest, lowest ? values.back() : values.front(), 4 * options.tol * scale};
  };
  if (map.rows() == vectors.count()) {
    result.certified = true;
    result.text = "all levels of the operator are among the pairs";
    return result;
  }
  if (stage.saved() == nullptr)
    scale = Tolerance<T>(map, options.tol)
                .template scale<T>(lowest ? values.back() : values.front(),
                                   std::as_const(vectors).column(lowest ? vectors.count() - 1 : 0));
  for (; round < most_insertions; ++round) {
    const Edge edge = edge_now();
    double probability = 1;
    LanczosOptions search{.k = static_cast<index_t>(values.size()),
                          .which = options.which,
                          .tol = options.tol,
                          .scale = scale,
                          .max_iterations = options.max_iterations,
                          .seed = options.seed + 1 + static_cast<std::uint64_t>(round),
                          .distinct = true,
                          .checkpoint = options.checkpoint};
    search.stop = [&](const LanczosOptions::Ritz& ritz) {
      if (edge.missed(ritz.value)) return false;
      probability = miss_bound(edge, ritz, map.rows());
      return ritz.converged || probability <= options.miss_probability;
    };
    // Levels that were missed are computed as well as the others, all that this recurrence shows;
    // then it looks again.
    const auto rest = krylov::LanczosSolver<T>(map, search, vectors).search();
    result.next_value = rest.next_value;
    bool any = false;
    for (std::size_t i = 0; i < rest.found.eigenvalues.size(); ++i) {
      const Edge now = edge_now();
      if (!now.missed(rest.found.eigenvalues[i])) continue;
      insert_pair(values, residuals, vectors, added, now, rest.found, i);
      any = true;
    }
    if (any) continue;
    const bool unlikely = probability <= options.miss_probability;
    result.certified = !edge.missed(rest.next_value) && (unlikely || rest.converged);
    result.miss_probability = unlikely ? probability : 1;
    break;
  }
  result.inserted = std::count(added.begin(), added.end(), true);
  result.products = map.products() - before;
  result.text = describe(result, edge_now());
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                    \
  template Certificate certify_levels(const LinearMap<T>&, std::vector<double>&,    \
                                      std::vector<double>&, DistributedVectors<T>&, \
                                      const CertifyOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
