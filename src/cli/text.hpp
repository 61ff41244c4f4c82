#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <kronsolve/core/index.hpp>

namespace kronsolve::cli {

std::string grouped(index_t n);            ///< 1048576 as "1 048 576"
std::string seconds_text(double seconds);  ///< "85 ms", "8.1 s", "3 min 20 s", "2 h 5 min"
std::string value_text(double value);      ///< all 17 significant digits, a place kept for the sign
std::string residual_text(double residual);  ///< two digits, "3.1e-12"

/// As detail::counted, with grouped digits.
std::string counted(index_t n, const std::string& word);
std::string joined(const std::vector<std::string>& words, std::string_view between = " ");
/// The text in lines of at most `width` columns, cut at blanks; a longer word keeps a line to
/// itself, and lines behind an indented one are indented more.
/// @param line_end  what stands between the lines
std::string wrapped(const std::string& text, std::size_t width, const std::string& line_end);
/// Words of others as a terminal may show them: one line, control characters and what is no UTF-8 as
/// \x1b, words of more than 200 characters and texts of more than 2000 cut.
std::string printable(std::string_view text);
/// Columns of the terminal that a file (STDOUT_FILENO) is; 0 if it is none, or does not say.
std::size_t terminal_columns(int file);

}  // namespace kronsolve::cli
