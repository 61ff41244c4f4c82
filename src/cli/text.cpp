#include "cli/text.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/counted.hpp"

namespace kronsolve::cli {

std::string grouped(index_t n) {
  std::string digits = std::to_string(n);
  const std::size_t first = n < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, " ");
  return digits;
}

std::string seconds_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  if (seconds < 1) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<index_t>(seconds + 0.5);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string counted(index_t n, const std::string& word) {
  return fmt::format("{} {}", grouped(n), detail::number_of(word, n == 1));
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : between).append(word);
  return text;
}

std::string wrapped(const std::string& text, std::size_t width, const std::string& line_end) {
  std::string result;
  std::size_t column = 0;
  const std::size_t indent = std::min(text.find_first_not_of(' '), text.size());
  result.append(indent, ' ');
  for (std::size_t at = indent; at < text.size();) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::size_t length = end - at;
    const bool fresh = at == indent;
    if (!fresh && indent + column + 1 + length > width) {
      result += line_end;
      if (indent > 0) result.append(indent + 2, ' ');
      column = indent > 0 ? 2 : 0;
    } else if (!fresh) {
      result += ' ';
      ++column;
    }
    result.append(text, at, length);
    column += length;
    at = end + 1;
  }
  return result;
}

namespace {

/// Bytes of the character that begins here; 0 if it is no UTF-8, or one that a terminal obeys.
std::size_t shown_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first < 0x20 || first == 0x7f ? 0 : 1;
  const std::size_t length = first < 0xc2   ? 0
                             : first < 0xe0 ? 2
                             : first < 0xf0 ? 3
                             : first < 0xf5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byte(i) >> 6 != 2) return 0;
  return first == 0xc2 && byte(1) < 0xa0 ? 0 : length;
}

/// The beginning and the end of a text that is too long.
std::string shortened(const std::vector<std::string>& characters, std::size_t most) {
  std::string text;
  const std::size_t kept = most / 2;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    if (characters.size() > most && i == kept) {
      i = characters.size() - kept;
      text += fmt::format("[... {} characters ...]", i - kept);
    }
    text += characters[i];
  }
  return text;
}

std::vector<std::string> shown_characters(std::string_view text) {
  std::vector<std::string> characters;
  while (!text.empty()) {
    const std::size_t length = shown_bytes(text);
    const bool blank = text[0] == '\n' || text[0] == '\r' || text[0] == '\t';
    if (blank)
      characters.emplace_back(" ");
    else if (length == 0)
      characters.push_back(fmt::format("\\x{:02x}", static_cast<unsigned char>(text[0])));
    else
      characters.emplace_back(text.substr(0, length));
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return characters;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t longest_word = 200, longest = 2000;
  std::vector<std::string> result, word;
  const auto end_word = [&] {
    if (word.size() > longest_word)
      result.push_back(shortened(word, longest_word));
    else
      result.insert(result.end(), word.begin(), word.end());
    word.clear();
  };
  for (auto& character : shown_characters(text)) {
    if (character == " ") {
      end_word();
      result.push_back(std::move(character));
    } else {
      word.push_back(std::move(character));
    }
  }
  end_word();
  return shortened(result, longest);
}

std::size_t terminal_columns(int file) {
  winsize size{};
  if (isatty(file) != 1 || ioctl(file, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string value_text(double value) { return fmt::format("{: #.17g}", value); }

std::string residual_text(double residual) { return fmt::format("{:.1e}", residual); }

}  // namespace kronsolve::cli
