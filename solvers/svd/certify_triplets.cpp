#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/lanczos.hpp>

#include "solvers/krylov/miss_probability.hpp"
#include "solvers/svd/triplets.hpp"

namespace kronsolve::svd {

namespace {

/// Accepted probability, over random start vectors, of an unseen value beyond the last triplet.
constexpr double accepted = 1e-9;

/// Takes the k triplets at the wanted end of more of them.
template <Scalar T>
void keep_wanted(Triplets<T>& t, const SvdsOptions& options) {
  const auto surplus = static_cast<index_t>(t.values.size()) - options.k;
  if (surplus <= 0) return;
  const index_t first = options.which == SingularEnd::largest ? 0 : surplus;
  std::vector<index_t> positions(static_cast<std::size_t>(options.k));
  std::iota(positions.begin(), positions.end(), first);
  t.left.keep(positions);
  t.right.keep(positions);
  const auto pick = [&](std::vector<double>& numbers) {
    numbers = std::vector<double>(numbers.begin() + first, numbers.begin() + first + options.k);
  };
  pick(t.values);
  pick(t.residuals);
}

/// One look from a fresh start vector.
struct Look {
  bool missed = false, unlikely = false, settled = false;
  double probability = 1, next = 0;
};

template <Scalar T>
Look look_beyond(const TallView<T>& a, const Triplets<T>& t, const SvdsOptions& options,
                 std::uint64_t seed) {
  const bool largest = options.which == SingularEnd::largest;
  const double norm = t.norm > 0 ? t.norm : 1;
  const double last = largest ? t.values.back() : t.values.front();
  const double margin = 4 * residual_limit(options.tol, last, t.norm);
  // On the scale of A^H A / norm^2, where rounding is of the size of 1e-16.
  const auto square = [&](double s) { return (s / norm) * (s / norm); };
  const double edge = largest
                          ? std::max(square(last + margin), square(last) + 1e-14)
                          : std::min(square(std::max(0.0, last - margin)), square(last) - 1e-14);
  const CrossProduct<T> cross(a, norm);
  Look look;
  // Squares are not negative: what comes out below 0 is rounding.
  const auto beyond = [&](double value) {
    return largest ? value > edge : edge > 0 && value < edge;
  };
  LanczosOptions search{.which = largest ? Which::LA : Which::SA,
                        .tol = options.tol,
                        .scale = 1,
                        .seed = seed,
                        .vectors = Eigenvectors::skip,
                        .checkpoint = options.checkpoint};
  search.stop = [&](const LanczosOptions::Ritz& ritz) {
    const double gap = largest ? edge - ritz.value : ritz.value - edge;
    look.probability = krylov::miss_probability(gap, std::abs(ritz.value - ritz.opposite_value),
                                                a.cols(), ritz.steps);
    return beyond(ritz.value) || look.probability <= accepted;
  };
  const auto rest = lanczos<T>(cross, search, t.right);
  look.missed = beyond(rest.eigenvalues.front());
  look.unlikely = look.probability <= accepted;
  look.settled = rest.converged;
  look.next = a.unit() * norm * std::sqrt(std::max(0.0, rest.eigenvalues.front()));
  return look;
}

std::string describe(const Look& look, bool largest, double last, index_t inserted) {
  const char* beyond = largest ? "above" : "below";
  std::string text;
  if (look.unlikely)
    text =
        detail::concat("no singular value ", beyond, " ", last,
                       " outside the triplets: missed with probability below ", look.probability);
  else if (look.settled && !look.missed)
    text = detail::concat("no singular value ", beyond, " ", last,
                          " outside the triplets: the next one has converged at ", look.next);
  else
    text =
        detail::concat("not certified: the search ", beyond, " ", last, " ended without an answer");
  if (inserted > 0)
    text += detail::concat("; ", inserted, " missed triplet(s) were found and put in");
  return text;
}

}  // namespace

template <Scalar T>
TripletCertificate certify_triplets(const TallView<T>& a, Triplets<T>& t,
                                    const SvdsOptions& options) {
  TripletCertificate result;
  index_t before = a.products(), round = 0;
  bool adding = false;  // what was missed
  const auto place = [&] { return std::tie(round, adding, result.inserted, result.products); };
  const CheckpointStage stage(options.checkpoint, "certificate", [&](CheckpointWriter& writer) {
    result.products = a.products() - before;
    writer.numbers("place", place());
  });
  if (const auto* saved = stage.saved()) {
    saved->numbers("place", place());
    before -= result.products;
  }
  if (options.k == a.cols()) {
    result.certified = true;
    result.text = "all singular values of the operator are among the triplets";
    return result;
  }
  // What is orthogonal to vectors that are none of A's, and what is put in beside them, says nothing.
  if (!all_within(t, options.tol)) {
    result.text = "not certified: the triplets have not converged";
    return result;
  }
  const bool largest = options.which == SingularEnd::largest;
  if (!largest && t.values.front() <= residual_limit(options.tol, t.values.front(), t.norm)) {
    result.certified = true;
    result.text = "all triplets are of the value 0 to the tolerance, and there is none below";
    return result;
  }
  Look look;
  // Each round brings at least one missed triplet.
  const index_t most_rounds = 2 * options.k + 10;
  for (; round < most_rounds; ++round) {
    // A search never starts where another one did: what that one cannot see stays dark to this one.
    const auto fresh = [&](std::uint64_t number) {
      return options.seed + 0x9E3779B97F4A7C15u * (2 * static_cast<std::uint64_t>(round) + number);
    };
    if (!adding) look = look_beyond(a, t, options, fresh(1));
    adding = adding || look.missed;
    if (!adding) break;
    auto more = bidiagonal_svds(a, options, &t, fresh(2));
    if (!all_within(more, options.tol)) break;  // what is there is better
    keep_wanted(more, options);
    t = std::move(more);
    ++result.inserted;
    adding = false;
  }
  result.certified = !look.missed && (look.unlikely || look.settled);
  result.products = a.products() - before;
  result.text = describe(look, largest, a.unit() * (largest ? t.values.back() : t.values.front()),
                         result.inserted);
  return result;
}

#define KRONSOLVE_INSTANTIATE(T)                                                 \
  template TripletCertificate certify_triplets(const TallView<T>&, Triplets<T>&, \
                                               const SvdsOptions&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve::svd
