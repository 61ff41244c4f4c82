#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/session.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/progress_line.hpp"
#include "cli/run_again.hpp"
#include "cli/sweep_arrays.hpp"
#include "cli/sweep_dealer.hpp"
#include "cli/text.hpp"
#include "cli/text_parts.hpp"

namespace kronsolve::cli {

namespace {

/// "[#####.....] 512/1000 points  12.3/s, about 40 s left  longest 8.1 s: sites=16 bx=0.1"
class Bar {
 public:
  explicit Bar(SweepFolder& folder, std::size_t wanted)
      : folder_(folder), wanted_(wanted), begin_(Clock::now()) {
    first_ = folder_.tally().finished();
  }
  void show() {
    line_.show([&] { return text(folder_.tally()); });
  }

 private:
  std::string text(const SweepFolder::Tally& tally) const {
    const std::size_t all = folder_.sweep().size(), width = 20;
    const std::size_t full = width * tally.finished() / all;
    auto text = fmt::format("[{}{}] {}/{} points", std::string(full, '#'),
                            std::string(width - full, '.'), tally.finished(), all);
    if (tally.failed > 0) text += fmt::format(", {} failed", tally.failed);
    const auto since = static_cast<double>(tally.finished() - std::min(first_, tally.finished()));
    const double rate = since / seconds_since(begin_);
    if (since > 0) {
      const auto left = static_cast<double>(wanted_) - since;
      text +=
          fmt::format("  {:.3g}/s, about {} left  longest {}: {}", rate,
                      seconds_text(std::max(0.0, left) / rate), seconds_text(tally.longest_seconds),
                      folder_.sweep().label(tally.longest));
    }
    return text;
  }
  SweepFolder& folder_;
  std::size_t wanted_, first_ = 0;
  Clock::time_point begin_;
  ProgressLine line_;
};

/// Points in the order in which they are begun: the longest first.
Points longest_first(const Sweep& sweep, const std::vector<Sweep::Shape>& measured,
                     const std::optional<Expression>& only) {
  Points order;
  for (std::size_t point = 0; point < sweep.size(); ++point)
    if (!only || only->holds(sweep.settings(point)))
      order.push_back(static_cast<std::uint32_t>(point));
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
    return measured[sweep.shapes()[a]].cost > measured[sweep.shapes()[b]].cost;
  });
  return order;
}

/// What is computed at a time: points, or the first ones of lines.
Points units_of(const Sweep& sweep, const Points& order) {
  if (!sweep.interpolate()) return order;
  Points units;
  std::copy_if(order.begin(), order.end(), std::back_inserter(units),
               [&](auto point) { return sweep.line(point).front() == point; });
  return units;
}

/// Every unit that is open and that nobody else has, until there is none.
void run_here(const Comm& comm, Worker& worker, const Points& order, Bar* bar) {
  for (bool again = true; again;) {
    again = false;
    for (const auto point : order) {
      again = worker.run(comm, point) || again;
      if (bar != nullptr) bar->show();
    }
  }
}

void tell_damage(SweepFolder& folder) {
  const auto aside = folder.path() + "/damaged.txt";
  if (folder.points().mend(aside) == 0) return;
  for (const auto& [line, why] : folder.points().damaged())
    fmt::print(stderr, "kronsolve: {}/points.jsonl, line {}: {}; its point is computed again\n",
               folder.path(), line, why);
}

/// What is said at the end, and by status.
Json summary(const SweepFolder& folder, const SweepFolder::Tally& tally) {
  Json json;
  json["folder"] = folder.path();
  json["points"] = folder.sweep().size();
  json["done"] = tally.done;
  json["not_converged"] = tally.not_converged;
  json["failed"] = tally.failed;
  return json;
}

/// The first point of a kind; for its reason.
const PointPlace* first_failure(const SweepFolder& folder, std::size_t& point) {
  for (point = 0; point < folder.sweep().size(); ++point)
    if (const auto* record = folder.record(point);
        record != nullptr && record->status == PointStatus::failed)
      return record;
  return nullptr;
}

std::string failures_text(const SweepFolder& folder, const SweepFolder::Tally& tally) {
  std::size_t point = 0;
  const auto* record = first_failure(folder, point);
  if (record == nullptr) return "0";
  return fmt::format("{}; {}: {}", grouped(index_t(tally.failed)), folder.sweep().label(point),
                     folder.read(*record).value("failure", ""));
}

/// @param late  points that were left because the job would have ended before them
Answer end_of_sweep(SweepFolder& folder, std::size_t before, std::size_t late, bool stopped,
                    Clock::time_point start) {
  const auto tally = folder.tally();
  const auto all = folder.sweep().size();
  const auto others = folder.points().claims_of_others();
  const auto computed = tally.finished() - std::min(before, tally.finished());
  // A job in which nothing can be done is not to be queued for ever. One that was long at a point has
  // kept what it did.
  const bool worked = computed > 0 || (stopped && seconds_since(start) > seconds_to_leave);
  const bool signalled = stopped && late == 0;
  const bool again = signalled || (late > 0 && worked);
  Answer answer;
  answer.status = again                          ? exit_run_again
                  : late > 0 || tally.failed > 0 ? exit_other
                  : tally.not_converged > 0      ? exit_not_converged
                                                 : exit_fine;
  answer.json = summary(folder, tally);
  answer.json["computed"] = computed;
  answer.json["left_for_later"] = late;
  answer.json["stopped"] = stopped;
  answer.json["seconds"] = seconds_since(start);
  answer.text = fmt::format("{}: {} in {}\n\n", folder.sweep().name(),
                            counted(index_t(all), "point"), folder.path());
  answer.text += line("done", fmt::format("{}, {} of them now", grouped(index_t(tally.done)),
                                          grouped(index_t(computed))));
  if (tally.not_converged > 0)
    answer.text +=
        line("converged", fmt::format("NO: {}", counted(index_t(tally.not_converged), "point")));
  if (tally.failed > 0)
    answer.text +=
        line("failed", failures_text(folder, tally)) + line("", "--retry-failed tries them again");
  if (late > 0)
    answer.text += line("later", fmt::format("{} would not have ended before the job does; {}",
                                             counted(index_t(late), "point"),
                                             again ? "run it again" : "give it more time"));
  if (stopped && again) answer.text += line("stopped", "as asked; the same command goes on");
  if (tally.finished() < all)
    answer.text += line("left", fmt::format("{}, {} of them being computed by others",
                                            grouped(index_t(all - tally.finished())), others));
  answer.text += line("time", seconds_text(answer.json["seconds"].get<double>()));
  return answer;
}

/// arrays.h5 when nothing is left to do; of several processes the last one writes it.
void bring_arrays(SweepFolder& folder, std::size_t before) {
  const auto finished = folder.tally().finished();
  const bool there = std::filesystem::exists(arrays_path(folder));
  if (finished != folder.sweep().size() || (finished == before && there)) return;
  try {
    write_arrays(folder);
  } catch (const NotSupported& missing) {  // the records are all there
    fmt::print(stderr, "kronsolve: no arrays.h5: {}\n", missing.what());
  }
}

std::string cost_text(double core_seconds) {
  if (core_seconds < 3600) return seconds_text(core_seconds) + " of one core";
  return fmt::format("{:.3g} core hours", core_seconds / 3600);
}

Answer dry_run(const std::string& path, const Sweep& sweep, const Points& order) {
  std::size_t waiting = order.size();
  double core_seconds = 0;
  if (std::filesystem::exists(path + "/points.jsonl")) {
    PointsFile points(path + "/points.jsonl", PointsFile::Access::read);
    points.refresh();
    for (const auto point : order) waiting -= points.records().contains(sweep.id(point)) ? 1 : 0;
  }
  if (std::filesystem::exists(path + "/sweep.json")) {
    SweepFolder folder(path);
    (void)folder.tally();
    core_seconds = folder.remaining_core_seconds();
  }
  Answer answer;
  answer.json = {{"folder", path},
                 {"points", sweep.size()},
                 {"chosen", order.size()},
                 {"waiting", waiting},
                 {"remaining_core_seconds", core_seconds}};
  answer.text =
      fmt::format("{}: {}, {} to be computed into {}\n\n", sweep.name(),
                  counted(index_t(sweep.size()), "point"), grouped(index_t(waiting)), path);
  if (core_seconds > 0) answer.text += line("cost", "about " + cost_text(core_seconds));
  std::string varies;
  for (const auto& column : sweep.varied()) varies += (varies.empty() ? "" : ", ") + column;
  answer.text += line("varies", varies);
  answer.text += line("first", order.empty() ? "none" : sweep.label(order.front()));
  answer.text += line("last", order.empty() ? "none" : sweep.label(order.back()));
  return answer;
}

}  // namespace

Answer run_sweep(Session& session, const Arguments& arguments, Clock::time_point start) {
  const Comm& comm = session.comm();
  const auto& asked = arguments.sweep;
  if (arguments.argument.empty())
    throw InvalidArgument("which sweep? give its file: kronsolve sweep FILE.toml");
  if (arguments.ranks > 1 && launched_by_mpi())
    throw InvalidArgument(
        "--ranks starts workers of its own and cannot be used under mpirun or srun, where every "
        "rank works; drop it");
  Sweep sweep(read_text_file(arguments.argument), arguments.argument);
  const int each = sweep.ranks_per_point(), ranks = std::max(comm.size(), arguments.ranks);
  if (!asked.dry_run && ranks % each != 0)
    throw InvalidArgument(
        fmt::format("{}: ranks_per_point = {} needs {} ranks or a multiple of them, got {}; give "
                    "--ranks {} or mpirun -n {}",
                    arguments.argument, each, each, ranks, each, each));
  const auto path = asked.folder.empty() ? default_folder(arguments.argument) : asked.folder;
  std::optional<Expression> only;
  if (!asked.only.empty()) only.emplace(asked.only);
  if (only && sweep.interpolate())
    throw InvalidArgument(
        "--only does not go with interpolate, whose points belong together; leave one of them out");
  const auto measured = sweep.measure_shapes(Sweep::Hopeless::refused);
  if (sweep.interpolate()) check_line(comm, sweep);
  const auto order = longest_first(sweep, measured, only);
  const auto units = units_of(sweep, order);
  if (asked.dry_run) return dry_run(path, sweep, order);
  comm.agree([&] {
    if (comm.is_root()) prepare_folder(path, sweep);
  });
  const double retried_before = asked.retry_failed ? time_now() : 0;
  Worker worker(path, std::move(sweep), retried_before);
  auto& folder = worker.folder();
  comm.agree([&] {
    if (!comm.is_root()) return;
    tell_damage(folder);
    worker.tidy();
  });
  const auto before = folder.tally().finished();
  const auto open =
      std::count_if(order.begin(), order.end(), [&](auto point) { return worker.is_open(point); });
  // Threads that wait for each other cost more than they save where a solve takes milliseconds.
  constexpr double small = 4096;
  const auto is_small = [](const Sweep::Shape& shape) {
    return shape.rows > 0 && shape.rows <= small;
  };
  const bool free = !arguments.threads && std::getenv("KRONSOLVE_NUM_THREADS") == nullptr;
  if (free && std::all_of(measured.begin(), measured.end(), is_small)) set_threads(1);
  std::optional<Bar> bar;
  if (comm.is_root()) bar.emplace(folder, static_cast<std::size_t>(open));
  if (arguments.ranks > 1 && open > 0) {
    const auto at_once = static_cast<int>(
        std::min<std::ptrdiff_t>({open, std::ssize(units), std::ptrdiff_t{ranks / each}}));
    const int workers = at_once * each;
    Pool pool = session.make_pool(
        {.workers = workers,
         .threads = arguments.threads.value_or(std::max(1, num_threads() / workers)),
         .isolation = each == 1 ? Isolation::worker : Isolation::pool});
    Dealer(pool, at_once, worker, retried_before).run(units, [&] { bar->show(); });
  } else {
    const auto own = each == 1 ? Comm::serial() : comm.split(comm.rank() / each);
    run_here(own, worker, units, bar ? &*bar : nullptr);
  }
  folder.points().sync();
  bar.reset();
  // Another rank may have been able to begin what was too long for this one.
  std::size_t late = 0;
  if (worker.leaves_for_later()) {
    folder.points().refresh();
    late = static_cast<std::size_t>(std::count_if(
        order.begin(), order.end(), [&](auto point) { return worker.is_open(point); }));
  }
  comm.barrier();
  comm.agree([&] {
    if (comm.is_root()) bring_arrays(folder, before);
  });
  const bool stopped = !comm.all(!worker.is_stopped());
  auto answer = end_of_sweep(folder, before, late, stopped, start);
  comm.broadcast(std::span(&answer.status, 1));
  return answer;
}

Answer run_status(const Comm&, const Arguments& arguments, Clock::time_point) {
  if (arguments.argument.empty())
    throw InvalidArgument("status of what? give the folder of a sweep: kronsolve status DIR");
  SweepFolder folder(arguments.argument);
  const auto tally = folder.tally();
  const auto all = folder.sweep().size();
  const auto running = static_cast<std::size_t>(folder.points().claims_of_others());
  const auto waiting = all - tally.finished() - std::min(running, all - tally.finished());
  const double core_seconds = folder.remaining_core_seconds();
  Answer answer;
  answer.json = summary(folder, tally);
  answer.json["running"] = running;
  answer.json["waiting"] = waiting;
  answer.json["core_seconds"] = tally.core_seconds;
  answer.json["remaining_core_seconds"] = core_seconds;
  // How fast it goes: the last points, while somebody is at work.
  constexpr std::size_t most = 200;
  const auto& records = folder.points().all();
  const auto recent = std::span(records).last(std::min(most, records.size()));
  double rate = 0, core_rate = 0;
  if (recent.size() > 1) {
    const double span = std::max(1e-3, recent.back().finished - recent.front().finished);
    rate = static_cast<double>(recent.size() - 1) / span;
    for (const auto& place : recent.subspan(1)) core_rate += place.seconds * place.cores / span;
  }
  answer.json["points_per_second"] = running > 0 ? Json(rate) : Json();
  answer.text = fmt::format("{}: {} in {}\n\n", folder.sweep().name(),
                            counted(index_t(all), "point"), folder.path());
  answer.text += line("done", grouped(index_t(tally.done)));
  if (tally.not_converged > 0)
    answer.text +=
        line("converged", fmt::format("NO: {}", counted(index_t(tally.not_converged), "point")));
  answer.text += line("failed", failures_text(folder, tally));
  answer.text += line("running", grouped(index_t(running)));
  answer.text += line("waiting", grouped(index_t(waiting)));
  answer.text += line("used", cost_text(tally.core_seconds));
  if (tally.finished() < all && tally.finished() > 0)
    answer.text += line("remaining", "about " + cost_text(core_seconds));
  if (running > 0 && core_rate > 0)
    answer.text += line("rate", fmt::format("{:.3g} points a second, about {} left", rate,
                                            seconds_text(core_seconds / core_rate)));
  if (tally.longest_seconds > 0)
    answer.text += line("longest", fmt::format("{}: {}", seconds_text(tally.longest_seconds),
                                               folder.sweep().label(tally.longest)));
  return answer;
}

}  // namespace kronsolve::cli
