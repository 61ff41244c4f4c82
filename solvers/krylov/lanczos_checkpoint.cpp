// What a checkpoint keeps of a Lanczos run.

#include <algorithm>
#include <tuple>
#include <utility>

#include <kronsolve/operators/vector_operations.hpp>

#include "solvers/krylov/lanczos_solver.hpp"

namespace kronsolve::krylov {

/// Where it is, as a list of numbers; the last ones are kept elsewhere in other ways.
template <Scalar T>
auto LanczosSolver<T>::numbers_of_place(bool& scaled, double& scale, index_t& products,
                                        index_t& kept) {
  return std::tie(place_.pass, place_.found, place_.first_step, place_.restart, place_.best.value,
                  place_.best.residual, place_.best.converged, place_.bound_over_wanted,
                  place_.second_step, place_.second_norm2, norm2_, start_norm2_, start_is_column_,
                  longest_cycle_, steps_, tried_levels_, stream_, deflation_.next, deflation_.pause,
                  deflation_.of_one_step, scaled, scale, products, kept);
}

template <Scalar T>
void LanczosSolver<T>::write(CheckpointWriter& writer) {
  bool scaled = scale_.has_value();
  double scale = scale_.value_or(0);
  index_t products = map_.products() - products_before_, kept_vectors = std::ssize(kept_);
  writer.numbers("place", numbers_of_place(scaled, scale, products, kept_vectors));
  writer.text("limit", place_.best.limit);
  writer.numbers("diagonal", t_.diagonal);
  writer.numbers("below", t_.below);
  writer.numbers("scalings", scalings_);
  std::vector<double> levels;
  for (const Level& level : levels_)
    levels.insert(levels.end(), {level.value, static_cast<double>(level.place),
                                 static_cast<double>(level.vector.size())});
  writer.numbers("levels", levels);
  writer.numbers("projected out",
                 std::vector<double>(deflation_.done.begin(), deflation_.done.end()));
  std::vector<double> pairs;
  for (std::size_t j = 0; j < pairs_.size(); ++j) {
    pairs.insert(pairs.end(),
                 {pairs_[j].value, pairs_[j].residual, pairs_[j].converged ? 1.0 : 0.0});
    writer.text(detail::concat("limit of pair ", j), pairs_[j].limit);
  }
  writer.numbers("pairs", pairs);
  const auto& rows = map_.row_partition();
  writer.vectors<T>("recurrence", rows, {current_.span(), previous_.span()});
  // The vector that is formed, or that the cycle began at, is behind those that were found.
  writer.vectors("found", found_, std::min(found_.count(), place_.found + 1));
  std::vector<std::span<const T>> kept;
  for (const auto& vector : kept_) kept.push_back(vector.span());
  writer.numbers("kept norms", kept_norm2_);
  writer.vectors<T>("kept", rows, kept);
}

template <Scalar T>
void LanczosSolver<T>::restore(const CheckpointReader& reader) {
  bool scaled = false;
  double scale = 0;
  index_t products = 0, kept = 0;
  reader.numbers("place", numbers_of_place(scaled, scale, products, kept));
  if (scaled) scale_ = scale;
  products_before_ -= products;
  place_.best.limit = reader.text("limit");
  t_ = {reader.numbers("diagonal"), reader.numbers("below")};
  scalings_ = reader.numbers("scalings");
  restore_levels(reader);
  deflation_.done.clear();
  for (const double done : reader.numbers("projected out")) deflation_.done.push_back(done != 0);
  const auto pairs = reader.numbers("pairs");
  for (std::size_t j = 0; 3 * j < pairs.size(); ++j)
    pairs_.push_back({pairs[3 * j], pairs[3 * j + 1], pairs[3 * j + 2] != 0,
                      reader.text(detail::concat("limit of pair ", j))});
  const auto& rows = map_.row_partition();
  reader.vectors<T>("recurrence", rows, {current_.span(), previous_.span()});
  reader.vectors("found", found_, std::min(found_.count(), place_.found + 1));
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
