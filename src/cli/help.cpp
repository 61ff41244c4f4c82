#include "cli/help.hpp"

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
    constexpr std::size_t names = 13;
    const auto& name = command->get_name();
    return "  " + name + std::string(name.size() < names ? names - name.size() : 1, ' ') +
           wrapped(command->get_description(), columns - names - 2,
                   "\n" + std::string(names + 2, ' ')) +
           "\n";
  }
  std::string make_usage(const CLI::App* app, std::string name) const override {
    return app->get_parent() == nullptr ? "\nUsage: " + name + " <command> [options]\n"
                                        : "\nUsage: " + name + " [options]\n";
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<HelpText>(); }

std::string examples_of_all() {
  return "kronsolve <command> --help lists the options of a command.\n\n"
         "Examples:\n"
         "  kronsolve ground --model heisenberg --sites 16 --cyclic\n"
         "  kronsolve plan --model heisenberg --sites 32 --cyclic --sector sz=0\n"
         "  mpirun -n 2 kronsolve ground --model ising --sites 14 -p bx=0.5 --json";
}

}  // namespace kronsolve::cli
