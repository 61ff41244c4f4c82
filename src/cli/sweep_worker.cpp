#include "cli/sweep_worker.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include <kronsolve/core/file.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/solvers/checkpoint.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/options.hpp"
#include "cli/progress_line.hpp"
#include "cli/sector_scan.hpp"
#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

/// A parameter of a model as the number that it is, where it is one.
Json number_or_text(const Json& value) {
  if (!value.is_string()) return value;
  const auto number = read_number<double>(value.get<std::string>());
  return number ? Json(*number) : value;
}

/// Lists of the fields of objects in a list: levels with their energies become `levels_energy`, the
/// conditions of a sector are one text.
template <class Add>
void add_fields(const std::string& name, const Json& objects, Add&& add) {
  for (const auto& [field, first] : objects.front().items()) {
    const bool texts = first.is_array() && !first.empty() && first.front().is_string();
    if (first.is_structured() && !texts) continue;
    Json list = Json::array();
    for (const auto& object : objects) {
      const Json value = object.value(field, Json());
      list.push_back(texts ? Json(joined(value.template get<std::vector<std::string>>())) : value);
    }
    add(name + "_" + field, list);
  }
}

/// Fields of correlations as lists over them, under their own names; lists of different lengths
/// stay.
template <class Add>
void add_correlations(const Json& correlations, Add&& add) {
  for (const auto& [field, first] : correlations.front().items()) {
    Json list = Json::array();
    for (const auto& one : correlations) list.push_back(one.value(field, Json()));
    add(field, list);
  }
}

/// What a solve has found, as columns beside the settings of the point: numbers, texts and lists.
void add_flat(Json& record, const Json& answer) {
  const auto add = [&](const std::string& name, const Json& value) {
    if (!value.is_null() && !record.contains(name)) record[name] = value;
  };
  for (const auto& [name, value] : answer.items()) {
    if (name == "seconds") {
      for (const auto& [part, seconds] : value.items())
        if (part != "total") add("seconds_" + part, seconds);
    } else if (name == "lattice") {
      add("lattice", value.at("name"));
      add("size", value.at("size"));
    } else if (name == "observables_error") {
      for (const auto& [part, error] : value.items()) add(part + "_error", error);
    } else if (name == "energies" && answer.value("command", "") == "spectral") {
      add("frequencies", value);  // `energies` is the option
    } else if (name == "correlations") {
      add_correlations(value, add);
    } else if (value.is_object()) {  // observables, parameters
      for (const auto& [part, inner] : value.items()) add(part, number_or_text(inner));
    } else if (value.is_array() && !value.empty() && value.front().is_object()) {
      add_fields(name, value, add);
    } else {
      add(name, value);
    }
  }
}

void check(const std::error_code& error, const std::string& path) {
  if (error) throw IoError(path, detail::concat("'", path, "': ", error.message()));
}

/// If it is there.
void remove_file(const std::string& path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  check(error, path);
}

}  // namespace

Worker::Worker(const std::string& path, Sweep sweep, double retried_before, std::string stop_file)
    : folder_(path, std::move(sweep)),
      retried_before_(retried_before),
      stop_file_(std::move(stop_file)) {}

/// Looked for once a second.
bool Worker::sees_stop_file() {
  if (stop_file_.empty() || seconds_since(looked_) < 1) return false;
  looked_ = Clock::now();
  return std::filesystem::exists(stop_file_);
}

/// Before each step of a solve.
bool Worker::is_asked_to_stop() {
  stopped_ = stopped_ || requests_.asked() || sees_stop_file();
  if (stopped_) requests_.answered();
  return stopped_;
}

bool Worker::is_stopped() {
  stopped_ = stopped_ || requests_.came() || sees_stop_file();
  if (stopped_) requests_.answered();
  return stopped_;
}

std::string Worker::checkpoint_of(std::size_t unit) const {
  const auto& sweep = folder_.sweep();
  auto name = fmt::format("{}/checkpoint-{}", folder_.path(), campaign::to_text(sweep.id(unit)));
  if (sweep.interpolate()) {  // of a line that other points belong to it is another one
    Checksum sum;
    for (const auto point : sweep.line(unit)) {
      const PointId id = sweep.id(point);
      sum.add({reinterpret_cast<const char*>(&id), sizeof(id)});
    }
    name += fmt::format("-{:016x}", sum.value());
  }
  return name + ".h5";
}

void Worker::forget(const std::string& checkpoint) {
  remove_file(checkpoint);
  remove_file(checkpoint + ".previous");
}

bool Worker::is_finished(PointId id) {
  const auto record = folder_.points().records().find(id);
  if (record == folder_.points().records().end() || record->second.status == PointStatus::failed)
    return false;
  if (!folder_.sweep().interpolate()) return true;
  const auto& ids = folder_.sweep().ids();
  const auto unit = std::find(ids.begin(), ids.end(), id);
  return unit != ids.end() && !has_work(static_cast<std::size_t>(unit - ids.begin()));
}

void Worker::tidy() {
  constexpr std::string_view begin = "checkpoint-";
  std::error_code error;
  const std::filesystem::directory_iterator entries(folder_.path(), error);
  check(error, folder_.path());
  for (const auto& entry : entries) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(begin)) continue;
    PointId id = 0;
    const auto* digits = name.data() + begin.size();
    (void)std::from_chars(digits, name.data() + name.size(), id, 16);
    const auto claim = folder_.points().claim(id);
    if (!claim) continue;  // somebody is at it
    if (is_finished(id) || name.ends_with(".part")) remove_file(entry.path().string());
  }
}

bool Worker::is_open(std::size_t point) const {
  const auto* record = folder_.record(point);
  return record == nullptr ||
         (record->status == PointStatus::failed && record->finished < retried_before_);
}

bool Worker::has_work(std::size_t unit) const {
  if (!folder_.sweep().interpolate()) return is_open(unit);
  const auto& line = folder_.sweep().line(unit);
  return std::any_of(line.begin(), line.end(), [&](auto point) { return is_open(point); });
}

bool Worker::is_free(std::size_t unit) {
  return !is_stopped() && has_work(unit) && is_timely(unit) &&
         folder_.points().claim(folder_.sweep().id(unit));
}

/// Whether the point will probably end before the job does, with something to spare.
bool Worker::is_timely(std::size_t point) {
  if (std::isinf(job_ends_)) return true;
  constexpr double spare = 1.5;
  const double left = job_ends_ - time_now() - seconds_to_leave;
  if (left > 0) {
    (void)folder_.tally();
    if (spare * folder_.expected(point).seconds < left) return true;
  }
  late_.insert(point);
  return false;
}

bool Worker::run(const Comm& comm, std::size_t unit) {
  std::optional<campaign::Claim> claim;
  int begins = 0;
  comm.agree([&] {
    if (comm.is_root() && !is_stopped() && has_work(unit) && is_timely(unit) &&
        claim.emplace(folder_.points().claim(folder_.sweep().id(unit)))) {
      folder_.points().refresh();  // it may have been finished before the claim was ours
      begins = has_work(unit) ? 1 : 0;
    }
  });
  comm.broadcast(std::span(&begins, 1));
  if (begins == 0) return false;
  if (folder_.sweep().interpolate())
    run_line(comm, folder_.sweep().line(unit));
  else
    run_point(comm, unit);
  return true;
}

/// Pairs may begin at what neighbours have found; other commands take nothing from each other.
void Worker::run_point(const Comm& comm, std::size_t point) {
  PairSolver solver;
  if (folder_.sweep().warm_starts())
    solver = [this](const Comm& ranks, const SectorOperator& h, const EighOptions& options) {
      return neighbours_.eigh(ranks, h, options);
    };
  const auto begin = Clock::now();
  Json record = begin_record(point);
  PointHead head{.id = folder_.sweep().id(point)};
  const auto checkpoint = checkpoint_of(point);
  requests_.begin();
  try {
    solve(comm, point, begin, head, record, solver, checkpoint);
  } catch (const Stopped&) {
    stopped_ = true;
    return;
  }
  head.seconds = seconds_since(begin);
  comm.agree([&] {
    if (!comm.is_root()) return;
    write(head, record);
    if (head.status == PointStatus::failed) return;
    forget(checkpoint);
  });
}

void Worker::give_up(std::size_t unit, const std::string& reason) {
  const auto record_failure = [&](std::size_t point) {
    Json record = begin_record(point);
    record["failure"] = reason;
    write({.id = folder_.sweep().id(point), .status = PointStatus::failed}, record);
  };
  if (!folder_.sweep().interpolate()) return record_failure(unit);
  for (const auto point : folder_.sweep().line(unit))
    if (is_open(point)) record_failure(point);
}

Json Worker::begin_record(std::size_t point) const {
  Json record = {{"version", folder_.sweep().origin().version},
                 {"command", folder_.sweep().command()}};
  record.update(folder_.sweep().settings(point));
  return record;
}

void Worker::add(Json& record, const Json& found) const {
  add_flat(record, found);
  folder_.sweep().derive(record);
}

void Worker::solve(const Comm& comm, std::size_t point, Clock::time_point begin, PointHead& head,
                   Json& record, const PairSolver& solver, const std::string& checkpoint) {
  const ProgressLine silence;  // the sweep tells how it goes, not each of its solves
  try {
    auto arguments = make_arguments(folder_.sweep().command(), folder_.sweep().options(point));
    arguments.json = true;
    arguments.command_line = "kronsolve " + arguments.command;
    if (!checkpoint.empty() && find_option(arguments.command, "--checkpoint") != nullptr) {
      arguments.checkpoint.path = checkpoint;
      arguments.checkpoint.stop = [this] { return is_asked_to_stop(); };
    }
    if (arguments.threads) set_threads(*arguments.threads);
    head.cores = num_threads() * comm.size();
    const bool pairs = arguments.command == "ground" || arguments.command == "eigh";
    const auto found = pairs ? solve_pairs(comm, arguments, begin, solver)
                             : command(arguments.command).run(comm, arguments, begin);
    add(record, found.json);
    if (found.status == exit_not_converged) head.status = PointStatus::not_converged;
  } catch (const Stopped&) {
    throw;
  } catch (const std::bad_alloc&) {
    head.status = PointStatus::failed;
    record["failure"] = "out of memory";
  } catch (const std::exception& error) {
    head.status = PointStatus::failed;
    record["failure"] = error.what();
  }
}

void Worker::write(PointHead head, const Json& record) {
  head.finished = time_now();
  const auto text = record.dump(-1, ' ', false, Json::error_handler_t::replace);
  folder_.points().append(head, std::string_view(text).substr(1, text.size() - 2));
  // The system keeps what was written when a process is killed; only the end of the machine can
  // take the points of the last second.
  if (seconds_since(synced_) < 1) return;
  folder_.points().sync();
  synced_ = Clock::now();
}

}  // namespace kronsolve::cli
