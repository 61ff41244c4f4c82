#pragma once

#include <string>
#include <string_view>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/index.hpp>

namespace kronsolve::detail {

/// Before toml++ 3.3 is given a text: outside of comments and quotes it has undefined behaviour at some
/// letters that are not ASCII, and at control characters, which TOML has nowhere. Local.
/// @throws InvalidArgument  "name:line: ..."
inline void require_plain_toml(std::string_view text, const std::string& name) {
  index_t line = 1;
  char quote = 0;
  bool comment = false;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    if (c == '\n') {
      ++line;
      comment = false;
    } else if (control && c != '\t' && c != '\r') {
      throw InvalidArgument(concat(name, ":", line, ": a control character is no text"));
    } else if (quote == '"' && c == '\\') {
      ++i;
    } else if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '#') {
      comment = true;
    } else if (!comment && (c == '"' || c == '\'')) {
      quote = c;
    } else if (!comment && static_cast<unsigned char>(c) >= 0x80) {
      throw InvalidArgument(
          concat(name, ":", line, ": characters outside ASCII belong into comments and quotes"));
    }
  }
}

}  // namespace kronsolve::detail
