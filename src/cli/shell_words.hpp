#pragma once

#include <string>
#include <vector>

namespace kronsolve::cli {

/// A word as a shell would have to be given it.
std::string quoted_word(const std::string& word);
/// "kronsolve ground --model ising" of the words behind the program's name.
std::string shell_line(const std::vector<std::string>& words);
/// The words of such a line, and of what people type: quotes of both kinds, backslashes.
std::vector<std::string> words_of_line(const std::string& line);

}  // namespace kronsolve::cli
