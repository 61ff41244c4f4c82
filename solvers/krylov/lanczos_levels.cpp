// Several levels of one Lanczos recurrence.

#include <algorithm>
#include <cmath>
#include <numeric>

#include <kronsolve/operators/vector_operations.hpp>

#include "solvers/krylov/lanczos_solver.hpp"

namespace kronsolve::krylov {

/// The outermost value of the projected matrix that is none of the known levels, nor a copy of one:
/// without reorthogonalisation the recurrence finds a level again some time after it has converged.
template <Scalar T>
auto LanczosSolver<T>::next_level(double coupling) const -> std::optional<Candidate> {
  for (std::size_t i = levels_.size(); i < t_.size(); ++i) {
    Estimate e{dense::tridiagonal_pair(t_.diagonal, t_.below, end_, i), 0};
    e.bound = coupling * std::abs(e.pair.vector.back());
    const double same = 8 * wanted_bound(e);
    const bool copy = std::any_of(levels_.begin(), levels_.end(), [&](const Level& level) {
      return std::abs(level.value - e.pair.value) <= same;
    });
    if (!copy) return Candidate{std::move(e), i};
  }
  return std::nullopt;
}

/// From the end inwards: a level counts once the one before it does.
template <Scalar T>
void LanczosSolver<T>::find_levels(Search* search) {
  constexpr index_t longest = 1500;
  // So many steps exhaust the space, but for rounding: then values settle.
  const auto most = static_cast<std::size_t>(std::min({longest, max_steps_, 4 * map_.rows() + 10}));
  constexpr double room = 0.5;  // for what Gram-Schmidt adds to a residual
  if (place_.pass == Pass::none) begin_cycle();
  place_.pass = Pass::levels;
  while (true) {
    stage_->step();
    keep_while_they_fit();
    const bool more = step(t_);
    const std::size_t m = t_.size();
    const bool last = !more || m >= most;
    if (!last && !due_for_check(m, place_.bound_over_wanted)) continue;
    while (std::ssize(levels_) < options_.k) {
      auto next = next_level(more ? t_.below.back() : 0);
      if (!next) break;
      Estimate& e = next->estimate;
      report(e, std::ssize(levels_));
      place_.bound_over_wanted = e.bound / (room * wanted_bound(e));
      const bool converged = place_.bound_over_wanted <= 1;
      if (search != nullptr) {
        search->next_value = e.pair.value;
        search->converged = converged;
        if (stopped(e, converged)) return;
      }
      if (!converged) break;
      levels_.push_back({e.pair.value, next->place, std::move(e.pair.vector)});
    }
    if (last || std::ssize(levels_) == options_.k) return;
  }
}

/// Adds up the vectors of all levels while the recurrence runs again: the last level, which takes
/// the most steps, as part of the step, the others for several steps at a time.
template <Scalar T>
void LanczosSolver<T>::form_levels_again() {
  const auto& levels = levels_;
  place_.pass = Pass::forming;
  const auto others = static_cast<index_t>(levels.size()) - 1;
  DistributedVectors<T> batch(map_.row_partition(), comm_.rank(),
                              std::min(lanczos_batch, std::max<index_t>(1, others)));
  std::vector<std::vector<T>> weights;  // of each vector in the batch, by level
  const auto flush = [&] {
    const auto count = static_cast<index_t>(weights.size());
    if (count == 0) return;
    std::vector<T> combination;
    for (std::size_t i = 0; i < static_cast<std::size_t>(others); ++i)
      for (const auto& of_vector : weights) combination.push_back(of_vector[i]);
    vec::add_combinations<T>(T(1), vec::Columns<T>(batch, 0, count), combination, found_, 0,
                             others);
    weights.clear();
  };
  const auto& last = levels.back().vector;
  double norm2 = start_norm2_;
  start_randomly();
  vec::set_zero<T>(previous_.span());
  vec::axpy<T>(T(last[0] / std::sqrt(norm2)), std::as_const(current_).span(),
               found_.column(others));
  for (std::size_t j = 0; j < last.size(); ++j) {
    if (others > 0 && j < levels[static_cast<std::size_t>(others) - 1].vector.size()) {
      vec::copy<T>(std::as_const(current_).span(), batch.column(std::ssize(weights)));
      auto& of_vector = weights.emplace_back();
      for (std::size_t i = 0; i < static_cast<std::size_t>(others); ++i) {
        const auto& s = levels[i].vector;
        of_vector.push_back(T(j < s.size() ? s[j] / std::sqrt(norm2) : 0));
      }
      if (std::ssize(weights) == batch.count()) flush();
    }
    if (j + 1 == last.size()) break;
    stage_->step();
    norm2 = norm2_after(j, norm2);
    repeat_step(j, last[j + 1] * scalings_[j] / std::sqrt(norm2), found_.column(others));
    report_again(j + 1, last.size());
  }
  flush();
}

template <Scalar T>
void LanczosSolver<T>::form_levels() {
  const auto& levels = levels_;
  for (index_t i = 0; i < std::ssize(levels); ++i) vec::set_zero<T>(found_.column(i));
  if (kept_.empty()) return form_levels_again();
  for (std::size_t i = 0; i < levels.size(); ++i)
    for (std::size_t j = 0; j < levels[i].vector.size(); ++j)
      vec::axpy<T>(T(levels[i].vector[j] / std::sqrt(kept_norm2_[j])),
                   std::as_const(kept_[j]).span(), found_.column(static_cast<index_t>(i)));
  kept_.clear();
}

/// Makes the vectors orthonormal and finds their true residuals, one product each.
template <Scalar T>
std::vector<typename LanczosSolver<T>::Pair> LanczosSolver<T>::check_levels(index_t count) {
  std::vector<Pair> pairs;
  for (known_ = 0; known_ < count; ++known_) {
    const auto x = found_.column(known_);
    vec::scale<T>(1 / vec::norm<T>(comm_, x), x);
    deflate(x);
    deflate(x);
    vec::scale<T>(1 / vec::norm<T>(comm_, x), x);
    pairs.push_back(measure(known_));
  }
  judge(pairs, 0);
  return pairs;
}

/// The levels that one recurrence gives, each once; their columns come first. Those that have not
/// converged, or did not come up, are left to a recurrence of their own.
template <Scalar T>
std::vector<typename LanczosSolver<T>::Pair> LanczosSolver<T>::solve_levels() {
  history_.clear();
  if (place_.pass == Pass::none) {
    scale_ = options_.scale;
    stream_ = 0;
    start_randomly();
  }
  if (place_.pass != Pass::forming) find_levels();
  if (levels_.empty()) return {};
  form_levels();
  auto pairs = check_levels(std::ssize(levels_));
  std::vector<std::size_t> order(static_cast<std::size_t>(options_.k));
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto done = [&](std::size_t i) {
    return i < pairs.size() && (pairs[i].converged || !pairs[i].limit.empty());
  };
  std::stable_partition(order.begin(), order.end(), done);
  found_.permute(order);
  std::erase_if(pairs, [](const Pair& pair) { return !pair.converged && pair.limit.empty(); });
  return pairs;
}

template <Scalar T>
typename LanczosSolver<T>::Search LanczosSolver<T>::search() {
  products_before_ = map_.products();
  CheckpointStage stage(options_.checkpoint, "search",
                        [&](CheckpointWriter& writer) { write(writer); });
  stage_ = &stage;
  Search result;
  if (const auto* saved = stage.saved())
    restore(*saved);
  else
    start_randomly();
  if (place_.pass != Pass::forming) find_levels(&result);
  if (levels_.empty()) return result;
  found_ = DistributedVectors<T>(map_.row_partition(), comm_.rank(), std::ssize(levels_));
  form_levels();
  for (const Pair& pair : check_levels(std::ssize(levels_))) {
    result.found.eigenvalues.push_back(pair.value);
    result.found.residuals.push_back(pair.residual);
  }
  result.found.vectors = std::move(found_);
  return result;
}

template class LanczosSolver<double>;
template class LanczosSolver<std::complex<double>>;

}  // namespace kronsolve::krylov
