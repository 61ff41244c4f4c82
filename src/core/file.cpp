#include <cerrno>
#include <cstring>

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
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto got = ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(offset + static_cast<index_t>(done)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path_, "read", std::strerror(errno));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
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

}  // namespace kronsolve
