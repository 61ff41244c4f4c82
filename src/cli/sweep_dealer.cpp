#include "cli/sweep_dealer.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include <fmt/format.h>
#include <unistd.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/session.hpp>

namespace kronsolve::cli {

namespace {

/// What a worker process keeps between its tasks.
struct KeptWorker {
  std::string path, text;
  std::unique_ptr<Worker> worker;
};

/// Runs these points on the ranks of a worker, or of a gang of them.
void run_as_gang(const Comm& comm, const std::string& path, const std::string& name,
                 const std::string& text, const std::string& version,
                 const std::map<std::string, std::string>& files, double retried_before,
                 const std::string& stop_file, const Points& points) {
  auto& kept = this_worker::state<KeptWorker>();
  if (!kept.worker || kept.path != path || kept.text != text) {
    kept = {path, text, nullptr};
    kept.worker = std::make_unique<Worker>(path, Sweep(text, name, Sweep::Origin{version, files}),
                                           retried_before, stop_file);
  }
  for (const auto point : points) kept.worker->run(comm, point);
  kept.worker->folder().points().sync();
}

void run_as_worker(const std::string& path, const std::string& name, const std::string& text,
                   const std::string& version, const std::map<std::string, std::string>& files,
                   double retried_before, const std::string& stop_file, const Points& points) {
  run_as_gang(Comm::serial(), path, name, text, version, files, retried_before, stop_file, points);
}

/// A name that no other process which is alive uses.
std::string stop_file(const std::string& folder) {
  std::array<char, 256> host{};
  (void)::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}/stop-{}-{}", folder, host.data(), ::getpid());
}

/// A checkpoint that is being written.
bool is_written(const std::string& folder) {
  const auto all = std::filesystem::directory_iterator(folder);
  return std::any_of(begin(all), end(all), [](const auto& entry) {
    return entry.path().filename().string().starts_with("checkpoint-") &&
           entry.path().extension() == ".part";
  });
}

}  // namespace

Dealer::Dealer(Pool& pool, int workers, Worker& own, double retried_before)
    : pool_(pool),
      workers_(static_cast<std::size_t>(workers)),
      own_(own),
      retried_before_(retried_before),
      stop_file_(stop_file(own.folder().path())) {
  std::filesystem::remove(stop_file_);  // of a process of the same number that was killed
}

Dealer::~Dealer() {
  std::error_code ignored;
  std::filesystem::remove(stop_file_, ignored);
}

void Dealer::run(const Points& order, const std::function<void()>& show) {
  for (;;) {
    own_.folder().points().refresh();
    std::copy_if(order.begin(), order.end(), std::back_inserter(waiting_),
                 [&](auto point) { return own_.is_free(point); });
    if (waiting_.empty()) return;
    while (!waiting_.empty() || !dealt_.empty()) {
      if (own_.is_stopped()) return stop(show);
      while (!waiting_.empty() && dealt_.size() < 2 * workers_) deal();
      collect();
      show();
    }
  }
}

/// The workers keep what can go on. Those that cannot are not waited for.
void Dealer::stop(const std::function<void()>& show) {
  waiting_.clear();
  OutputFile(stop_file_).close();
  for (auto since = Clock::now(); !dealt_.empty(); show()) {
    collect();
    if (is_written(own_.folder().path())) since = Clock::now();
    if (seconds_since(since) > patience_outside_steps) {
      std::filesystem::remove(stop_file_);
      leave_now();
    }
  }
}

/// So many points that a hand takes a quarter of a second, and that the last hands are small.
std::size_t Dealer::hand_size() const {
  const double rate =
      static_cast<double>(finished_) / seconds_since(begin_) / static_cast<double>(workers_);
  const auto timely = static_cast<std::size_t>(0.25 * rate);
  const auto fair = waiting_.size() / (4 * workers_);
  return std::clamp<std::size_t>(std::min({timely, fair, std::size_t{1000}}), 1, waiting_.size());
}

void Dealer::deal() {
  const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(hand_size());
  Hand hand{{waiting_.begin(), end}, {}};
  waiting_.erase(waiting_.begin(), end);
  const auto& sweep = own_.folder().sweep();
  const TaskOptions options{.label = "points of a sweep", .retries = 0};
  const auto submit = [&](const auto&... arguments) {
    return sweep.ranks_per_point() == 1 ? pool_.submit(options, task<run_as_worker>, arguments...)
                                        : pool_.submit_spmd(options, sweep.ranks_per_point(),
                                                            task<run_as_gang>, arguments...);
  };
  hand.future = submit(own_.folder().path(), sweep.name(), sweep.text(), sweep.origin().version,
                       sweep.origin().files, retried_before_, stop_file_, hand.points);
  dealt_.push_back(std::move(hand));
}

void Dealer::collect() {
  (void)dealt_.front().future.wait_for(0.02);
  for (auto hand = dealt_.begin(); hand != dealt_.end();) {
    if (!hand->future.done()) {
      ++hand;
      continue;
    }
    finished_ += hand->points.size();
    try {
      hand->future.get();
    } catch (const WorkerDied& death) {
      bury(hand->points, death.what());
    }
    hand = dealt_.erase(hand);
  }
}

/// The points of a hand whose worker died go back; the one it died of gets another try.
void Dealer::bury(const Points& points, const std::string& reason) {
  own_.folder().points().refresh();
  constexpr int most_deaths = 2;
  for (const auto point : points) {
    if (!own_.is_free(point)) continue;
    const bool culprit = !std::exchange(found_, true);
    if (culprit && ++deaths_[point] >= most_deaths)
      own_.give_up(point, reason);
    else
      waiting_.push_front(point);
  }
  found_ = false;
}

}  // namespace kronsolve::cli
