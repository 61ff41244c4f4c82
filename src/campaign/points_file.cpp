#include "campaign/points_file.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>
#include <span>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

namespace kronsolve::campaign {

namespace {

// Locks stand on bytes far behind the end of the file itself: a lock on NFS brings the contents of
// its own file up to date, and one file is enough.
constexpr index_t claims_begin = index_t{1} << 62;
constexpr index_t writing = claims_begin - 1;

constexpr std::string_view prefix = "{\"point\":\"";
constexpr std::string_view seal = ",\"checksum\":\"";
constexpr std::size_t digits = 16, seal_length = seal.size() + digits + 2;

[[noreturn]] void fail(const std::string& path, std::string_view doing) {
  const int why = errno;
  const bool no_locks = why == ENOLCK || why == EOPNOTSUPP || why == ENOSYS;
  throw IoError(path, detail::concat("cannot ", doing, " '", path, "': ", std::strerror(why),
                                     no_locks ? "; choose a file system with locks" : ""));
}

/// Whether the lock was granted.
/// @param command  F_OFD_SETLK or F_OFD_SETLKW
bool set_lock(int file, int command, short type, index_t at) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = at;
  lock.l_len = 1;
  int result = 0;
  do result = ::fcntl(file, command, &lock);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

/// Locks of other processes in [begin, end).
index_t count_locks(int file, index_t begin, index_t end) {
  if (begin >= end) return 0;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = begin;
  lock.l_len = end - begin;
  if (::fcntl(file, F_OFD_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return 0;
  return 1 + count_locks(file, begin, lock.l_start) +
         count_locks(file, lock.l_start + lock.l_len, end);
}

std::string checksum(std::string_view text) {
  Checksum sum;
  sum.add(std::span(text.data(), text.size()));
  return to_text(sum.value());
}

/// Takes `label` and the number behind it off the front of `text`; nothing if they are not there.
template <class Number>
std::optional<Number> take_number(std::string_view& text, std::string_view label) {
  if (!text.starts_with(label)) return std::nullopt;
  text.remove_prefix(label.size());
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// The head of a record; nothing if it does not begin as one.
std::optional<PointPlace> read_head(std::string_view line) {
  PointPlace place;
  if (!line.starts_with(prefix) || line.size() < prefix.size() + digits) return std::nullopt;
  const char* const id = line.data() + prefix.size();
  if (std::from_chars(id, id + digits, place.id, 16).ptr != id + digits) return std::nullopt;
  line.remove_prefix(prefix.size() + digits);
  constexpr std::string_view label = "\",\"status\":\"";
  if (!line.starts_with(label)) return std::nullopt;
  line.remove_prefix(label.size());
  const auto word = line.substr(0, line.find('"'));
  const auto statuses = {PointStatus::done, PointStatus::not_converged, PointStatus::failed};
  const auto known = std::find_if(statuses.begin(), statuses.end(),
                                  [&](PointStatus status) { return to_text(status) == word; });
  if (known == statuses.end()) return std::nullopt;
  place.status = *known;
  line.remove_prefix(word.size() + 1);
  const auto finished = take_number<double>(line, ",\"finished\":");
  const auto seconds = take_number<double>(line, ",\"seconds\":");
  const auto cores = take_number<int>(line, ",\"cores\":");
  if (!finished || !seconds || !cores) return std::nullopt;
  place.finished = *finished;
  place.seconds = *seconds;
  place.cores = *cores;
  return place;
}

}  // namespace

std::string to_text(PointId id) { return fmt::format("{:016x}", id); }

std::string_view to_text(PointStatus status) {
  switch (status) {
    case PointStatus::not_converged:
      return "not converged";
    case PointStatus::failed:
      return "failed";
    case PointStatus::done:
      break;
  }
  return "done";
}

Claim& Claim::operator=(Claim&& other) noexcept {
  std::swap(file_, other.file_);
  std::swap(at_, other.at_);
  return *this;
}

Claim::~Claim() {
  if (file_ >= 0) (void)set_lock(file_, F_OFD_SETLK, F_UNLCK, at_);
}

/// While it lives nobody writes (shared), or nobody else reads or writes (exclusive).
class PointsFile::Lock {
 public:
  Lock(const PointsFile& points, short type) : file_(points.file_) {
    if (!set_lock(file_, F_OFD_SETLKW, type, writing)) fail(points.path_, "lock");
  }
  ~Lock() { (void)set_lock(file_, F_OFD_SETLK, F_UNLCK, writing); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int file_;
};

PointsFile::PointsFile(const std::string& path, Access access) : path_(path) {
  const bool writes = access == Access::write;
  file_ = ::open(path.c_str(), (writes ? O_RDWR | O_CREAT | O_APPEND : O_RDONLY) | O_CLOEXEC, 0666);
  if (file_ < 0) fail(path_, writes ? "create" : "open");
}

PointsFile::~PointsFile() { (void)::close(file_); }

void PointsFile::refresh() {
  struct stat facts {};
  if (::fstat(file_, &facts) != 0) fail(path_, "read");
  if (facts.st_size <= read_) return;
  const Lock lock(*this, F_RDLCK);
  if (::fstat(file_, &facts) != 0) fail(path_, "read");
  scan_to(facts.st_size);
}

void PointsFile::scan_to(index_t end) {
  constexpr std::size_t piece = std::size_t{4} << 20;
  std::string held;  // from read_ on; ends within a line
  for (index_t at = read_; at < end;) {
    const auto before = held.size();
    held.resize(before + std::min(piece, static_cast<std::size_t>(end - at)));
    const auto got = ::pread(file_, held.data() + before, held.size() - before, at);
    if (got < 0 && errno == EINTR) {
      held.resize(before);
      continue;
    }
    if (got < 0) fail(path_, "read");
    if (got == 0) break;
    at += got;
    held.resize(before + static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (auto next = held.find('\n', before); next != held.npos; next = held.find('\n', begin)) {
      ++lines_;
      scan(std::string_view(held).substr(begin, next - begin), read_);
      read_ += static_cast<index_t>(next + 1 - begin);
      begin = next + 1;
    }
    held.erase(0, begin);
  }
}

void PointsFile::scan(std::string_view line, index_t offset) {
  if (line.find_first_not_of(' ') == line.npos) return;  // what mend() has left
  const auto refuse = [&](const char* why) {
    damaged_.emplace_back(lines_, why);
    blank_.emplace_back(offset, static_cast<index_t>(line.size()));
  };
  if (line.size() < seal_length || !line.ends_with("\"}")) return refuse("its end is missing");
  const auto body = line.substr(0, line.size() - seal_length);
  const auto end = line.substr(body.size());
  if (!end.starts_with(seal)) return refuse("it has no checksum");
  if (end.substr(seal.size(), digits) != checksum(body)) return refuse("its checksum differs");
  auto place = read_head(line);
  if (!place) return refuse("it is not the record of a point");
  place->offset = offset;
  place->length = static_cast<index_t>(line.size());
  add(*place);
}

void PointsFile::add(const PointPlace& place) {
  all_.push_back(place);
  const auto [known, is_new] = records_.try_emplace(place.id, place);
  if (is_new) return;
  auto& older = known->second;
  const bool replaces = older.status == PointStatus::failed;
  if (!replaces && place.status != PointStatus::failed) return;  // the first result stays
  const auto& dropped = replaces ? older : place;
  blank_.emplace_back(dropped.offset, dropped.length);
  if (replaces) older = place;
}

std::string PointsFile::text(const PointPlace& place) const {
  std::string text(static_cast<std::size_t>(place.length), '\0');
  const auto got = ::pread(file_, text.data(), text.size(), place.offset);
  if (got != place.length) fail(path_, "read");
  return text;
}

void PointsFile::cut_torn_end(index_t size) {
  if (size == read_) return;
  damaged_.emplace_back(lines_ + 1, "its end is missing");
  if (::ftruncate(file_, read_) != 0) fail(path_, "write");
}

void PointsFile::append(const PointHead& head, std::string_view fields) {
  std::string line = fmt::format(
      "{}{:016x}\",\"status\":\"{}\",\"finished\":{:.3f},\"seconds\":{:.6f},\"cores\":{}", prefix,
      head.id, to_text(head.status), head.finished, head.seconds, head.cores);
  if (!fields.empty()) line.append(",").append(fields);
  line.append(seal).append(checksum(std::string_view(line).substr(0, line.size() - seal.size())));
  line += "\"}\n";
  const Lock lock(*this, F_WRLCK);
  struct stat facts {};
  if (::fstat(file_, &facts) != 0) fail(path_, "write");
  scan_to(facts.st_size);
  cut_torn_end(facts.st_size);
  const auto written = ::write(file_, line.data(), line.size());
  if (written != static_cast<ssize_t>(line.size())) {
    const int why = written < 0 ? errno : ENOSPC;
    (void)!::ftruncate(file_, read_);
    errno = why;
    fail(path_, "write");
  }
  PointPlace place{head, read_, static_cast<index_t>(line.size()) - 1};
  read_ += static_cast<index_t>(line.size());
  ++lines_;
  add(place);
}

Claim PointsFile::claim(PointId id) {
  const index_t at = claims_begin + static_cast<index_t>(id >> 2);
  if (set_lock(file_, F_OFD_SETLK, F_WRLCK, at)) return {file_, at};
  if (errno != EAGAIN && errno != EACCES) fail(path_, "lock");
  return {-1, at};
}

index_t PointsFile::claims_of_others() const {
  return count_locks(file_, claims_begin, std::numeric_limits<index_t>::max());
}

index_t PointsFile::mend(const std::string& aside) {
  const Lock lock(*this, F_WRLCK);
  struct stat facts {};
  if (::fstat(file_, &facts) != 0) fail(path_, "read");
  scan_to(facts.st_size);
  cut_torn_end(facts.st_size);
  if (!blank_.empty()) {
    // A second descriptor: writes of one that appends all go to the end.
    const int there = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    const int kept = ::open(aside.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    bool fine = there >= 0 && kept >= 0;
    for (const auto& [offset, length] : blank_) {
      PointPlace place;
      place.offset = offset;
      place.length = length;
      const std::string old = text(place) + "\n", blanks(static_cast<std::size_t>(length), ' ');
      fine = fine && ::write(kept, old.data(), old.size()) == static_cast<ssize_t>(old.size()) &&
             ::pwrite(there, blanks.data(), blanks.size(), offset) == length;
    }
    const int why = errno;
    if (there >= 0) (void)::close(there);
    if (kept >= 0) (void)::close(kept);
    errno = why;
    if (!fine) fail(path_, "mend");
    blank_.clear();
  }
  return static_cast<index_t>(damaged_.size());
}

void PointsFile::sync() {
  if (::fdatasync(file_) != 0) fail(path_, "write");
}

}  // namespace kronsolve::campaign
