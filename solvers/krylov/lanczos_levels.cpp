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
std::optional<Estimate> LanczosSolver<T>::next_level(const std::vector<Level>& known,
                                                     double coupling) const {
  for (std::size_t i = known.size(); i < t_.size(); ++i) {
    Estimate e{dense::tridiagonal_pair(t_.diagonal, t_.below, end_, i), 0};
    e.bound = coupling * std::abs(e.pair.vector.back());
    const double same = 8 * wanted_bound(e);
    const bool copy = std::any_of(known.begin(), known.end(), [&](const Level& level) {
      return std::abs(level.value - e.pair.value) <= same;
    });
    if (!copy) return e;
  }
  return std::nullopt;
}

/// From the end inwards: a level counts once the one before it does.
template <Scalar T>
std::vector<typename LanczosSolver<T>::Level> LanczosSolver<T>::find_levels(Search* search) {
  constexpr index_t longest = 1500;
  // So many steps exhaust the space, but for rounding: then values settle.
  const auto most = static_cast<std::size_t>(std::min({longest, max_steps_, 4 * map_.rows() + 10}));
  constexpr double room = 0.5;  // for what Gram-Schmidt adds to a residual
  std::vector<Level> levels;
  double bound_over_wanted = std::numeric_limits<double>::infinity();
  begin_cycle();
  while (true) {
    keep_while_they_fit();
    const bool more = step(t_);
    const std::size_t m = t_.size();
    const bool last = !more || m >= most;
    if (!last && !due_for_check(m, bound_over_wanted)) continue;
    while (static_cast<index_t>(levels.size()) < options_.k) {
      auto e = next_level(levels, more ? t_.below.back() : 0);
      if (!e) break;
      report(*e, std::ssize(levels));
      bound_over_wanted = e->bound / (room * wanted_bound(*e));
      const bool converged = bound_over_wanted <= 1;
      if (search != nullptr) {
        search->next_value = e->pair.value;
        search->converged = converged;
        if (stopped(*e, converged)) return levels;
      }
      if (!converged) break;
      levels.push_back({e->pair.value, std::move(e->pair.vector)});
    }
    if (last || static_cast<index_t>(levels.size()) == options_.k) return levels;
  }
}

/// Adds up the vectors of all levels while the recurrence runs again: the last level, which takes
/// the most steps, as part of the step, the others for several steps at a time.
template <Scalar T>
void LanczosSolver<T>::form_levels_again(const std::vector<Level>& levels) {
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
    norm2 = norm2_after(j, norm2);
    repeat_step(j, last[j + 1] * scalings_[j] / std::sqrt(norm2), found_.column(others));
  }
  flush();
}

template <Scalar T>
void LanczosSolver<T>::form_levels(const std::vector<Level>& levels) {
  for (index_t i = 0; i < std::ssize(levels); ++i) vec::set_zero<T>(found_.column(i));
  if (kept_.empty()) return form_levels_again(levels);
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
  scale_ = options_.scale;
  history_.clear();
  stream_ = 0;
  start_randomly();
  const auto levels = find_levels();
  if (levels.empty()) return {};
  form_levels(levels);
  auto pairs = check_levels(std::ssize(levels));
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
  start_randomly();
  Search result;
  const auto levels = find_levels(&result);
  if (levels.empty()) return result;
  found_ = DistributedVectors<T>(map_.row_partition(), comm_.rank(), std::ssize(levels));
  form_levels(levels);
  for (const Pair& pair : check_levels(std::ssize(levels))) {
    result.found.eigenvalues.push_back(pair.value);
    result.found.residuals.push_back(pair.residual);
  }
  result.found.vectors = std::move(found_);
  return result;
}

template class LanczosSolver<double>;
template class LanczosSolver<std::complex<double>>;

}  // namespace kronsolve::krylov
