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
  Dealer(Pool& pool, int workers, Worker& own, double retried_before);
  ~Dealer();

  /// Until none of the points is open, or others have those that are, or the sweep is to end.
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
  void stop(const std::function<void()>& show);
  void bury(const Points& points, const std::string& reason);

  Pool& pool_;
  std::size_t workers_;
  Worker& own_;
  double retried_before_;
  std::string stop_file_;  ///< while it is there, the workers end
  std::deque<std::uint32_t> waiting_;
  std::deque<Hand> dealt_;
  std::map<std::uint32_t, int> deaths_;
  bool found_ = false;
  std::size_t finished_ = 0;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace kronsolve::cli
