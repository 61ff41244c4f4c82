#include <algorithm>
#include <cmath>
#include <numeric>

#include <kronsolve/core/random.hpp>
#include <kronsolve/operators/vector_operations.hpp>

#include "core/counted.hpp"
#include "solvers/krylov/lanczos_solver.hpp"

namespace kronsolve {

namespace krylov {

template <Scalar T>
double LanczosSolver<T>::deflate(std::span<T> x) {
  double squares = 0;
  for (const vec::Columns<T>& known :
       {vec::Columns<T>(against_), vec::Columns<T>(found_, 0, known_)}) {
    if (known.count == 0) continue;
    const auto overlaps = vec::inner<T>(comm_, known, x);
    vec::add_combination<T>(T(-1), known, overlaps, x);
    for (const T& overlap : overlaps) squares += std::norm(overlap);
  }
  return std::sqrt(squares);
}

/// What is known comes back into the recurrence, from rounding and because it is known up to a
/// residual only, and grows with each step; two clean vectors in a row stop that. Up to the root of
/// the rounding error it changes no digit of the projected matrix (semi-orthogonality: H. D. Simon
/// 1984, doi:10.1016/0024-3795(84)90025-9). How much has come back tells how long the next pause may
/// be.
template <Scalar T>
void LanczosSolver<T>::deflate_when_due(double& norm) {
  constexpr double rounding = 1e-16, harmless = 1e-9, too_much = 1e-8;
  constexpr std::size_t longest_pause = 16;
  const std::size_t j = deflation_.done.size();
  const bool due = deflated() > 0 && (j == deflation_.next || j == deflation_.next + 1);
  deflation_.done.push_back(due);
  if (!due) return;
  const double overlap = deflate(previous_.span());
  if (overlap > 1e-4 * norm)
    norm = vec::norm<T>(comm_, previous_.span());
  else
    norm *= std::sqrt(1 - (overlap / norm) * (overlap / norm));
  if (j == deflation_.next) {
    const double back = std::max(rounding, overlap / norm);
    if (deflation_.pause == 0) deflation_.of_one_step = std::max(back, deflation_.of_one_step);
    if (back > too_much)
      deflation_.pause /= 2;
    else if (back * (back / deflation_.of_one_step) <= harmless)  // after twice as many steps
      deflation_.pause = std::min(longest_pause, 2 * deflation_.pause + 1);
  } else {
    deflation_.next = j + 1 + deflation_.pause;
  }
}

/// The random vector becomes a small part of the guess. Its part in a level is what the recurrence
/// has to amplify if the guess has none.
template <Scalar T>
void LanczosSolver<T>::mix_with_guess() {
  constexpr double random_part = 1e-6;
  vec::scale<T>(random_part / vec::norm<T>(comm_, current_.span()), current_.span());
  const auto add = [&]<Scalar G>(std::span<const G> guess) {
    const double factor = 1 / vec::norm<G>(comm_, guess);
    for (std::size_t i = 0; i < guess.size(); ++i)
      current_.span()[i] += from_complex<T>(factor * guess[i]);
  };
  if (const auto* real = std::get_if<1>(&options_.start))
    add(*real);
  else
    add(std::get<2>(options_.start));
}

template <Scalar T>
void LanczosSolver<T>::start_randomly() {
  // No direction preferred. Among many rows the sum of many numbers is normal whatever they are.
  constexpr index_t many = 10000;
  if (map_.rows() < many)
    fill_normal(current_.span(), range_, options_.seed, stream_);
  else
    fill_uniform(current_.span(), range_, options_.seed, stream_);
  if (stream_ == 0 && options_.start.index() != 0) mix_with_guess();
  deflate(current_.span());
  deflate(current_.span());  // twice: the first pass leaves rounding errors of its own size
}

/// Multiplies both vectors by a power of two if the norm left the safe range; returns the factor.
template <Scalar T>
double LanczosSolver<T>::rescale(double norm2) {
  if (norm2 < largest_norm_squared && norm2 > 1 / largest_norm_squared) return 1;
  const double factor = std::ldexp(1.0, -std::ilogb(norm2) / 2);
  vec::scale<T>(factor, current_.span());
  vec::scale<T>(factor, previous_.span());
  return factor;
}

/// One product and one pass. Returns false when the space is exhausted (the next vector is zero to
/// rounding).
template <Scalar T>
bool LanczosSolver<T>::step(Tridiagonal& t) {
  const double beta2 = t.below.empty() ? 0 : t.below.back() * t.below.back();
  const T overlap = map_.apply_recurrence(current_.span(), beta2, previous_.span());
  const double alpha = real_part(overlap) / norm2_;
  double next = vec::subtract<T>(comm_, T(alpha), current_.span(), previous_.span());
  deflate_when_due(next);
  const double next2 = next * next;
  t.diagonal.push_back(alpha);
  const double below = std::sqrt(next2 / norm2_);
  t.below.push_back(below);
  std::swap(previous_, current_);
  ++steps_;
  const double scale =
      std::abs(alpha) + below + (t.below.size() > 1 ? t.below[t.below.size() - 2] : 0);
  norm2_ = next2;
  if (!(below > 1e-14 * scale) || !(next2 > 0)) return false;
  const double factor = rescale(next2);
  norm2_ *= factor * factor;
  scalings_.push_back(factor);
  return true;
}

template <Scalar T>
void LanczosSolver<T>::keep_current() {
  Buffer<T> copy(range_.size());
  std::copy(current_.data(), current_.data() + range_.size(), copy.data());
  kept_.push_back(std::move(copy));
  kept_norm2_.push_back(norm2_);
}

/// A check costs what a product with some ten thousand rows does. Near the end of a large problem
/// each step counts, once more in the second pass.
template <Scalar T>
bool LanczosSolver<T>::due_for_check(std::size_t m, double bound_over_wanted) const {
  constexpr index_t large = 200000;
  if (map_.rows() >= large && bound_over_wanted < 100) return true;
  return m < 4 || m % (m < 40 ? 4 : 8) == 0;
}

template <Scalar T>
bool LanczosSolver<T>::stopped(const Estimate& e, bool converged) const {
  if (!options_.stop) return false;
  const auto opposite =
      end_ == dense::SpectrumEnd::lowest ? dense::SpectrumEnd::highest : dense::SpectrumEnd::lowest;
  return options_.stop(
      {.value = e.pair.value,
       .bound = e.bound,
       .opposite_value = dense::tridiagonal_end(t_.diagonal, t_.below, opposite).value,
       .steps = static_cast<index_t>(t_.size()),
       .converged = converged});
}

/// Half the width of the projected spectrum stands for the scale of the level until its vector is
/// there. A vector will be checked explicitly: leave room for what rounding adds.
template <Scalar T>
double LanczosSolver<T>::wanted_bound(const Estimate& e) const {
  constexpr double room = 0.5;
  if (scale_) return room * options_.tol * *scale_;
  const double most = room * options_.tol * t_.half_width();
  if (e.bound > most) return most;
  const auto opposite =
      end_ == dense::SpectrumEnd::lowest ? dense::SpectrumEnd::highest : dense::SpectrumEnd::lowest;
  const double other = dense::tridiagonal_end(t_.diagonal, t_.below, opposite).value;
  return room * options_.tol * 0.5 * std::abs(other - e.pair.value);
}

template <Scalar T>
void LanczosSolver<T>::report(const Estimate& e, index_t found) {
  if (!options_.progress) return;
  Progress p;
  p.wanted = options_.k;
  p.converged = found;
  p.worst_residual = e.bound;
  p.best_value = e.pair.value;
  p.products = map_.products() - products_before_;
  p.iterations = steps_;
  p.seconds = seconds_since(began_);
  // The bound falls geometrically once the value is isolated: extrapolate from the last half of its
  // history.
  if (e.bound > 0 && std::isfinite(e.bound)) history_.emplace_back(p.seconds, e.bound);
  if (history_.size() >= 6) {
    const auto& [t0, r0] = history_[history_.size() / 2];
    const double rate = std::log(r0 / e.bound) / (p.seconds - t0);
    const double wanted = wanted_bound(e);
    if (rate > 0 && e.bound > wanted) p.remaining_seconds = std::log(e.bound / wanted) / rate;
  }
  // Vectors that are not kept are formed by the same steps once more.
  if (p.remaining_seconds && forms_vectors_ && kept_.empty())
    *p.remaining_seconds += p.seconds + *p.remaining_seconds - cycle_began_;
  again_.reset();
  told_ = p;
  options_.progress(p);
}

/// Of steps that run again: how many there are is known.
template <Scalar T>
void LanczosSolver<T>::report_again(std::size_t step, std::size_t steps) {
  constexpr index_t large = 200000;
  if (!options_.progress || (map_.rows() < large && step % 8 != 0)) return;
  told_.products = map_.products() - products_before_;
  told_.seconds = seconds_since(began_);
  told_.remaining_seconds.reset();
  if (!again_) again_ = {step, told_.seconds};
  const auto& [from, at] = *again_;
  if (step > from)
    told_.remaining_seconds = (told_.seconds - at) / double(step - from) * double(steps - step);
  options_.progress(told_);
}

template <Scalar T>
void LanczosSolver<T>::begin_cycle() {
  t_ = {};
  deflation_ = {};
  scalings_.clear();
  kept_.clear();
  kept_norm2_.clear();
  levels_.clear();
  cycle_began_ = seconds_since(began_);
  norm2_ = start_norm2_ = vec::norm_squared<T>(comm_, current_.span());
  vec::scale<T>(0, previous_.span());
  place_.bound_over_wanted = std::numeric_limits<double>::infinity();
  // A recurrence is seldom shorter: vectors that would be dropped half-way are not kept at all.
  keeping_ = forms_vectors_ && may_keep(lanczos_fewest_kept);
}

/// Keeps the vector that the next step starts from, as long as all of them fit.
template <Scalar T>
void LanczosSolver<T>::keep_while_they_fit() {
  keeping_ = keeping_ && may_keep(static_cast<index_t>(kept_.size() + 1));
  if (keeping_) keep_current();
  if (!keeping_) kept_.clear();
}

/// @param more  the space is not exhausted
template <Scalar T>
Estimate LanczosSolver<T>::estimate(bool more) const {
  Estimate e;
  e.pair = dense::tridiagonal_end(t_.diagonal, t_.below, end_);
  e.bound = more ? t_.below.back() * std::abs(e.pair.vector.back()) : 0;
  return e;
}

/// Runs the recurrence from current_, or from where it was, until the bound is good enough, the
/// space is exhausted or steps run out.
template <Scalar T>
Estimate LanczosSolver<T>::cycle(index_t found, index_t steps_left) {
  if (place_.pass == Pass::none) begin_cycle();
  place_.pass = Pass::first;
  // Without a vector to restart from, only a longer recurrence helps.
  const auto left = t_.size() + static_cast<std::size_t>(steps_left);
  const std::size_t longest =
      forms_vectors_ ? std::min(static_cast<std::size_t>(longest_cycle_), left) : left;
  // So many steps exhaust the space, but for rounding: without a vector to start again from, the
  // recurrence goes on until the value has settled.
  const index_t exhausted = forms_vectors_ ? map_.rows() : 4 * map_.rows() + 10;
  while (true) {
    stage_->step();
    keep_while_they_fit();
    const bool more = step(t_);
    const std::size_t m = t_.size();
    const bool last = !more || m >= longest || static_cast<index_t>(m) + deflated() >= exhausted;
    if (!last && !due_for_check(m, place_.bound_over_wanted)) continue;
    Estimate e = estimate(more);
    report(e, found);
    const double wanted = wanted_bound(e);
    if (last || e.bound <= wanted || stopped(e, false)) return e;
    place_.bound_over_wanted = e.bound / wanted;
  }
}

template <Scalar T>
void LanczosSolver<T>::add_kept(const std::vector<double>& s, std::span<T> x) {
  for (std::size_t j = 0; j < s.size(); ++j)
    vec::axpy<T>(T(s[j] / std::sqrt(kept_norm2_[j])), std::as_const(kept_[j]).span(), x);
  kept_.clear();
}

/// Step j again with known coefficients; sum += weight times the vector that it gives.
template <Scalar T>
void LanczosSolver<T>::repeat_step(std::size_t j, double weight, std::span<T> sum) {
  const double beta2 = j == 0 ? 0 : t_.below[j - 1] * t_.below[j - 1];
  if (deflation_.done[j]) {
    (void)map_.apply_recurrence(current_.span(), beta2, previous_.span());
    (void)vec::subtract<T>(comm_, T(t_.diagonal[j]), current_.span(), previous_.span());
    deflate(previous_.span());
    vec::axpy<T>(T(weight), previous_.span(), sum);
  } else {
    map_.apply_known_step(current_.span(), t_.diagonal[j], beta2, previous_.span(), weight, sum);
  }
  std::swap(previous_, current_);
  if (scalings_[j] == 1) return;
  vec::scale<T>(scalings_[j], current_.span());
  vec::scale<T>(scalings_[j], previous_.span());
}

/// Square of the norm of the vector after step j, from that of the one before.
template <Scalar T>
double LanczosSolver<T>::norm2_after(std::size_t j, double norm2) const {
  return norm2 * t_.below[j] * t_.below[j] * scalings_[j] * scalings_[j];
}

/// The same recurrence again, adding up s_j v_j on the way.
template <Scalar T>
void LanczosSolver<T>::add_second_pass(const std::vector<double>& s, std::span<T> x) {
  double& norm2 = place_.second_norm2;
  for (auto j = static_cast<std::size_t>(place_.second_step); j + 1 < s.size(); ++j) {
    place_.second_step = static_cast<index_t>(j);
    stage_->step();
    norm2 = norm2_after(j, norm2);
    repeat_step(j, s[j + 1] * scalings_[j] / std::sqrt(norm2), x);
    report_again(j + 1, s.size());
  }
}

/// Puts the Ritz vector of this cycle into column `found`.
template <Scalar T>
void LanczosSolver<T>::form_vector(const std::vector<double>& s, index_t found) {
  const std::span<T> x = found_.column(found);
  if (place_.pass == Pass::first && kept_.empty()) {
    // The recurrence starts where the cycle started: at the vector in the column, or at the random
    // one.
    if (start_is_column_)
      std::copy(x.begin(), x.end(), current_.data());
    else
      start_randomly();
    vec::scale<T>(0, x);
    vec::scale<T>(0, previous_.span());
    place_.second_norm2 = start_norm2_;
    vec::axpy<T>(T(s[0] / std::sqrt(start_norm2_)), current_.span(), x);
    place_.second_step = 0;
    place_.pass = Pass::second;
  }
  if (place_.pass == Pass::second) {
    add_second_pass(s, x);
  } else {
    vec::scale<T>(0, x);
    add_kept(s, x);
  }
  place_.pass = Pass::none;
  deflate(x);
  vec::scale<T>(1 / vec::norm<T>(comm_, x), x);
}

template <Scalar T>
void LanczosSolver<T>::make_room() {
  previous_ = Buffer<T>(range_.size(), vector_placement(comm_));
  current_ = Buffer<T>(range_.size(), vector_placement(comm_));
}

/// Judges pairs whose columns begin at `first`. Takes the place of the vectors of the recurrence,
/// which has ended, for its own.
template <Scalar T>
void LanczosSolver<T>::judge(std::vector<Pair>& pairs, index_t first) {
  if (options_.scale) {
    scale_ = options_.scale;
    for (auto& pair : pairs) pair.converged = pair.residual <= options_.tol * *scale_;
    return;
  }
  // What it keeps is next to nothing of few rows, and serves the next pair.
  constexpr index_t few = 1 << 14;
  const bool many = map_.rows() > few;
  if (many) {
    previous_ = {};
    current_ = {};
  }
  if (!tolerance_) tolerance_.emplace(map_, options_.tol);
  for (auto& pair : pairs) {
    scale_ = forms_vectors_
                 ? tolerance_->template scale<T>(pair.value, std::as_const(found_).column(first++))
                 : tolerance_->scale(pair.value);
    pair.converged = tolerance_->reached(pair.residual, *scale_);
    pair.limit = tolerance_->limit(pair.residual, *scale_);
  }
  if (!many) return;
  tolerance_.reset();
  make_room();
}

/// The Rayleigh quotient and true residual of column `found`: one product.
template <Scalar T>
typename LanczosSolver<T>::Pair LanczosSolver<T>::measure(index_t found) {
  const std::span<const T> x = std::as_const(found_).column(found);
  map_.apply(x, previous_.span());
  Pair pair;
  pair.value = real_part(vec::dot<T>(comm_, x, previous_.span()));
  pair.residual = vec::subtract<T>(comm_, T(pair.value), x, previous_.span());
  return pair;
}

template <Scalar T>
typename LanczosSolver<T>::Pair LanczosSolver<T>::check(index_t found) {
  std::vector<Pair> pair = {measure(found)};
  judge(pair, found);
  return pair.front();
}

/// The value alone: where its scale turns out to be smaller than the width of the spectrum, the
/// same recurrence again goes further.
template <Scalar T>
typename LanczosSolver<T>::Pair LanczosSolver<T>::solve_value(index_t found) {
  Pair pair;
  for (; place_.restart < 2; ++place_.restart) {
    if (place_.pass == Pass::none) start_randomly();
    const Estimate e = cycle(found, max_steps_ - (steps_ - place_.first_step));
    place_.pass = Pass::none;
    std::vector<Pair> judged = {{e.pair.value, e.bound}};
    judge(judged, found);
    pair = judged.front();
    if (options_.stop || pair.converged || !pair.limit.empty() ||
        steps_ - place_.first_step >= max_steps_)
      break;
  }
  return pair;
}

template <Scalar T>
void LanczosSolver<T>::begin_pair() {
  place_.first_step = steps_;
  scale_ = options_.scale;
  longest_cycle_ = first_cycle;
  start_is_column_ = false;
  if (forms_vectors_) start_randomly();
}

template <Scalar T>
typename LanczosSolver<T>::Pair LanczosSolver<T>::solve_pair(index_t found) {
  history_.clear();
  if (place_.pass == Pass::none) begin_pair();
  if (!forms_vectors_) return solve_value(found);
  Pair& best = place_.best;
  for (;; ++place_.restart) {
    const Estimate e = place_.pass == Pass::second
                           ? estimate(true)
                           : cycle(found, max_steps_ - (steps_ - place_.first_step));
    form_vector(e.pair.vector, found);
    const Pair now = check(found);
    const bool stuck = place_.restart > 0 && !(now.residual < 0.5 * best.residual);
    const bool cut_short = static_cast<index_t>(t_.size()) >= longest_cycle_;
    best = now;
    // A residual that will do leaves nothing to gain, even where rounding hides the levels.
    if (best.converged || best.residual <= options_.tol * *scale_ ||
        (stuck && (!cut_short || !best.limit.empty())) || steps_ - place_.first_step >= max_steps_)
      return best;
    // A crowded end of the spectrum asks for a longer recurrence; to begin anew loses what the
    // last one knew.
    if (stuck) longest_cycle_ *= 2;
    start_is_column_ = true;
    const std::span<const T> x = std::as_const(found_).column(found);
    std::copy(x.begin(), x.end(), current_.data());
  }
}

/// Sorts the pairs and fills in what was reached.
template <Scalar T>
void LanczosSolver<T>::finish(Pairs<T>& result) {
  std::vector<std::size_t> order(pairs_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return pairs_[a].value < pairs_[b].value; });
  std::string limit;
  for (const std::size_t j : order) {
    if (!pairs_[j].limit.empty()) limit = "; " + pairs_[j].limit;
    result.eigenvalues.push_back(pairs_[j].value);
    result.residuals.push_back(pairs_[j].residual);
    result.converged_pairs += pairs_[j].converged ? 1 : 0;
  }
  result.converged = result.converged_pairs == options_.k;
  result.iterations = steps_;
  result.products = map_.products() - products_before_;
  result.residual_kind = forms_vectors_ ? ResidualKind::explicit_ : ResidualKind::bound;
  result.reason =
      result.converged
          ? "every residual is within the tolerance"
          : detail::concat(options_.k - result.converged_pairs, " of ", options_.k,
                           options_.k == 1 ? " residual stays" : " residuals stay",
                           " above the tolerance after ", detail::counted(steps_, "step"), limit);
  if (options_.vectors == Eigenvectors::compute) {
    found_.permute(order);
    result.vectors = std::move(found_);
  }
}

template <Scalar T>
Pairs<T> LanczosSolver<T>::run() {
  products_before_ = map_.products();
  if (forms_vectors_)
    found_ = DistributedVectors<T>(map_.row_partition(), comm_.rank(), options_.k);
  CheckpointStage stage(options_.checkpoint, "recurrence",
                        [&](CheckpointWriter& writer) { write(writer); });
  stage_ = &stage;
  if (const auto* saved = stage.saved()) restore(*saved);
  if (options_.distinct && options_.k > 1 && !tried_levels_) {
    pairs_ = solve_levels();
    place_ = {.found = std::ssize(pairs_)};
    tried_levels_ = true;
  }
  while (place_.found < options_.k) {
    known_ = forms_vectors_ ? place_.found : 0;
    stream_ = static_cast<std::uint32_t>(place_.found);
    pairs_.push_back(solve_pair(place_.found));
    place_ = {.found = place_.found + 1};
  }
  Pairs<T> result;
  finish(result);
  return result;
}

template class LanczosSolver<double>;
template class LanczosSolver<std::complex<double>>;

}  // namespace krylov

template <Scalar T>
Pairs<T> lanczos(const LinearMap<T>& map, const LanczosOptions& options,
                 const DistributedVectors<T>& against) {
  if (map.rows() != map.cols())
    throw DimensionError(
        detail::concat("lanczos: the map must be square, it is ", map.rows(), " x ", map.cols()));
  if (options.which != Which::SA && options.which != Which::LA)
    throw InvalidArgument("lanczos: which must be SA or LA; use the slepc method for others");
  if (options.k < 1 || options.k > map.rows())
    throw InvalidArgument(detail::concat("lanczos: k must be in [1, ", map.rows(),
                                         "] (rows of the operator), got ", options.k));
  if (!(options.tol > 0 && options.tol < 1))
    throw InvalidArgument(detail::concat("lanczos: tol must be in (0, 1), got ", options.tol));
  return krylov::LanczosSolver<T>(map, options, against).run();
}

#define KRONSOLVE_INSTANTIATE(T)                                        \
  template Pairs<T> lanczos(const LinearMap<T>&, const LanczosOptions&, \
                            const DistributedVectors<T>&);
KRONSOLVE_FOR_EACH_SCALAR(KRONSOLVE_INSTANTIATE)
#undef KRONSOLVE_INSTANTIATE

}  // namespace kronsolve
