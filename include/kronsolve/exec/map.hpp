#pragma once

#include <deque>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <kronsolve/exec/future.hpp>

namespace kronsolve {

/// In which order a map gives its results.
enum class ResultOrder { input, completion };

/// How a map deals its elements.
struct MapOptions {
  ResultOrder order = ResultOrder::input;  ///< in which order results are given
  index_t chunk_size = 1;                  ///< elements sent to a worker at a time
  index_t max_in_flight = 0;  ///< most elements submitted and not yet taken; 0: all of them. Bounds
                              ///< the memory of long sweeps
  std::optional<double> timeout_seconds =
      {};  ///< of the whole map, from the call; results that are there are still given
  int ranks_per_task = 0;  ///< map_spmd only: f(comm, element...) on a gang of so many workers
  TaskOptions task = {};   ///< of each element's task: label, retries, limit, reports
};

namespace detail {

/// @throws InvalidArgument, NotSupported  for options that cannot be
KRONSOLVE_EXPORT void check_map(const MapOptions& options, bool collective);

}  // namespace detail

/// The results of a map, taken one by one (`for (auto& r : results)`) or all at once (`get`).
/// Moves, does not copy.
///
/// An exception of an element surfaces when that element is reached; those before it are given.
/// What was not begun when this object dies is cancelled.
template <class R>
class MapResults {
 public:
  /// A result; std::monostate for functions without one.
  using value_type = std::conditional_t<std::is_void_v<R>, std::monostate, R>;

  /// Walks the results once, waiting for each.
  class iterator {
   public:
    using value_type = MapResults::value_type;         ///< a result
    using difference_type = std::ptrdiff_t;            ///< as iterators have it
    using iterator_concept = std::input_iterator_tag;  ///< one pass
    iterator() = default;
    explicit iterator(MapResults* from) : from_(from) { ++*this; }  ///< waits for the first result
    /// The present result; may be moved from.
    value_type& operator*() const { return *from_->current_; }
    /// Waits for the next result.
    /// @throws what the function threw for this element; TimeoutError
    iterator& operator++() {
      from_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }  ///< the same
    /// No result is left.
    bool operator==(std::default_sentinel_t) const { return !from_->current_; }

   private:
    MapResults* from_ = nullptr;
  };

  /// `next_task` submits the next element or chunk; null at the end.
  MapResults(std::function<detail::TaskPtr()> next_task, const MapOptions& options)
      : next_task_(std::move(next_task)),
        order_(options.order),
        chunks_(options.chunk_size > 1),
        most_in_flight_(static_cast<std::size_t>((options.max_in_flight + options.chunk_size - 1) /
                                                 options.chunk_size)),
        seconds_(options.timeout_seconds),
        deadline_(detail::deadline_after(seconds_)),
        completion_(std::vector<detail::TaskPtr>{}) {
    fill();
  }
  MapResults(MapResults&&) noexcept = default;
  MapResults& operator=(MapResults&&) = delete;
  ~MapResults() {
    for (const auto& task : tasks_)
      if (task && !task->backend()->is_collective()) (void)task->cancel();
  }

  iterator begin() { return iterator(this); }  ///< waits for the first result that was not taken
  std::default_sentinel_t end() const noexcept { return {}; }  ///< the end of the results
  /// The remaining results.
  /// @throws the exception of the first element that failed
  std::vector<value_type> get() {
    std::vector<value_type> all;
    for (auto& value : *this) all.push_back(std::move(value));
    return all;
  }

 private:
  friend class iterator;
  using ChunkValue = std::conditional_t<std::is_void_v<R>, char, R>;

  void advance() {
    current_.reset();
    while (ready_.empty()) {
      if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
      if (in_flight_ == 0) fill();  // after an exception the bound holds none back
      if (in_flight_ == 0) return;
      take();
    }
    current_ = std::move(ready_.front());
    ready_.pop_front();
  }

  /// Submits as many tasks as may be in flight.
  void fill() {
    while (!exhausted_ && (most_in_flight_ == 0 || in_flight_ < most_in_flight_)) {
      auto task = next_task_();
      if (!task) {
        exhausted_ = true;
        return;
      }
      if (order_ == ResultOrder::completion) completion_.add(task);
      tasks_.push_back(std::move(task));
      ++in_flight_;
    }
  }

  /// Waits for the next task and puts its values into `ready_`.
  void take() {
    std::size_t at = first_;
    bool there;
    if (order_ == ResultOrder::completion) {
      const auto next = completion_.next(deadline_);
      there = next.has_value();
      if (there) at = *next;
    } else {
      there = tasks_[first_]->wait(deadline_);
      if (there) ++first_;
    }
    if (!there)
      throw TimeoutError(
          detail::concat("map: not done after ", *seconds_, " s, ", in_flight_, " tasks are left"));
    const detail::TaskPtr task = std::exchange(tasks_[at], nullptr);
    --in_flight_;
    decode(*task);
    fill();
  }

  void decode(detail::TaskState& task) {
    const Message& result = task.result();
    MessageReader reader(result);
    if (chunks_) {
      auto chunk = unpack<detail::Chunk<ChunkValue>>(reader);
      for (auto&& value : chunk.values) {
        if constexpr (std::is_void_v<R>)
          ready_.emplace_back();
        else
          ready_.emplace_back(std::move(value));
      }
      if (chunk.failure) failure_ = chunk.failure.rebuilt(chunk.worker, chunk.host);
    } else if constexpr (std::is_void_v<R>) {
      ready_.emplace_back();
    } else {
      ready_.push_back(unpack<R>(reader));
    }
  }

  std::function<detail::TaskPtr()> next_task_;
  ResultOrder order_;
  bool chunks_;
  std::size_t most_in_flight_;  // tasks; 0: no limit
  std::optional<double> seconds_;
  std::optional<detail::Clock::time_point> deadline_;
  detail::Completion completion_;
  std::vector<detail::TaskPtr> tasks_;
  std::size_t first_ = 0, in_flight_ = 0;
  bool exhausted_ = false;
  std::deque<value_type> ready_;
  std::exception_ptr failure_;
  std::optional<value_type> current_;
};

namespace detail {

/// Walks several ranges together, to the end of the shortest.
template <class... Views>
class Zip {
 public:
  using value_type = std::tuple<std::decay_t<std::ranges::range_reference_t<Views>>...>;
  explicit Zip(Views... views) : views_(std::move(views)...) {}
  std::optional<value_type> next() {
    if (!iterators_) {
      iterators_ =
          std::apply([](auto&... v) { return std::tuple(std::ranges::begin(v)...); }, views_);
    } else if (!over_) {
      std::apply([](auto&... i) { (++i, ...); }, *iterators_);
    }
    over_ = over_ || at_end(std::index_sequence_for<Views...>{});
    if (over_) return {};
    return std::apply([](auto&... i) { return value_type(*i...); }, *iterators_);
  }

 private:
  template <std::size_t... I>
  bool at_end(std::index_sequence<I...>) {
    return ((std::get<I>(*iterators_) == std::ranges::end(std::get<I>(views_))) || ...);
  }
  std::tuple<Views...> views_;
  std::optional<std::tuple<std::ranges::iterator_t<Views>...>> iterators_;
  bool over_ = false;
};

/// Walks one range of tuples.
template <class View>
class Rows {
 public:
  using value_type = std::decay_t<std::ranges::range_reference_t<View>>;
  explicit Rows(View view) : view_(std::move(view)) {}
  std::optional<value_type> next() {
    if (!iterator_)
      iterator_ = std::ranges::begin(view_);
    else if (*iterator_ != std::ranges::end(view_))
      ++*iterator_;
    if (*iterator_ == std::ranges::end(view_)) return {};
    return value_type(**iterator_);
  }

 private:
  View view_;
  std::optional<std::ranges::iterator_t<View>> iterator_;
};

template <class F, class Tuple>
struct MapResultOf;
template <class F, class... Args>
struct MapResultOf<F, std::tuple<Args...>> {
  template <bool gang>
  static auto type() {
    if constexpr (gang)
      return std::type_identity<GangResult<F, Args...>>{};
    else
      return std::type_identity<TaskResult<F, Args...>>{};
  }
};

}  // namespace detail
}  // namespace kronsolve
