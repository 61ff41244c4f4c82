#include "cli/refusal.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/suggest.hpp>

#include "cli/commands.hpp"
#include "cli/habits.hpp"
#include "cli/options.hpp"

namespace kronsolve::cli {

namespace {

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& command : commands()) names.push_back(command.name);
  return names;
}

/// "-k" and "--sites": what a command may be told; long names come first.
std::vector<std::string> option_names(const CLI::App& command) {
  std::vector<std::string> lasting, brief;
  for (const auto* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) lasting.push_back("--" + name);
    for (const auto& name : option->get_snames()) brief.push_back("-" + name);
  }
  lasting.insert(lasting.end(), brief.begin(), brief.end());
  return lasting;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Names of the commands that have the option.
std::vector<std::string> owners(const std::string& option) {
  auto names = command_names();
  std::erase_if(names, [&](const auto& name) { return find_option(name, option) == nullptr; });
  return names;
}

std::string enumeration(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " and " : ", ") + words[i];
  return text;
}

/// What is wrong with an option that exists: it has no value, or several.
std::string misused(const CLI::ParseError& error) {
  std::string text = error.what();
  const std::string name = text.substr(0, text.find(':'));
  if (!name.starts_with("-")) return text;
  if (text.find("missing") != text.npos) return name + " needs a value";
  if (text.find("At Most") != text.npos) return name + " is given more than once; give it once";
  return text;
}

std::string question(const std::string& meant) {
  return meant.empty() ? std::string() : detail::concat("did you mean ", meant, "? ");
}

/// The dashes are no letters that agree.
std::string closest_option(const std::string& given, std::vector<std::string> names) {
  const auto bare = [](const std::string& name) {
    return name.substr(std::min(name.find_first_not_of('-'), name.size()));
  };
  for (auto& name : names) name = bare(name);
  const auto found = closest(bare(given), names);
  return found.empty() ? found : "--" + found;
}

/// What helps with an option that does not stand where it could be understood.
std::string remedy(const std::string& given, const CLI::App& app, const CLI::App& command,
                   const std::string& help) {
  const auto own = option_names(command);
  if (&command != &app && contains(own, given))
    return detail::concat("; options stand behind the command: kronsolve ", command.get_name(), " ",
                          given);
  const auto others = owners(given);
  if (&command == &app && !others.empty())
    return detail::concat("; the command comes first: kronsolve ", others.front(), " ", given);
  if (!others.empty())
    return detail::concat(": it belongs to ", enumeration(others), "; see kronsolve ",
                          others.front(), " --help");
  const auto meant = meant_option(given, own);
  std::vector<std::string> lasting;
  std::copy_if(own.begin(), own.end(), std::back_inserter(lasting),
               [](const std::string& name) { return name.starts_with("--"); });
  return detail::concat("; ", question(meant.empty() ? closest_option(given, lasting) : meant),
                        "see ", help);
}

}  // namespace

void refuse_words(const CLI::ParseError& error, const CLI::App& app) {
  const auto commands = app.get_subcommands();
  const CLI::App& command = commands.empty() ? app : *commands.front();
  const std::string help =
      commands.empty() ? "kronsolve --help" : "kronsolve " + command.get_name() + " --help";
  const auto extras = app.remaining(true);
  if (extras.empty() && commands.empty())
    throw InvalidArgument(
        detail::concat("which command? one of ", enumeration(command_names()), "; see ", help));
  if (extras.empty()) throw InvalidArgument(detail::concat(misused(error), "; see ", help));
  const auto& word = extras.front();
  if (word.starts_with("-")) {
    const auto given = word.substr(0, word.find('='));
    throw InvalidArgument(
        detail::concat("unknown option '", given, "'", remedy(given, app, command, help)));
  }
  if (!commands.empty())
    throw InvalidArgument(detail::concat("unexpected argument '", word, "'; ",
                                         question(meant_argument(word, option_names(command))),
                                         "see ", help));
  if (word == "help") throw InvalidArgument("there is no command 'help'; see " + help);
  throw InvalidArgument(unknown_name("command", word, command_names()));
}

}  // namespace kronsolve::cli
