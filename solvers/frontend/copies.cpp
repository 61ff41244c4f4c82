#include "solvers/frontend/copies.hpp"

#include <algorithm>
#include <memory>
#include <optional>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/operators/local_rule.hpp>
#include <kronsolve/operators/site_symmetries.hpp>

#include "core/counted.hpp"
#include "operators/bases/group_action.hpp"
#include "operators/states/moved_state.hpp"
#include "solvers/krylov/sorted_pairs.hpp"

namespace kronsolve::frontend {

namespace {

SitePermutation after(const SitePermutation& second, const SitePermutation& first) {
  SitePermutation both(first.size());
  for (std::size_t i = 0; i < first.size(); ++i)
    both[i] = second[static_cast<std::size_t>(first[i])];
  return both;
}

/// Every irreducible representation has one dimension; of real matrices also those that are complex
/// come as two copies, one of each pair of complex conjugates.
bool without_copies(const std::vector<SitePermutation>& symmetries, bool complex) {
  for (const auto& a : symmetries) {
    const auto twice = after(a, a);
    if (!complex && !std::is_sorted(twice.begin(), twice.end())) return false;
    for (const auto& b : symmetries)
      if (after(a, b) != after(b, a)) return false;
  }
  return true;
}

/// The pairs of one end of the spectrum, of which some have been looked at.
template <Scalar T>
class Copies {
 public:
  Copies(const LinearMap<T>& map, const EighOptions& o, PairsReport& pairs,
         DistributedVectors<T>& vectors)
      : map_(map),
        tolerance_(map, o.tol),
        lowest_(o.which == Which::SA),
        pairs_(pairs),
        vectors_(vectors),
        looked_at_(pairs.eigenvalues.size(), false),
        moved_(map.row_range().size()),
        image_(map.row_range().size()),
        rest_(map.row_range().size()),
        product_(map.row_range().size()) {}

  index_t put_in_all(const std::vector<Symmetry<T>>& symmetries) {
    index_t put_in = 0;
    while (const auto next = next_pair()) {
      looked_at_[*next] = true;
      if (!find_copy(symmetries, static_cast<index_t>(*next))) continue;
      looked_at_[*next] = false;  // there may be more
      take_over();
      ++put_in;
    }
    return put_in;
  }

 private:
  std::size_t outermost() const { return lowest_ ? looked_at_.size() - 1 : 0; }
  /// Better by more than rounding than the pair that would have to go.
  bool has_a_place(double value) const {
    const double last = pairs_.eigenvalues[outermost()], margin = 1e3 * tolerance_.margin(last);
    return lowest_ ? value < last - margin : value > last + margin;
  }
  /// From the end of the spectrum inwards.
  std::optional<std::size_t> next_pair() const {
    for (std::size_t i = 0; i < looked_at_.size(); ++i) {
      const std::size_t at = lowest_ ? i : looked_at_.size() - 1 - i;
      if (!looked_at_[at] && has_a_place(pairs_.eigenvalues[at])) return at;
    }
    return std::nullopt;
  }

  /// A walk through the images of a vector, until one has enough outside the pairs.
  bool find_copy(const std::vector<Symmetry<T>>& symmetries, index_t j) {
    constexpr double a_trace = 0.02, enough = 0.6;
    constexpr std::size_t long_walk = 12;
    vec::copy<T>(std::as_const(vectors_).column(j), image_.span());
    std::size_t steps = symmetries.size();
    for (std::size_t step = 0; step < steps; ++step) {
      symmetries[step % symmetries.size()](image_.span(), moved_.span());
      std::swap(image_, moved_);
      vec::copy<T>(std::as_const(image_).span(), rest_.span());
      const double left =
          vec::project_out<T>(map_.comm(), {vectors_, 0, vectors_.count()}, rest_.span()).norm;
      if (left > a_trace) steps = std::max(symmetries.size(), long_walk);
      if (left < enough) continue;
      vec::scale<T>(1 / left, rest_.span());
      copy_ = measure<T>(map_, rest_.span(), product_.span());
      if (has_a_place(copy_.value) &&
          tolerance_.reached(copy_.residual, tolerance_.template scale<T>(
                                                 copy_.value, std::as_const(rest_).span())))
        return true;
    }
    return false;
  }

  /// In place of the outermost pair; the others make room.
  void take_over() {
    const std::size_t at = outermost();
    pairs_.eigenvalues[at] = copy_.value;
    pairs_.residuals[at] = copy_.residual;
    looked_at_[at] = false;
    vec::copy<T>(std::as_const(rest_).span(), vectors_.column(static_cast<index_t>(at)));
    krylov::sort_pairs(pairs_.eigenvalues, pairs_.residuals, looked_at_, vectors_);
  }

  const LinearMap<T>& map_;
  Tolerance<T> tolerance_;
  bool lowest_;
  PairsReport& pairs_;
  DistributedVectors<T>& vectors_;
  std::vector<bool> looked_at_;
  Buffer<T> moved_, image_, rest_, product_;
  MeasuredPair copy_{};
};

}  // namespace

template <Scalar T>
std::vector<Symmetry<T>> symmetries_between_copies(const Comm& comm, const SectorOperator& h) {
  const auto basis = h.basis;
  // Beyond 64 bits the recurrences find the copies by themselves.
  if (basis->symmetries() != nullptr || !basis->is_listed() || !detail::have_names(basis->code()))
    return {};
  auto images = site_symmetries(h.op);
  std::erase_if(images, [&](const auto& image) {
    return !keeps_rules(basis->rules(), basis->spaces(), image, SpinFlip::no);
  });
  if (without_copies(images, is_complex<T>)) return {};
  std::vector<Symmetry<T>> symmetries;
  for (const auto& image : images)
    symmetries.push_back(
        [&comm, basis, move = std::make_shared<const detail::SiteMove>(*basis, image)](
            std::span<const T> x, std::span<T> y) { (*move)(StateView<T>(comm, *basis, x), y); });
  return symmetries;
}

template <Scalar T>
void put_in_copies(const EighProblem<T>& problem, const LinearMap<T>& map, const EighOptions& o,
                   PairsReport& pairs, DistributedVectors<T>& vectors) {
  const bool end = o.which == Which::SA || o.which == Which::LA;
  if (!end || o.k < 2 || !o.certify || !pairs.converged || count_against(o) > 0 ||
      !problem.symmetries || vectors.count() != std::ssize(pairs.eigenvalues))
    return;
  const auto symmetries = problem.symmetries();
  if (symmetries.empty()) return;
  const index_t before = map.products();
  const index_t put_in = Copies<T>(map, o, pairs, vectors).put_in_all(symmetries);
  pairs.products += map.products() - before;
  if (put_in == 0) return;
  vec::fix_phases(map.comm(), vectors);
  pairs.reason += detail::concat("; symmetries gave ", detail::counted(put_in, "pair"),
                                 " of degenerate levels");
}

#define KRONSOLVE_DEFINE(T)                                                                        \
  template std::vector<Symmetry<T>> symmetries_between_copies(const Comm&, const SectorOperator&); \
  template void put_in_copies(const EighProblem<T>&, const LinearMap<T>&, const EighOptions&,      \
                              PairsReport&, DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_DEFINE)

}  // namespace kronsolve::frontend
