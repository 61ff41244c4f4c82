#include "cli/arguments.hpp"

#include <algorithm>

#include <CLI/CLI.hpp>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/operators/sector_scan.hpp>

#include "cli/commands.hpp"
#include "cli/help.hpp"
#include "cli/options.hpp"
#include "cli/refusal.hpp"
#include "cli/saved_file.hpp"
#include "cli/shell_words.hpp"

namespace kronsolve::cli {

namespace {

std::string version_text() { return detail::concat("kronsolve ", version()); }

// ---- what options say about each other -------------------------------------------------------

/// The options that were given.
class Names {
 public:
  explicit Names(const OptionTexts& given) : given_(given) {}
  bool has(std::string_view name) const {
    return std::any_of(given_.begin(), given_.end(),
                       [&](const auto& option) { return option.first == name; });
  }
  /// The first of these that was given; empty if none was.
  std::string_view first_of(std::initializer_list<std::string_view> names) const {
    for (const auto name : names)
      if (has(name)) return name;
    return {};
  }

 private:
  const OptionTexts& given_;
};

void check_operator(const OperatorArguments& op, const Names& given) {
  const int named = int(!op.model.empty()) + int(!op.terms.empty()) + int(!op.matrix.empty());
  if (named == 0)
    throw InvalidArgument(
        "which operator? give --model NAME --sites N, --terms FILE.toml or --matrix FILE.mtx");
  if (named > 1)
    throw InvalidArgument("--model, --terms and --matrix exclude each other; give one of them");
  if (!op.matrix.empty() && (!op.sector.empty() || op.all_sectors))
    throw InvalidArgument(detail::concat(op.all_sectors ? "--all-sectors" : "--sector",
                                         " needs an operator on sites; a matrix file has none"));
  if (!op.model.empty()) {
    (void)model_info(op.model);
    if (op.options.sites == 0 && op.options.size.empty() && !op.options.cluster &&
        !op.options.lattice.starts_with("edges:"))
      throw InvalidArgument("how many sites? give --sites N (or --size LXxLY for lattices)");
  } else if (const auto name = given.first_of(
                 {"--sites", "--size", "--cyclic", "--spin", "--lattice", "--cluster", "--twist"});
             !name.empty()) {
    throw InvalidArgument(detail::concat(name, " belongs to --model; the file says it all"));
  } else if (!op.matrix.empty() && given.has("-p")) {
    throw InvalidArgument("-p belongs to --model and --terms; a matrix file has no parameters");
  }
}

void check_target(EighOptions& solve, const Names& given) {
  const auto others = given.first_of({"-k", "--which", "--sigma", "--position"});
  if (solve.interval && !others.empty())
    throw InvalidArgument(
        "--interval says which pairs are wanted; leave out -k, --which, --sigma and --position");
  if (solve.sigma && solve.position)
    throw InvalidArgument("--sigma and --position are two targets; give one");
  const bool target = solve.sigma || solve.position;
  if (!given.has("--which")) {
    solve.which = target ? Which::TM : Which::SA;
    return;
  }
  const bool targets = solve.which == Which::TM || solve.which == Which::TR;
  if (target && !targets)
    throw InvalidArgument(detail::concat("--which must be TM or TR when --sigma is given, got ",
                                         to_string(solve.which)));
  if (targets && !target)
    throw InvalidArgument(detail::concat("--which ", to_string(solve.which),
                                         " needs a target; give --sigma or --position"));
}

void check_evolution(const Arguments& arguments, const Names& given) {
  if (arguments.evolve.state.empty())
    throw InvalidArgument(
        "which initial state? give --state neel, domain-wall, random, ... or a digit a site");
  if (!given.has("--time") && !given.has("--times"))
    throw InvalidArgument("how long? give --time T, or --times LIST");
  const auto other = given.first_of({"--time", "--steps"});
  if (given.has("--times") && !other.empty())
    throw InvalidArgument(detail::concat("--times says all points; leave out ", other));
  if (arguments.evolve.quench && !parse_state_file(arguments.evolve.state))
    throw InvalidArgument(
        "--quench belongs to --state FILE.h5; other states are of no operator in particular");
  const auto closed = given.first_of({"--imaginary", "--method", "--operator", "--save",
                                      "--json-lines", "--checkpoint", "--resume"});
  if (!arguments.evolve.jumps.empty() && !closed.empty())
    throw InvalidArgument(detail::concat(
        closed, " is for states that no environment acts on; leave it out beside --jump"));
  if (arguments.evolve.trajectories && arguments.evolve.jumps.empty())
    throw InvalidArgument("--trajectories belongs to --jump; nothing is random without");
  if (arguments.evolve.json_lines && arguments.json)
    throw InvalidArgument("--json and --json-lines exclude each other; give one of them");
}

void check_otoc(const Arguments& arguments, const Names& given) {
  if (!arguments.op.matrix.empty())
    throw InvalidArgument("otoc needs an operator on sites; a matrix file has none");
  if (arguments.otoc.moved.empty())
    throw InvalidArgument("which operator moves in time? give --moved \"Sz 5\"");
  if (arguments.otoc.probes.empty())
    throw InvalidArgument(
        "what is it compared with? give --probe \"Sz 3\", or --probe Sz for each site");
  if (given.has("--samples") && arguments.evolve.state != "random")
    throw InvalidArgument(
        "--samples belongs to --state random, the mean over all states; one state has no others");
}

void check_thermal(const Arguments& arguments) {
  if (!arguments.op.matrix.empty())
    throw InvalidArgument("thermal needs an operator on sites; a matrix file has none");
  if (arguments.thermal.temperatures.empty())
    throw InvalidArgument("which temperatures? give --temperature 0.1,0.5,2 or 0.1:2:20");
}

void check_spectral(const Arguments& arguments, const Names& given) {
  if (!arguments.op.matrix.empty())
    throw InvalidArgument("spectral needs an operator on sites; a matrix file has none");
  const auto& correlation = arguments.spectral.correlation;
  for (const char* word : {"op:", "conductivity"})
    if (correlation.starts_with(word) && !arguments.spectral.momenta.empty())
      throw InvalidArgument(
          detail::concat("--momentum belongs to plane waves; leave it out beside ", word));
  if (given.has("--drude-below") && !correlation.starts_with("conductivity"))
    throw InvalidArgument("--drude-below belongs to --correlation conductivity; give that too");
  const auto thermal = given.first_of({"--samples", "--method"});
  if (!thermal.empty() && !given.has("--temperature"))
    throw InvalidArgument(
        detail::concat(thermal, " is about averages at a temperature; give --temperature T too"));
  if (arguments.spectral.energies.size() == 1 && !arguments.spectral.broadening)
    throw InvalidArgument(
        "--energies with one energy has no width of its own; give --broadening X");
}

void check_plot(const Arguments& arguments) {
  const auto& plot = arguments.plot_of;
  if (plot.x.empty() || plot.y.empty())
    throw InvalidArgument("plot needs --x and --y, columns of the results: --x bx --y gap");
  if (arguments.plot.empty())
    throw InvalidArgument("plot to which file? give -o FILE.svg (or .pdf, .png)");
  const bool heat = plot.kind == PlotArguments::Kind::heat;
  if (heat && plot.z.empty())
    throw InvalidArgument("--kind heat needs --z, the values shown as colours");
  if (!plot.z.empty() &&
      (!plot.series.empty() || !plot.log.empty() || plot.fit > 0 || !plot.guides.empty()))
    throw InvalidArgument("--z shows one map; leave out --series, --log, --fit and --guide");
  if (plot.fit > 0 && !plot.log.empty())
    throw InvalidArgument(
        "--fit goes down to 0, which axes with powers of ten do not have; leave "
        "out --log");
  if (!plot.z.empty() && !heat && plot.kind != PlotArguments::Kind::automatic)
    throw InvalidArgument("--z belongs to --kind heat");
}

void check_checkpoint(const Arguments& arguments, const Names& given) {
  const auto& path = arguments.checkpoint.path;
  if (given.has("--every") && path.empty())
    throw InvalidArgument("--every says how often --checkpoint FILE is written; give that too");
  if (!path.empty() && path == arguments.save)
    throw InvalidArgument("--checkpoint and --save need files of their own; give two names");
}

/// What holds for all options together.
void check(Arguments& arguments, const Names& given) {
  const auto& command = arguments.command;
  if (find_option(command, "--model") != nullptr) check_operator(arguments.op, given);
  const bool scans = find_option(command, "--all-sectors") != nullptr || command == "spectral" ||
                     command == "thermal";
  if (!scans && is_scan(arguments.op.sector))
    throw InvalidArgument(
        detail::concat("--sector with several values needs ground, levels, spectral or thermal; ",
                       command, " takes one sector"));
  check_checkpoint(arguments, given);
  if (command == "levels" && !given.has("-k")) arguments.solve.k = 4;
  if (command == "levels" && given.has("--kind") && arguments.plot.empty())
    throw InvalidArgument("--kind says what --plot FILE.svg shows; give that too");
  if (arguments.levels.kind == LevelsArguments::Kind::ratios && arguments.solve.k > 0 &&
      arguments.solve.k < 4)
    throw InvalidArgument("--kind ratios needs four levels of a sector; give -k 4 or more, or all");
  if (command == "levels" && !arguments.op.matrix.empty())
    throw InvalidArgument("levels needs an operator on sites; use eigh for a matrix file");
  if (command == "spectral") check_spectral(arguments, given);
  if (command == "evolve" || command == "otoc") check_evolution(arguments, given);
  if (command == "otoc") check_otoc(arguments, given);
  if (command == "floquet" && arguments.period.empty())
    throw InvalidArgument("after which time does the operator repeat itself? give --period T");
  if (command == "thermal") check_thermal(arguments);
  if (command == "plot") check_plot(arguments);
  if (find_option(command, "--energy-only") != nullptr) check_target(arguments.solve, given);
  if (arguments.solve.vectors == Eigenvectors::skip && !arguments.observe.empty())
    throw InvalidArgument(
        "--observe needs the eigenvectors that --energy-only leaves out; drop one of them");
}

// ---- the command line ------------------------------------------------------------------------

/// Tells the parser of an option; values stay texts, so that every error about them is ours.
void add_option(CLI::App& app, const Option& option) {
  using Policy = CLI::MultiOptionPolicy;
  const std::string help = option.text();
  auto* added = option.value.empty()
                    ? app.add_flag(option.names, help)->multi_option_policy(Policy::TakeLast)
                    : app.add_option(option.names, help)->type_name(option.value);
  if (option.times == Option::Times::many)
    added->expected(1, -1)->allow_extra_args(false)->multi_option_policy(Policy::TakeAll);
  added->group(option.group);
}

void add_command(CLI::App& app, const Command& command) {
  auto* added = app.add_subcommand(command.name, command.text);
  added->group(command.group);
  added->footer("Examples:\n" + command.examples);
  if (!command.argument.empty()) added->add_option(command.argument, command.argument_text);
  for (const auto& option : options())
    if (option.belongs_to(command.name)) add_option(*added, option);
  added->set_help_flag("-h,--help", "this text")->group("Output");  // last
}

/// What was given, in the order of the table.
OptionTexts given_options(const CLI::App& command) {
  OptionTexts given;
  for (const auto& option : options()) {
    if (!option.belongs_to(command.get_name())) continue;
    const auto texts = command.get_option(option.name())->results();
    for (const auto& text : texts) given.emplace_back(option.name(), text);
  }
  return given;
}

}  // namespace

Arguments make_arguments(const std::string& command, const OptionTexts& given) {
  Arguments arguments;
  arguments.command = command;
  for (const auto& [name, text] : given) {
    const Option& option = *find_option(command, name);
    if (text.empty() && !option.value.empty())
      throw InvalidArgument(name + " needs a value, got ''");
    option.set(arguments, {name, text});
  }
  check(arguments, Names(given));
  return arguments;
}

Arguments parse_words(const std::vector<std::string>& words) {
  std::vector<const char*> argv;
  for (const auto& word : words) argv.push_back(word.c_str());
  return parse_arguments(static_cast<int>(argv.size()), argv.data());
}

Arguments parse_arguments(int argc, const char* const* argv) {
  Arguments arguments;
  CLI::App app(
      "Eigenpairs of large sparse operators with Kronecker structure, above all of\n"
      "spin models. Under mpirun one problem is solved on all ranks.",
      "kronsolve");
  app.set_version_flag("--version", version_text(), "the version of the program");
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "this text");
  app.formatter(help_formatter());  // before the commands, which inherit it
  app.footer(examples_of_all());
  for (const auto& command : commands()) add_command(app, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    arguments.message = chosen.empty() ? app.help() : chosen.front()->help("kronsolve");
    return arguments;
  } catch (const CLI::CallForVersion&) {
    arguments.message = version_text() + "\n";
    return arguments;
  } catch (const CLI::ParseError& error) {
    refuse_words(error, app);
  }
  const auto& chosen = *app.get_subcommands().front();
  arguments = make_arguments(chosen.get_name(), given_options(chosen));
  arguments.command_line = shell_line({argv + 1, argv + argc});
  if (const auto& name = command(chosen.get_name()).argument; !name.empty())
    for (const auto& text : chosen.get_option(name)->results()) {
      if (text.empty()) throw InvalidArgument(name + " needs a name, got ''");
      arguments.argument = text;
    }
  return arguments;
}

}  // namespace kronsolve::cli
