#include "cli/help.hpp"

#include <map>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/text.hpp"

namespace kronsolve::cli {

namespace {

constexpr std::size_t left = 30, columns = 80;

class HelpText : public CLI::Formatter {
 public:
  HelpText() { column_width(left); }
  /// Without the value that a flag stands for, "{all}".
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    return name.substr(0, name.find('{'));
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    return wrapped(option->get_description(), columns - left, "\n");
  }
  std::string make_subcommand(const CLI::App* command) const override {
    return "  " + command->get_name() + std::string(10 - command->get_name().size(), ' ') +
           command->get_description() + "\n";
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return app->get_parent() == nullptr ? "\nUsage: " + name + " <command> [options]\n"
                                        : "\nUsage: " + name + " [options]\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpText>(); }

void add_examples(CLI::App& app) {
  app.footer(
      "kronsolve <command> --help lists the options of a command.\n\n"
      "Examples:\n"
      "  kronsolve ground --model heisenberg --sites 16 --cyclic\n"
      "  kronsolve plan --model heisenberg --sites 32 --cyclic --sector sz=0\n"
      "  mpirun -n 2 kronsolve ground --model ising --sites 14 -p bx=0.5 --json");
  const std::map<std::string, std::string> examples = {
      {"ground",
       "  kronsolve ground --model heisenberg --sites 16 --cyclic -k 2\n"
       "  kronsolve ground --model xxz --sites 8 -p delta=0.5 --sector sz=0 --observe sz\n"
       "  kronsolve ground --model hubbard --size 2x3 --sector nup=3 --sector ndown=3"},
      {"eigh",
       "  kronsolve eigh --model heisenberg --sites 8 -k all\n"
       "  kronsolve eigh --model mbl --sites 8 -p dh=3 --sector sz=0 --position 0.5 -k 4\n"
       "  kronsolve eigh --matrix FILE.mtx --interval=-0.5,0.5"},
      {"svds",
       "  kronsolve svds --matrix FILE.mtx -k 5\n"
       "  kronsolve svds --matrix FILE.mtx --which smallest --json"},
      {"evolve",
       "  kronsolve evolve --model heisenberg --sites 12 --sector sz=0 --state neel \\\n"
       "            --time 5 --steps 10 --observe sz:0 --observe entropy:half\n"
       "  kronsolve evolve --model ising --sites 10 --state up --time 1 --save psi.h5"},
      {"measure", "  kronsolve measure psi.h5 --observe sz --observe entropy:half"},
      {"plan",
       "  kronsolve plan --model heisenberg --sites 32 --cyclic --sector sz=0\n"
       "  kronsolve plan --model kagome --size 2x3 --cyclic -k 4"},
      {"info", "  kronsolve info"}};
  for (const auto& [name, text] : examples) app.get_subcommand(name)->footer("Examples:\n" + text);
}

}  // namespace kronsolve::cli
