#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"

namespace kronsolve::cli {

/// An option as it was given.
struct Given {
  std::string_view option;  ///< its name, for messages
  const std::string& text;
};

/// One option of the command line: parsing, help, suggestions and the files of sweeps all come from
/// this entry.
struct Option {
  std::string names;     ///< "-p,--parameter"; messages call it by the first
  std::string value;     ///< what stands for the value in the help; empty: a flag
  std::string commands;  ///< that have it, "ground eigh"
  std::string group;     ///< of the help
  std::string help;
  std::string standard;  ///< what holds if it is not given; empty: nothing that could be written
  void (*set)(Arguments&, const Given&);  ///< reads the value. @throws InvalidArgument
  enum class Times { once, many } times = Times::once;
  std::vector<std::string> choices = {};  ///< all that the value can be; empty: not to be listed

  std::string name() const { return names.substr(0, names.find_first_of(",{")); }
  /// What it does and what holds without it: "number of pairs (1)".
  std::string text() const;
  bool belongs_to(std::string_view command) const;
};

/// All options, in the order of the help.
const std::vector<Option>& options();
/// That of a command, named with its dashes; null if it has none of that name.
const Option* find_option(std::string_view command, std::string_view name);

}  // namespace kronsolve::cli
