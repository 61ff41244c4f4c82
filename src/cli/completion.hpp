#pragma once

#include <string>
#include <utility>
#include <vector>

namespace kronsolve::cli {

/// What a shell can offer for the word that is being typed.
struct Completion {
  struct Word {
    std::string text;
    std::string meaning;  ///< for shells that show it
  };
  std::vector<Word> words;
  enum class Places { none, files, folders } places = Places::none;  ///< besides the words
  std::string ending;  ///< of the files, ".toml"; empty: any
};

/// @param typed  the words behind the name of the program; the last one is being typed
Completion complete(const std::vector<std::string>& typed);

/// As the scripts of the shells read it: one line for each word, with a tab before its meaning, and
/// ":files .toml" or ":folders".
std::string completion_lines(const Completion& completion);

/// What shells read to complete our command lines, by the name of the shell; they ask `kronsolve
/// complete`.
using CompletionScripts = std::vector<std::pair<std::string, std::string>>;
const CompletionScripts& completion_scripts();
/// That of one shell.
/// @throws InvalidArgument  it is none of bash, zsh, fish
std::string completion_script(const std::string& shell);

}  // namespace kronsolve::cli
