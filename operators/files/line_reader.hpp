#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/file.hpp>
#include <kronsolve/core/row_range.hpp>

namespace kronsolve::detail {

/// Text behind the byte order mark that some editors put in front.
inline std::string_view without_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

/// The lines of a file that begin in a range of its bytes: ranges that tile the file tile its
/// lines.
class LineReader {
 public:
  /// @param first  byte where the first line of all ranges begins
  LineReader(const InputFile& file, RowRange bytes, index_t first)
      : file_(file), bytes_(bytes), position_(bytes.begin) {
    if (bytes.begin <= first || bytes.empty()) return;
    // the line that runs into this range belongs to the one before
    position_ = bytes.begin - 1;
    std::string_view rest;
    if (fetch(rest) && position_ >= bytes.begin) count_ = 0;
  }

  /// The next line without its end; false when the range has no more. The text lives until the next
  /// call.
  /// @throws InvalidArgument  a line longer than a line may be
  bool next(std::string_view& line) {
    if (position_ >= bytes_.end || !fetch(line)) return false;
    ++count_;
    return true;
  }

  index_t count() const noexcept { return count_; }        ///< lines given so far
  index_t position() const noexcept { return position_; }  ///< byte where the next line begins

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 20;

  /// Takes the text up to the next line end; false at the end of the file.
  bool fetch(std::string_view& line) {
    const void* end = find_end();
    if (end == nullptr && used_ > 0 && at_ < used_) {
      std::memmove(buffer_.data(), buffer_.data() + at_, used_ - at_);
      used_ -= at_;
      at_ = 0;
      refill();
      end = find_end();
    } else if (end == nullptr) {
      at_ = used_ = 0;
      refill();
      end = find_end();
    }
    if (at_ == used_) return false;
    std::size_t length = used_ - at_;
    std::size_t taken = length;
    if (end != nullptr) {
      length = static_cast<std::size_t>(static_cast<const char*>(end) - (buffer_.data() + at_));
      taken = length + 1;
    } else if (used_ == buffer_size) {
      throw InvalidArgument(concat(file_.path(), ": a line of more than ", buffer_size,
                                   " characters; not a text file of entries"));
    }
    line = {buffer_.data() + at_, length};
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at_ += taken;
    position_ += static_cast<index_t>(taken);
    return true;
  }

  const void* find_end() const {
    return at_ < used_ ? std::memchr(buffer_.data() + at_, '\n', used_ - at_) : nullptr;
  }

  void refill() {
    if (buffer_.empty()) buffer_.resize(buffer_size);
    used_ += file_.read(position_ + static_cast<index_t>(used_ - at_),
                        std::span(buffer_).subspan(used_));
  }

  const InputFile& file_;
  RowRange bytes_;
  index_t position_;
  index_t count_ = 0;
  std::vector<char> buffer_;
  std::size_t at_ = 0, used_ = 0;
};

}  // namespace kronsolve::detail
