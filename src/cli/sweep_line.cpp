// Lines of points between which is interpolated.

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <kronsolve/solvers/checkpoint.hpp>
#include <kronsolve/solvers/level_line.hpp>

#include "cli/json_values.hpp"
#include "cli/problem.hpp"
#include "cli/sector_scan.hpp"
#include "cli/solve_pairs.hpp"
#include "cli/sweep_worker.hpp"

namespace kronsolve::cli {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// The options that a point has, where its command takes no other part in it.
Arguments arguments_of(const Sweep& sweep, std::size_t point) {
  auto arguments = make_arguments(sweep.command(), sweep.options(point));
  const auto refuse = [](const std::string& what) { throw InvalidArgument("interpolate " + what); };
  const auto& solve = arguments.solve;
  if (!arguments.observe.empty())
    refuse("gives levels with their bounds, of observables it knows none; leave observe out");
  if (arguments.op.model.empty()) refuse("needs a model whose parameters vary; give model");
  if (solve.which != Which::SA || solve.sigma || solve.position || solve.interval ||
      solve.k == EighOptions::all || solve.vectors == Eigenvectors::skip || !solve.certify)
    refuse(
        "is about the k lowest levels; leave which, sigma, position, interval, energy-only and "
        "no-certify out");
  if (arguments.op.all_sectors || is_scan(arguments.op.sector) || !arguments.start.empty())
    refuse("takes one sector and no start; leave all-sectors and start out");
  return arguments;
}

/// The operators of a line, and where they lie between its ends.
struct Line {
  std::vector<OperatorOnSites> operators;
  std::vector<double> places;
};

Line read_line(const Comm& comm, const Sweep& sweep, const std::vector<std::uint32_t>& points) {
  Line line;
  for (const auto point : points) {
    line.operators.push_back(operator_on_sites(comm, arguments_of(sweep, point).op));
    line.operators.back().require_no_rules("interpolate");
  }
  const auto& first = line.operators.front().op;
  const auto& last = line.operators.back().op;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto place = place_on_line(first, last, line.operators[i].op);
    if (!place || *place < 0 || *place > 1)
      throw InvalidArgument(
          detail::concat("interpolate needs an operator that depends linearly on what varies; at ",
                         sweep.label(points[i]), " it does not lie between those at ",
                         sweep.label(points.front()), " and ", sweep.label(points.back())));
    line.places.push_back(*place);
  }
  return line;
}

}  // namespace

void check_line(const Comm& comm, const Sweep& sweep) {
  try {
    (void)read_line(comm, sweep, sweep.line(0));
  } catch (const InvalidArgument& error) {
    throw InvalidArgument(detail::concat(sweep.name(), ": ", error.what()));
  }
}

/// One line, from both ends inwards: where the bound is largest a point is solved, until all are
/// known well enough. Its checkpoint keeps what the solves have taught, and the one under way.
class Worker::LineRun {
 public:
  LineRun(Worker& worker, const Comm& comm, const std::vector<std::uint32_t>& points)
      : worker_(worker),
        comm_(comm),
        points_(points),
        line_(read_line(comm, worker.folder_.sweep(), points)),
        solved_(points.size(), 0),
        open_(points.size()),
        checkpoint_(comm, {.path = worker.checkpoint_of(points.front()),
                           .required = false,
                           .stop = [this] { return is_late_ || worker_.is_asked_to_stop(); }}),
        stage_(identified_checkpoint(), "line",
               [this](CheckpointWriter& writer) { write(writer); }) {
    for (std::size_t i = 0; i < points.size(); ++i) open_[i] = worker.is_open(points[i]) ? 1 : 0;
    comm.broadcast(std::span<int>(open_));  // as rank 0 has read
    if (stage_.saved() == nullptr) return;
    if (comm.is_root()) fmt::print(stderr, "kronsolve: {}\n", checkpoint_.found());
    stage_.saved()->numbers("next", std::tie(next_));
    for (const double i : stage_.saved()->numbers("solved")) solved_[std::size_t(i)] = 1;
  }

  void run() {
    solve(next_);  // what a checkpoint was written in goes on first
    if (solved_.back() == 0) solve(points_.size() - 1);
    while (const auto next = interpolate()) {
      int late = 0;
      comm_.agree([&] {
        if (comm_.is_root()) late = worker_.is_timely(points_[*next]) ? 0 : 1;
      });
      comm_.broadcast(std::span<int>(&late, 1));
      is_late_ = late != 0;
      solve(*next);
    }
  }
  /// The job would have ended before the next solve.
  bool is_late() const noexcept { return is_late_; }

 private:
  /// Solves, and learns from it; a point that has a record keeps it.
  void solve(std::size_t i) {
    next_ = i;
    worker_.requests_.begin();
    if (stage_.saved() == nullptr || levels_) stage_.step();
    const auto begin = Clock::now();
    Json record = worker_.begin_record(points_[i]);
    PointHead head{.id = worker_.folder_.sweep().id(points_[i])};
    worker_.solve(comm_, points_[i], begin, head, record,
                  [&](const Comm& comm, const SectorOperator& h, EighOptions options) {
                    options.progress = {};
                    options.checkpoint = &checkpoint_;
                    if (!levels_) learn(comm, h.basis, options);
                    return levels_->solve(line_.places[i]);
                  });
    solved_[i] = 1;
    if (record.contains("residuals")) {
      record["interpolated"] = false;
      record["bounds"] = record["residuals"];
    }
    finish(i, head, record, begin);
  }
  /// Begins with what there is.
  void learn(const Comm& comm, std::shared_ptr<const Basis> basis, const EighOptions& options) {
    levels_.emplace(comm, SectorOperator{line_.operators.front().op, std::move(basis)},
                    line_.operators.back().op, options);
    if (const auto* saved = stage_.saved(); saved != nullptr && saved->numbers("taught").at(0) != 0)
      levels_->restore(*saved);
  }
  Checkpoint* identified_checkpoint() {
    std::string points;
    for (const auto point : points_)
      points += campaign::to_text(worker_.folder_.sweep().id(point)) + " ";
    checkpoint_.identify("points", points);
    return &checkpoint_;
  }
  void write(CheckpointWriter& writer) const {
    std::vector<double> solved;
    for (std::size_t i = 0; i < solved_.size(); ++i)
      if (solved_[i] != 0) solved.push_back(static_cast<double>(i));
    const bool taught = levels_.has_value();
    writer.numbers("next", std::tie(next_));
    writer.numbers("solved", solved);
    writer.numbers("taught", std::tie(taught));
    if (levels_) levels_->write(writer);
  }
  void finish(std::size_t i, PointHead head, const Json& record, Clock::time_point begin) {
    if (open_[i] == 0) return;
    open_[i] = 0;
    head.seconds = seconds_since(begin);
    comm_.agree([&] {
      if (comm_.is_root()) worker_.write(head, record);
    });
  }
  /// Values and bounds, the same on every rank.
  LevelLine::Levels levels_at(double t) const {
    if (!levels_) return {{}, {infinite}};
    auto levels = levels_->at(t);
    comm_.broadcast(std::span<double>(levels.values));
    comm_.broadcast(std::span<double>(levels.bounds));
    return levels;
  }
  /// Writes the points that are known well enough; returns the one that is known worst.
  std::optional<std::size_t> interpolate() {
    const double wanted = *worker_.folder_.sweep().interpolate();
    std::optional<std::size_t> worst;
    std::pair<double, double> most = {0, 0};  // bound, distance from what is solved
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (open_[i] == 0 || solved_[i] != 0) continue;
      const auto begin = Clock::now();
      const auto levels = levels_at(line_.places[i]);
      const double bound = *std::max_element(levels.bounds.begin(), levels.bounds.end());
      if (bound <= wanted) {
        write(i, levels, begin);
        continue;
      }
      const std::pair rank(bound, distance(i));
      if (!worst || rank > most) {
        worst = i;
        most = rank;
      }
    }
    return worst;
  }
  double distance(std::size_t i) const {
    double nearest = infinite;
    for (std::size_t j = 0; j < points_.size(); ++j)
      if (solved_[j] != 0) nearest = std::min(nearest, std::abs(line_.places[i] - line_.places[j]));
    return nearest;
  }
  void write(std::size_t i, const LevelLine::Levels& levels, Clock::time_point begin) {
    const auto& sweep = worker_.folder_.sweep();
    const auto& op = line_.operators[i];
    const auto arguments = arguments_of(sweep, points_[i]);
    Problem problem;
    problem.model = op.model;
    problem.sites = op.op.sites();
    problem.sector = arguments.op.sector;
    problem.lattice = op.lattice;
    problem.parameters = op.parameters;
    Json found = json_of(sweep.command(), problem, levels_->dimension(), op.op.scalar());
    found["method"] = "interpolation";
    if (sweep.command() == "ground") found["energy"] = levels.values.front();
    found["eigenvalues"] = levels.values;
    found["bounds"] = levels.bounds;
    found["interpolated"] = true;
    found["converged"] = true;
    found["products"] = 0;
    Json record = worker_.begin_record(points_[i]);
    worker_.add(record, found);
    finish(i, {.id = sweep.id(points_[i]), .cores = comm_.size()}, record, begin);
  }

  Worker& worker_;
  const Comm& comm_;
  const std::vector<std::uint32_t>& points_;
  Line line_;
  std::optional<LevelLine> levels_;
  std::vector<int> solved_, open_;
  std::size_t next_ = 0;  ///< is being solved
  bool is_late_ = false;
  Checkpoint checkpoint_;
  CheckpointStage stage_;
};

void Worker::run_line(const Comm& comm, const std::vector<std::uint32_t>& line) {
  constexpr std::size_t fewest = 3;  // of less than that nothing lies between
  try {
    if (line.size() >= fewest) {
      LineRun run(*this, comm, line);
      try {
        run.run();
      } catch (const Stopped&) {
        stopped_ = stopped_ || !run.is_late();
        return;
      }
      comm.agree([&] {
        if (comm.is_root()) forget(checkpoint_of(line.front()));
      });
      return;
    }
  } catch (const InvalidArgument& error) {  // of the line as a whole; points have their own
    comm.agree([&] {
      if (comm.is_root()) give_up(line.front(), error.what());
    });
    return;
  }
  for (const auto point : line) run_point(comm, point);
}

}  // namespace kronsolve::cli
