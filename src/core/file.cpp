#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <random>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>

namespace kronsolve {

namespace {

[[noreturn]] void fail(const std::string& path, const std::string& doing, const std::string& why) {
  throw IoError(path, detail::concat("cannot ", doing, " '", path, "': ", why));
}

std::size_t read_at(const std::string& path, int descriptor, index_t offset,
                    std::span<char> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got = ::pread(descriptor, bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(offset + static_cast<index_t>(done)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace

InputFile::InputFile(std::string path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(path_, "open", std::strerror(errno));
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0 || !S_ISREG(facts.st_mode)) {
    ::close(descriptor_);
    fail(path_, "read", S_ISDIR(facts.st_mode) ? "it is a directory" : "it is not a regular file");
  }
  size_ = static_cast<index_t>(facts.st_size);
}

InputFile& InputFile::operator=(InputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

InputFile::~InputFile() {
  if (descriptor_ >= 0) (void)::close(descriptor_);
}

std::size_t InputFile::read(index_t offset, std::span<char> bytes) const {
  return read_at(path_, descriptor_, offset, bytes);
}

std::string read_text_file(const std::string& path) {
  const InputFile file(path);
  constexpr index_t most = index_t{256} << 20;
  if (file.size() > most)
    throw InvalidArgument(detail::concat("'", path, "' has ", file.size(),
                                         " bytes; a text file may have at most ", most));
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  text.resize(file.read(0, std::span(text.data(), text.size())));
  return text;
}

// ---- writing ---------------------------------------------------------------------------------

namespace {

/// A file that a signal has to remove. A handler can reach nothing but static memory.
struct Unfinished {
  static constexpr int nobody = -1, being_filled = -2;
  std::atomic<int> folder{nobody};
  char name[256] = {};
};
constexpr int most_unfinished = 16;
Unfinished unfinished[most_unfinished];
static_assert(std::atomic<int>::is_always_lock_free);

/// Takes a slot, or -1: with more files than slots, the last ones stay after a signal.
int remember(int folder, const std::string& name) noexcept {
  for (int slot = 0; slot < most_unfinished; ++slot) {
    int nobody = Unfinished::nobody;
    if (!unfinished[slot].folder.compare_exchange_strong(nobody, Unfinished::being_filled))
      continue;
    const auto length = name.copy(unfinished[slot].name, sizeof(Unfinished::name) - 1);
    unfinished[slot].name[length] = '\0';
    unfinished[slot].folder = folder;
    return slot;
  }
  return -1;
}

void forget(int slot) noexcept {
  if (slot >= 0) unfinished[slot].folder = Unfinished::nobody;
}

std::string temporary_name(const std::string& name) {
  std::random_device random;
  const auto number = (std::uint64_t{random()} << 32) | random();
  char text[17];
  (void)std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(number));
  return detail::concat(name.substr(0, 200), ".", text, ".part");
}

}  // namespace

void remove_unfinished_files() noexcept {
  for (auto& [folder, name] : unfinished)
    if (const int at = folder; at >= 0) (void)::unlinkat(at, name, 0);
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  const auto slash = path_.rfind('/');
  name_ = slash == path_.npos ? path_ : path_.substr(slash + 1);
  const std::string folder = slash == path_.npos ? "." : path_.substr(0, slash + 1);
  if (name_.empty()) fail(path_, "create", "it is not the name of a file");
  folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_ < 0) fail(path_, "create", std::strerror(errno));
  const auto give_up = [&](const std::string& why) {
    drop();
    fail(path_, "create", why);
  };
  // A symbolic link at the path is replaced itself; what it leads to stays as it is.
  struct stat there {};
  const bool replaces = ::fstatat(folder_, name_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
  if (!replaces && errno != ENOENT) give_up(std::strerror(errno));
  if (replaces && S_ISDIR(there.st_mode)) give_up("it is a directory");
  if (replaces && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
    give_up("it is not a regular file");
  std::string temporary = temporary_name(name_);
  slot_ = remember(folder_, temporary);
  descriptor_ = ::openat(folder_, temporary.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) give_up(std::strerror(errno));
  temporary_ = std::move(temporary);
  if (replaces && S_ISREG(there.st_mode)) (void)::fchmod(descriptor_, there.st_mode & 0777);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      slot_(std::exchange(other.slot_, -1)),
      temporary_(std::move(other.temporary_)),
      folder_(std::exchange(other.folder_, -1)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(name_, other.name_);
  std::swap(slot_, other.slot_);
  std::swap(temporary_, other.temporary_);
  std::swap(folder_, other.folder_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

OutputFile::~OutputFile() { drop(); }

void OutputFile::drop() noexcept {
  if (descriptor_ >= 0) (void)::close(std::exchange(descriptor_, -1));
  if (!temporary_.empty()) (void)::unlinkat(folder_, temporary_.c_str(), 0);
  temporary_.clear();
  forget(std::exchange(slot_, -1));
  if (folder_ >= 0) (void)::close(std::exchange(folder_, -1));
}

namespace {

/// The disk begins at once with a large piece, beside what is done next: less is left to wait for at
/// the end. Whether it has worked is for fsync to say.
void begin_to_store(int descriptor, index_t offset, std::size_t bytes) noexcept {
#ifdef SYNC_FILE_RANGE_WRITE
  constexpr std::size_t large = 1 << 20;
  if (bytes >= large)
    (void)::sync_file_range(descriptor, static_cast<off64_t>(offset), static_cast<off64_t>(bytes),
                            SYNC_FILE_RANGE_WRITE);
#else
  (void)descriptor, (void)offset, (void)bytes;
#endif
}

}  // namespace

void OutputFile::write(index_t offset, std::span<const char> bytes) {
  const index_t begin = offset;
  const std::size_t all = bytes.size();
  size_ = std::max(size_, offset + static_cast<index_t>(bytes.size()));
  while (!bytes.empty()) {
    const auto put = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) fail(path_, "write", std::strerror(put < 0 ? errno : ENOSPC));
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<index_t>(put);
  }
  begin_to_store(descriptor_, begin, all);
}

std::size_t OutputFile::read(index_t offset, std::span<char> bytes) const {
  return read_at(path_, descriptor_, offset, bytes);
}

/// The older file gets a second name, so that there is always one under the first. Where a file
/// system has no such names it is renamed.
bool OutputFile::keep_older(const std::string& name) noexcept {
  const std::string other = temporary_name(name);
  const bool linked = ::linkat(folder_, name_.c_str(), folder_, other.c_str(), 0) == 0;
  if (!linked && errno == ENOENT) return true;  // there is none
  if (!linked) return ::renameat(folder_, name_.c_str(), folder_, name.c_str()) == 0;
  if (::renameat(folder_, other.c_str(), folder_, name.c_str()) == 0) {
    // Where both names were one file already, rename leaves both.
    (void)::unlinkat(folder_, other.c_str(), 0);
    return true;
  }
  const int why = errno;
  (void)::unlinkat(folder_, other.c_str(), 0);
  errno = why;
  return false;
}

void OutputFile::close(const std::string& keep) {
  const auto give_up = [&](const char* doing) {
    const int why = errno;
    drop();
    fail(path_, doing, std::strerror(why));
  };
  // Some systems tell of a full disk only here.
  if (::fsync(descriptor_) != 0) give_up("write");
  if (::close(std::exchange(descriptor_, -1)) != 0) give_up("write");
  if (!keep.empty() && !keep_older(keep)) give_up("keep the older");
  if (::renameat(folder_, temporary_.c_str(), folder_, name_.c_str()) != 0) give_up("name");
  temporary_.clear();
  // Some file systems have no fsync of folders.
  if (::fsync(folder_) != 0 && errno != EINVAL) give_up("be sure of the name of");
  drop();
}

// ---- checksums -------------------------------------------------------------------------------

namespace {

/// Each step can be undone, so that two different words never give the same.
std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) noexcept {
  return std::rotl((lane ^ word) * 0x9e3779b97f4a7c15U, 29);
}

}  // namespace

void Checksum::word(std::uint64_t word) noexcept {
  auto& lane = lanes_[(count_ / 8) % 4];
  lane = mixed(lane, word);
}

void Checksum::add(std::span<const char> bytes) noexcept {
  std::size_t at = 0;
  for (; at < bytes.size() && count_ % 8 != 0; ++at) add_byte(bytes[at]);
  const auto next_word = [&] {
    std::uint64_t next = 0;
    std::memcpy(&next, bytes.data() + at, 8);
    at += 8;
    return next;
  };
  for (; at + 8 <= bytes.size() && count_ % 32 != 0; count_ += 8) word(next_word());
  std::uint64_t lanes[4] = {lanes_[0], lanes_[1], lanes_[2], lanes_[3]};  // in registers
  for (; at + 32 <= bytes.size(); count_ += 32)
    for (auto& lane : lanes) lane = mixed(lane, next_word());
  std::copy(std::begin(lanes), std::end(lanes), std::begin(lanes_));
  for (; at + 8 <= bytes.size(); count_ += 8) word(next_word());
  for (; at < bytes.size(); ++at) add_byte(bytes[at]);
}

void Checksum::add_byte(char byte) noexcept {
  partial_ |= std::uint64_t{static_cast<unsigned char>(byte)} << (8 * (count_ % 8));
  if (count_ % 8 == 7) word(std::exchange(partial_, 0));
  ++count_;
}

std::uint64_t Checksum::value() const noexcept {
  std::uint64_t sum = count_ ^ partial_;
  for (const auto lane : lanes_) {
    sum = (sum ^ lane) * 0xff51afd7ed558ccdU;
    sum ^= sum >> 32;
  }
  return sum;
}

}  // namespace kronsolve
