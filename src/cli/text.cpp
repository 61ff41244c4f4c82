#include "cli/text.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

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
  return fmt::format("{} {}{}", grouped(n), word, n == 1 ? "" : "s");
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

std::size_t terminal_columns(int file) {
  winsize size{};
  if (isatty(file) != 1 || ioctl(file, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string value_text(double value) { return fmt::format("{: #.17g}", value); }

std::string residual_text(double residual) { return fmt::format("{:.1e}", residual); }

}  // namespace kronsolve::cli
