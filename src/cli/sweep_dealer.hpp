#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <kronsolve/exec/pool.hpp>

#include "cli/sweep_worker.hpp"

namespace kronsolve::cli {

using Points = std::vector<std::uint32_t>;

/// Deals points to the workers of a pool, and outlives their deaths.
class Dealer {
 public:
  /// @param workers  that compute points at the same time
  Dealer(Pool& pool, int workers, Worker& own, double retried_before)
      : pool_(pool),
        workers_(static_cast<std::size_t>(workers)),
        own_(own),
        retried_before_(retried_before) {}

  /// Until none of the points is open, or others have those that are.
  /// @param show  called now and then
  void run(const Points& order, const std::function<void()>& show);

 private:
  struct Hand {
    Points points;
    Future<void> future;
  };
  std::size_t hand_size() const;
  void deal();
  void collect();
  void bury(const Points& points, const std::string& reason);

  Pool& pool_;
  std::size_t workers_;
  Worker& own_;
  double retried_before_;
  std::deque<std::uint32_t> waiting_;
  std::deque<Hand> dealt_;
  std::map<std::uint32_t, int> deaths_;
  bool found_ = false;
  std::size_t finished_ = 0;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace kronsolve::cli
