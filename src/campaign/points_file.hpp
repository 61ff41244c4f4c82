#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <kronsolve/core/index.hpp>

namespace kronsolve::campaign {

/// What a point is: a hash of the run and of the version of the program.
using PointId = std::uint64_t;
std::string to_text(PointId id);  ///< 16 hexadecimal digits

enum class PointStatus { done, not_converged, failed };
std::string_view to_text(PointStatus status);  ///< "done", "not converged", "failed"

/// What every record begins with.
struct PointHead {
  PointId id = 0;
  PointStatus status = PointStatus::done;
  double finished = 0;  ///< seconds since 1970
  double seconds = 0;   ///< that it took
  int cores = 1;        ///< that it used
};

/// Where a record stands, and its head.
struct PointPlace : PointHead {
  index_t offset = 0, length = 0;  ///< without the line end
};

/// A right to compute a point: held by one process at a time, and dropped by the system with the
/// process, however it ends. Moves, does not copy.
class Claim {
 public:
  Claim(int file, index_t at) noexcept : file_(file), at_(at) {}
  Claim(Claim&& other) noexcept : file_(std::exchange(other.file_, -1)), at_(other.at_) {}
  Claim& operator=(Claim&& other) noexcept;
  ~Claim();
  explicit operator bool() const noexcept { return file_ >= 0; }

 private:
  int file_;
  index_t at_;
};

/// The results of a sweep: points.jsonl, a line of JSON for each point, shared by any number of
/// processes on any machines.
///
/// A record is one write at the end of the file, under a lock, and ends with a checksum. What holds
/// no valid record (a line cut short by a full disk or the end of a machine, changed bytes) counts
/// as nothing: its point is computed again. Only what was added is read again.
class PointsFile {
 public:
  enum class Access { read, write };
  /// @throws IoError  the file is not there (read), or cannot be created or locked (write)
  explicit PointsFile(const std::string& path, Access access);
  PointsFile(const PointsFile&) = delete;
  PointsFile& operator=(const PointsFile&) = delete;
  ~PointsFile();

  /// Reads what has been added. Waits for a record that is being written.
  void refresh();
  /// The record of each point: the last, but a result stands before a failure.
  const std::unordered_map<PointId, PointPlace>& records() const noexcept { return records_; }
  /// Every valid record in the order of the file.
  const std::vector<PointPlace>& all() const noexcept { return all_; }
  /// Lines that hold no valid record: number of the line, from 1, and what is wrong.
  const std::vector<std::pair<index_t, std::string>>& damaged() const noexcept { return damaged_; }
  std::string text(const PointPlace& place) const;  ///< of a record: one JSON object

  /// Adds a record.
  /// @param fields  further fields, "\"k\":1,\"energy\":-2"; may be empty
  /// @throws IoError  it cannot be written; the file is as it was
  void append(const PointHead& head, std::string_view fields);
  /// Nothing (false) if another process has it.
  Claim claim(PointId id);
  /// Points that other processes are computing now.
  index_t claims_of_others() const;
  /// Takes damaged lines (kept in `aside`) and failures that were mended out of the file, so that
  /// every line is a record. Returns how many were damaged.
  index_t mend(const std::string& aside);
  void sync();  ///< brings what was written to the disk

 private:
  class Lock;
  void scan(std::string_view line, index_t offset);
  void scan_to(index_t end);
  void cut_torn_end(index_t size);
  void add(const PointPlace& place);

  std::string path_;
  int file_ = -1;
  index_t read_ = 0;   ///< so many bytes have been looked at: whole lines
  index_t lines_ = 0;  ///< in them
  std::unordered_map<PointId, PointPlace> records_;
  std::vector<PointPlace> all_;
  std::vector<std::pair<index_t, std::string>> damaged_;
  std::vector<std::pair<index_t, index_t>> blank_;  ///< offset and length of what mend() takes out
};

}  // namespace kronsolve::campaign
