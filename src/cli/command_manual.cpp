// The man page and the reference of the command line, out of the tables of commands and options.

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <kronsolve/core/version.hpp>

#include "cli/commands.hpp"
#include "cli/guard.hpp"
#include "cli/options.hpp"

namespace kronsolve::cli {

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs exit_codes() {
  return {
      {std::to_string(exit_fine), "fine"},
      {std::to_string(exit_bad_input), "bad usage or input"},
      {std::to_string(exit_not_converged),
       "not converged; the result is printed all the same. Of a sweep: some point has not "
       "converged"},
      {std::to_string(exit_engine_or_mpi),
       "an engine or MPI failed or is missing, or a sound request is not covered"},
      {std::to_string(exit_file), "a file cannot be opened, read or written"},
      {std::to_string(exit_run_again), "stopped before the end of a job: run it again"},
      {std::to_string(exit_other), "anything else. Of a sweep: some point has failed"},
  };
}

Pairs variables() {
  return {
      {"KRONSOLVE_NUM_THREADS", "threads of each process, where --threads does not say"},
      {"KRONSOLVE_MPIEXEC", "the mpirun that --ranks starts its processes with"},
      {"KRONSOLVE_MEMORY_LIMIT",
       "memory a process may use, 8G; what cannot fit is refused before it is begun"},
      {"KRONSOLVE_ENGINE_DIR", "where the engine modules are, if not beside the library"},
      {"KRONSOLVE_SIMD",
       "avx2 or baseline: lesser instructions for the matrix-free product than the machine has"},
      {"NO_COLOR, TERM=dumb", "progress as plain lines"},
  };
}

/// The options of a command, group by group, in the order of the table.
std::vector<std::pair<std::string, std::vector<const Option*>>> grouped_options(
    std::string_view command) {
  std::vector<std::pair<std::string, std::vector<const Option*>>> groups;
  for (const auto& option : options()) {
    if (!option.belongs_to(command)) continue;
    auto group = groups.begin();
    while (group != groups.end() && group->first != option.group) ++group;
    if (group == groups.end()) group = groups.insert(group, {option.group, {}});
    group->second.push_back(&option);
  }
  return groups;
}

/// "-p, --parameter", without the value that a flag stands for.
std::string names_of(const Option& option) {
  std::string names = option.names.substr(0, option.names.find('{'));
  if (const auto comma = names.find(','); comma != names.npos) names.insert(comma + 1, " ");
  return names;
}

// ---- roff ---------------------------------------------------------------------------------------

/// A text as roff has it: hyphens that can be copied, no request at the beginning of a line.
std::string roff(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool begins = i == 0 || text[i - 1] == '\n';
    if (begins && (c == '.' || c == '\'')) result += "\\&";
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else if (c == '^')
      result += "\\(ha";
    else if (c == '~')
      result += "\\(ti";
    else
      result += c;
  }
  return result;
}

std::string roff_list(const Pairs& pairs) {
  std::string text;
  for (const auto& [name, meaning] : pairs)
    text += ".TP\n.B " + roff(name) + "\n" + roff(meaning) + "\n";
  return text;
}

std::string roff_command(const Command& command) {
  std::string text = ".SS kronsolve " + roff(command.name);
  if (!command.argument.empty()) text += " " + roff(command.argument);
  text += "\n" + roff(command.text) + ".\n";
  if (!command.argument.empty())
    text += ".TP\n.I " + roff(command.argument) + "\n" + roff(command.argument_text) + "\n";
  for (const auto& [group, members] : grouped_options(command.name)) {
    text += ".PP\n" + roff(group) + ":\n";
    for (const auto* option : members) {
      text += ".TP\n.B " + roff(names_of(*option));
      if (!option->value.empty()) text += " \\fI" + roff(option->value) + "\\fR";
      text += "\n" + roff(option->text()) + "\n";
    }
  }
  return text + ".PP\nExamples:\n.PP\n.nf\n" + roff(command.examples) + "\n.fi\n";
}

std::string man_page() {
  std::string text = fmt::format(
      ".TH KRONSOLVE 1 \"\" \"kronsolve {}\" \"User Commands\"\n.SH NAME\nkronsolve \\- eigenpairs "
      "of "
      "large sparse operators with Kronecker structure\n.SH SYNOPSIS\n.B kronsolve\n.I command\n"
      "[\\fIoptions\\fR]\n.br\n.B mpirun \\-n\n.I N\n.B kronsolve\n.I command\n[\\fIoptions\\fR]\n"
      ".SH DESCRIPTION\n"
      "Finds eigenpairs, singular triplets and time evolutions of large sparse operators with "
      "Kronecker structure, above all Hamiltonians of spin chains and lattices.\nResults go to "
      "standard output, everything else to standard error.\nUnder\n.B mpirun\none problem is "
      "solved "
      "on all ranks.\n.SH COMMANDS\n",
      roff(version()));
  Pairs names;
  for (const auto& command : commands()) names.emplace_back(command.name, command.text);
  text += roff_list(names) + ".SH COMMANDS AND THEIR OPTIONS\n";
  for (const auto& command : commands()) text += roff_command(command);
  return text + ".SH EXIT STATUS\n" + roff_list(exit_codes()) + ".SH ENVIRONMENT\n" +
         roff_list(variables()) + ".SH SEE ALSO\n.BR mpirun (1)\n";
}

// ---- Markdown -----------------------------------------------------------------------------------

/// A text inside a table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '*' || c == '_') result += '\\';
    result += c;
  }
  return result;
}

std::string markdown_table(const std::string& head, const Pairs& pairs) {
  std::string text = "| " + head + " | meaning |\n| --- | --- |\n";
  for (const auto& [name, meaning] : pairs) text += "| `" + name + "` | " + cell(meaning) + " |\n";
  return text + "\n";
}

std::string markdown_command(const Command& command) {
  std::string text = "### " + command.name + "\n\n    kronsolve " + command.name;
  if (!command.argument.empty()) text += " " + command.argument;
  text += " [options]\n\n" + cell(command.text) + ".\n\n";
  if (!command.argument.empty())
    text += "`" + command.argument + "`: " + cell(command.argument_text) + ".\n\n";
  for (const auto& [group, members] : grouped_options(command.name)) {
    text += "| " + group + " | meaning | default |\n| --- | --- | --- |\n";
    for (const auto* option : members) {
      const std::string value = option->value.empty() ? "" : " " + option->value;
      const std::string standard =
          option->value.empty() || option->standard.empty() ? "" : "`" + option->standard + "`";
      text += "| `" + names_of(*option) + value + "` | " + cell(option->help) + " | " + standard +
              " |\n";
    }
    text += "\n";
  }
  return text + "```text\n" + command.examples + "\n```\n\n";
}

std::string markdown_page() {
  std::string text =
                  "# Every command and option\n\nThis page is what `kronsolve manual --markdown` "
                  "prints.\n\n",
              group;
  for (const auto& command : commands()) {
    if (command.group != group) text += "## " + (group = command.group) + "\n\n";
    text += markdown_command(command);
  }
  return text + "## Exit codes\n\n" + markdown_table("code", exit_codes()) + "## Environment\n\n" +
         markdown_table("variable", variables());
}

}  // namespace

Answer run_manual(const Comm&, const Arguments& arguments, Clock::time_point) {
  Answer answer;
  answer.text = arguments.markdown ? markdown_page() : man_page();
  return answer;
}

}  // namespace kronsolve::cli
