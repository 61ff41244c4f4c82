// What a checkpoint keeps of a Lanczos run.

#include <algorithm>

#include <kronsolve/operators/vector_operations.hpp>

#include "solvers/krylov/lanczos_solver.hpp"

namespace kronsolve::krylov {

namespace {

double as_number(auto value) { return static_cast<double>(value); }

/// Numbers that are read in the order in which they were written.
class Numbers {
 public:
  explicit Numbers(std::vector<double> values) : values_(std::move(values)) {}
  double next() { return values_.at(at_++); }
  index_t count() { return static_cast<index_t>(next()); }
  bool truth() { return next() != 0; }

 private:
  std::vector<double> values_;
  std::size_t at_ = 0;
};

}  // namespace

template <Scalar T>
void LanczosSolver<T>::write(CheckpointWriter& writer) const {
  writer.numbers("place", std::vector<double>{as_number(place_.pass),
                                              as_number(place_.found),
                                              as_number(place_.first_step),
                                              as_number(place_.restart),
                                              place_.best.value,
                                              place_.best.residual,
                                              as_number(place_.best.converged),
                                              place_.bound_over_wanted,
                                              as_number(place_.second_step),
                                              place_.second_norm2,
                                              norm2_,
                                              start_norm2_,
                                              as_number(start_is_column_),
                                              as_number(scale_.has_value()),
                                              scale_.value_or(0),
                                              as_number(longest_cycle_),
                                              as_number(steps_),
                                              as_number(map_.products() - products_before_),
                                              as_number(kept_.size()),
                                              as_number(tried_levels_),
                                              as_number(stream_)});
  writer.text("limit", place_.best.limit);
  writer.numbers("diagonal", t_.diagonal);
  writer.numbers("below", t_.below);
  writer.numbers("scalings", scalings_);
  std::vector<double> levels;
  for (const Level& level : levels_)
    levels.insert(levels.end(),
                  {level.value, as_number(level.place), as_number(level.vector.size())});
  writer.numbers("levels", levels);
  writer.numbers("pause", std::vector<double>{as_number(deflation_.next),
                                              as_number(deflation_.pause), deflation_.of_one_step});
  writer.numbers("projected out",
                 std::vector<double>(deflation_.done.begin(), deflation_.done.end()));
  std::vector<double> pairs;
  for (std::size_t j = 0; j < pairs_.size(); ++j) {
    pairs.insert(pairs.end(),
                 {pairs_[j].value, pairs_[j].residual, as_number(pairs_[j].converged)});
    writer.text(detail::concat("limit of pair ", j), pairs_[j].limit);
  }
  writer.numbers("pairs", pairs);
  const auto& rows = map_.row_partition();
  writer.vectors<T>("recurrence", rows, {current_.span(), previous_.span()});
  // The vector that is formed, or that the cycle began at, is behind those that were found.
  std::vector<std::span<const T>> found;
  for (index_t j = 0; j < std::min(found_.count(), place_.found + 1); ++j)
    found.push_back(found_.column(j));
  writer.vectors<T>("found", rows, found);
  std::vector<std::span<const T>> kept;
  for (const auto& vector : kept_) kept.push_back(vector.span());
  writer.numbers("kept norms", kept_norm2_);
  writer.vectors<T>("kept", rows, kept);
}

template <Scalar T>
void LanczosSolver<T>::restore(const CheckpointReader& reader) {
  Numbers place(reader.numbers("place"));
  place_.pass = static_cast<Pass>(place.count());
  place_.found = place.count();
  place_.first_step = place.count();
  place_.restart = place.count();
  place_.best.value = place.next();
  place_.best.residual = place.next();
  place_.best.converged = place.truth();
  place_.bound_over_wanted = place.next();
  place_.second_step = place.count();
  place_.second_norm2 = place.next();
  norm2_ = place.next();
  start_norm2_ = place.next();
  start_is_column_ = place.truth();
  const bool has_scale = place.truth();
  const double scale = place.next();
  if (has_scale) scale_ = scale;
  longest_cycle_ = place.count();
  steps_ = place.count();
  products_before_ -= place.count();
  const index_t kept = place.count();
  tried_levels_ = place.truth();
  stream_ = static_cast<std::uint32_t>(place.count());
  place_.best.limit = reader.text("limit");
  t_ = {reader.numbers("diagonal"), reader.numbers("below")};
  scalings_ = reader.numbers("scalings");
  restore_levels(reader);
  Numbers pause(reader.numbers("pause"));
  deflation_.next = static_cast<std::size_t>(pause.count());
  deflation_.pause = static_cast<std::size_t>(pause.count());
  deflation_.of_one_step = pause.next();
  deflation_.done.clear();
  for (const double done : reader.numbers("projected out")) deflation_.done.push_back(done != 0);
  const auto pairs = reader.numbers("pairs");
  for (std::size_t j = 0; 3 * j < pairs.size(); ++j)
    pairs_.push_back({pairs[3 * j], pairs[3 * j + 1], pairs[3 * j + 2] != 0,
                      reader.text(detail::concat("limit of pair ", j))});
  const auto& rows = map_.row_partition();
  reader.vectors<T>("recurrence", rows, {current_.span(), previous_.span()});
  std::vector<std::span<T>> found;
  for (index_t j = 0; j < std::min(found_.count(), place_.found + 1); ++j)
    found.push_back(found_.column(j));
  if (!found.empty()) reader.vectors<T>("found", rows, found);
  kept_norm2_ = reader.numbers("kept norms");
  std::vector<std::span<T>> spans;
  for (index_t j = 0; j < kept; ++j) spans.push_back(kept_.emplace_back(range_.size()).span());
  reader.vectors<T>("kept", rows, spans);
  keeping_ = forms_vectors_ && static_cast<std::size_t>(kept) == t_.size();
}

/// The vectors of levels follow from the projected matrix.
template <Scalar T>
void LanczosSolver<T>::restore_levels(const CheckpointReader& reader) {
  const auto numbers = reader.numbers("levels");
  for (std::size_t j = 0; j < numbers.size(); j += 3) {
    const auto place = static_cast<std::size_t>(numbers.at(j + 1)),
               size = static_cast<std::size_t>(numbers.at(j + 2));
    auto pair = dense::tridiagonal_pair(std::span(t_.diagonal).first(size),
                                        std::span(t_.below).first(size), end_, place);
    levels_.push_back({numbers[j], place, std::move(pair.vector)});
  }
}

template class LanczosSolver<double>;
template class LanczosSolver<std::complex<double>>;

}  // namespace kronsolve::krylov
