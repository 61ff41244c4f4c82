#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "cli/sweep_file.hpp"

namespace kronsolve::cli {

using campaign::PointHead;
using campaign::PointPlace;
using campaign::PointsFile;
using campaign::PointStatus;

/// The folder of a sweep: what it is (sweep.json), and its results (points.jsonl).
class SweepFolder {
 public:
  /// That of a sweep which has been begun, to be looked at.
  /// @throws IoError  there is none
  /// @throws InvalidArgument  it holds something else
  explicit SweepFolder(const std::string& path);
  /// To work on.
  SweepFolder(const std::string& path, Sweep sweep);

  const std::string& path() const noexcept { return path_; }
  const Sweep& sweep() const noexcept { return sweep_; }
  PointsFile& points() noexcept { return points_; }
  /// The record of a point of the sweep; null if there is none.
  const PointPlace* record(std::size_t point) const;
  /// The whole of it, with the columns of [derive].
  Json read(const PointPlace& place) const;

  /// What has been done of the sweep.
  struct Tally {
    std::size_t done = 0, not_converged = 0, failed = 0;
    std::size_t finished() const { return done + not_converged + failed; }
    double core_seconds = 0;  ///< of all points together
    double longest_seconds = 0;
    std::size_t longest = 0;  ///< point
  };
  /// Reads what has been added, and counts.
  const Tally& tally();
  /// What a point will probably take, as far as points that were counted tell; else nothing.
  struct Effort {
    double seconds = 0, core_seconds = 0;
  };
  Effort expected(std::size_t point) const;
  /// Core seconds of all points that have no record.
  double remaining_core_seconds() const;

 private:
  std::string path_;
  Sweep sweep_;
  PointsFile points_;
  Tally tally_;
  std::unordered_map<PointId, std::size_t> numbers_;  ///< of the points, once they are counted
  std::vector<std::optional<PointStatus>> counted_;   ///< as what each point was counted
  std::size_t seen_ = 0;                              ///< records that were counted
  /// What was counted of a shape, or of all.
  struct Seen : Effort {
    double points = 0, cost = 0;
  };
  std::vector<Seen> seen_shapes_;
  Seen seen_all_;
  std::vector<Sweep::Shape> measured_;
};

/// Where the results of a file go unless told: FILE.out.
std::string default_folder(const std::string& file);
/// The sweep whose folder this is.
/// @throws as SweepFolder
Sweep load_sweep(const std::string& path);
/// Makes the folder that of `sweep`, if it is not; a folder of an earlier text of it goes on.
/// @throws InvalidArgument  it holds something else, or another sweep
/// @throws IoError
void prepare_folder(const std::string& path, const Sweep& sweep);

}  // namespace kronsolve::cli
