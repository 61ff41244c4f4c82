#include "cli/arguments.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <CLI/CLI.hpp>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/operators/models.hpp>

#include "cli/help.hpp"
#include "cli/refusal.hpp"

namespace kronsolve::cli {

namespace {

/// Values as given; texts, so that every error about them is ours and says the same kind of thing.
struct Raw {
  std::string sites, size, cyclic, spin, lattice;
  std::vector<std::string> parameters;
  std::string k = "1", which, sigma, tol, max_iterations, ncv, seed, method, preconditioner, form,
              position, factors, threads, ranks;
  std::string interval, state, time, steps;
  bool energy_only = false, no_certify = false, imaginary = false;
};

std::string version_text() { return detail::concat("kronsolve ", version()); }

// ---- values ----------------------------------------------------------------------------------

[[noreturn]] void refuse(std::string_view option, std::string_view allowed, std::string_view got) {
  throw InvalidArgument(detail::concat(option, " must be ", allowed, ", got '", got, "'"));
}

template <class Int>
Int whole(std::string_view option, std::string_view text, Int least, Int most,
          std::string_view allowed) {
  const auto value = read_number<Int>(text);
  if (!value || *value < least || *value > most) refuse(option, allowed, text);
  return *value;
}

double real(std::string_view option, std::string_view text) {
  const auto value = read_number<double>(text);
  if (!value || !std::isfinite(*value)) refuse(option, "a finite number", text);
  return *value;
}

template <class Value>
Value choice(std::string_view option, const std::string& text,
             const std::vector<std::pair<std::string, Value>>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) {
    if (name == text) return value;
    names.push_back(name);
  }
  throw InvalidArgument(detail::concat(option, ": ", unknown_name("value", text, names)));
}

int threads(std::string_view text) {
  return whole<int>("--threads", text, 1, 1024, "a whole number from 1 to 1024");
}

int ranks(std::string_view text) {
  return whole<int>("--ranks", text, 1, 4096, "a whole number from 1 to 4096");
}

// ---- the operator ----------------------------------------------------------------------------

/// Lengths of a lattice, "4x4".
std::vector<int> lengths(const std::string& text) {
  constexpr std::string_view allowed = "lengths such as 4x4, each from 1 to 1000000";
  std::vector<int> result;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('x', begin), text.size());
    const auto length = read_number<int>(std::string_view(text).substr(begin, end - begin));
    if (!length || *length < 1 || *length > 1000000) refuse("--size", allowed, text);
    result.push_back(*length);
    begin = end + 1;
  }
  if (result.size() > 2) refuse("--size", allowed, text);
  return result;
}

std::pair<std::string, std::string> parameter(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == text.npos || equals == 0 || equals + 1 == text.size())
    refuse("-p", "name=value", text);
  return {text.substr(0, equals), text.substr(equals + 1)};
}

ModelOptions model_options(const Raw& raw) {
  ModelOptions options;
  if (!raw.sites.empty())
    options.sites =
        whole<int>("--sites", raw.sites, 1, 1000000, "a whole number from 1 to 1000000");
  if (!raw.size.empty()) options.size = lengths(raw.size);
  if (!raw.cyclic.empty())
    options.cyclic = choice<Cyclic>(
        "--cyclic", raw.cyclic,
        {{"all", Cyclic::all}, {"x", Cyclic::x}, {"y", Cyclic::y}, {"none", Cyclic::none}});
  options.spin = raw.spin;
  options.lattice = raw.lattice;
  for (const auto& text : raw.parameters) {
    const auto [name, value] = parameter(text);
    if (!options.params.emplace(name, value).second)
      throw InvalidArgument(
          detail::concat("-p: the parameter '", name, "' is given twice; give it once"));
  }
  return options;
}

void check_operator(const OperatorArguments& op, const Raw& raw) {
  const int given = int(!op.model.empty()) + int(!op.terms.empty()) + int(!op.matrix.empty());
  if (given == 0)
    throw InvalidArgument(
        "which operator? give --model NAME --sites N, --terms FILE.toml or --matrix FILE.mtx");
  if (given > 1)
    throw InvalidArgument("--model, --terms and --matrix exclude each other; give one of them");
  if (!op.matrix.empty() && !op.sector.empty())
    throw InvalidArgument("--sector needs an operator on sites; a matrix file has none");
  if (!op.model.empty()) {
    (void)model_info(op.model);
    if (raw.sites.empty() && raw.size.empty() && !raw.lattice.starts_with("edges:"))
      throw InvalidArgument("how many sites? give --sites N (or --size LXxLY for lattices)");
    return;
  }
  const std::vector<std::pair<std::string, bool>> of_models = {
      {"--sites", !raw.sites.empty()},     {"--size", !raw.size.empty()},
      {"--cyclic", !raw.cyclic.empty()},   {"--spin", !raw.spin.empty()},
      {"--lattice", !raw.lattice.empty()}, {"-p", !raw.parameters.empty()}};
  for (const auto& [name, is_given] : of_models)
    if (is_given)
      throw InvalidArgument(detail::concat(name, " belongs to --model; the file says it all"));
}

// ---- the solve -------------------------------------------------------------------------------

Which which(const Raw& raw, bool has_sigma) {
  if (raw.which.empty()) return has_sigma ? Which::TM : Which::SA;
  const auto which = choice<Which>("--which", raw.which,
                                   {{"SA", Which::SA},
                                    {"LA", Which::LA},
                                    {"LM", Which::LM},
                                    {"SM", Which::SM},
                                    {"TM", Which::TM},
                                    {"TR", Which::TR}});
  const bool targets = which == Which::TM || which == Which::TR;
  if (has_sigma && !targets)
    throw InvalidArgument(
        detail::concat("--which must be TM or TR when --sigma is given, got ", raw.which));
  if (targets && !has_sigma)
    throw InvalidArgument(
        detail::concat("--which ", raw.which, " needs a target; give --sigma or --position"));
  return which;
}

double tolerance(const std::string& text) {
  const double tol = real("--tol", text);
  if (!(tol > 0 && tol < 1)) refuse("--tol", "a number between 0 and 1", text);
  return tol;
}

std::uint64_t seed(const std::string& text) {
  return whole<std::uint64_t>("--seed", text, 0, std::numeric_limits<std::uint64_t>::max(),
                              "a whole number from 0 to 2^64-1");
}

OperatorForm operator_form(const std::string& text) {
  return choice<OperatorForm>("--operator", text,
                              {{"auto", OperatorForm::automatic},
                               {"assembled", OperatorForm::assembled},
                               {"matrix-free", OperatorForm::matrix_free}});
}

/// Two numbers, "-0.5,0.5".
std::pair<double, double> interval(const std::string& text) {
  constexpr std::string_view allowed = "two finite ascending numbers such as -0.5,0.5";
  const auto comma = text.find(',');
  if (comma == text.npos) refuse("--interval", allowed, text);
  const auto part = [&](std::string_view one) {
    const auto value = read_number<double>(one);
    if (!value || !std::isfinite(*value)) refuse("--interval", allowed, text);
    return *value;
  };
  const double low = part(std::string_view(text).substr(0, comma));
  const double high = part(std::string_view(text).substr(comma + 1));
  if (low > high) refuse("--interval", allowed, text);
  return {low, high};
}

EighOptions solve_options(const Raw& raw) {
  constexpr index_t most = std::numeric_limits<index_t>::max();
  EighOptions options;
  options.k = raw.k == "all" ? EighOptions::all
                             : whole<index_t>("-k", raw.k, 1, most,
                                              "a number of pairs from 1 to the dimension, or all");
  if (!raw.sigma.empty()) options.sigma = real("--sigma", raw.sigma);
  if (!raw.position.empty()) options.position = real("--position", raw.position);
  if (options.sigma && options.position)
    throw InvalidArgument("--sigma and --position are two targets; give one");
  options.which = which(raw, options.sigma || options.position);
  if (!raw.tol.empty()) options.tol = tolerance(raw.tol);
  if (!raw.interval.empty()) {
    options.interval = interval(raw.interval);
    if (raw.k != "1" || !raw.which.empty() || !raw.sigma.empty() || !raw.position.empty())
      throw InvalidArgument(
          "--interval says which pairs are wanted; leave out -k, --which, --sigma and --position");
  }
  options.certify = !raw.no_certify;
  if (!raw.max_iterations.empty())
    options.max_iterations = whole<index_t>("--max-iterations", raw.max_iterations, 1, most,
                                            "a whole number, at least 1");
  if (!raw.ncv.empty())
    options.ncv = whole<index_t>("--ncv", raw.ncv, 1, most, "a whole number, at least 1");
  if (!raw.seed.empty()) options.seed = seed(raw.seed);
  if (!raw.method.empty())
    options.method = choice<Method>("--method", raw.method,
                                    {{"auto", Method::automatic},
                                     {"dense", Method::dense},
                                     {"slepc", Method::slepc},
                                     {"lanczos", Method::lanczos},
                                     {"lobpcg", Method::lobpcg},
                                     {"jd", Method::jd},
                                     {"gd", Method::gd},
                                     {"filter", Method::filter},
                                     {"ciss", Method::ciss}});
  if (!raw.factors.empty())
    options.factors = choice<Factors>("--factors", raw.factors,
                                      {{"auto", Factors::automatic},
                                       {"mumps", Factors::mumps},
                                       {"superlu_dist", Factors::superlu_dist}});
  if (!raw.preconditioner.empty())
    options.preconditioner = choice<Preconditioner>("--preconditioner", raw.preconditioner,
                                                    {{"auto", Preconditioner::automatic},
                                                     {"none", Preconditioner::none},
                                                     {"jacobi", Preconditioner::jacobi},
                                                     {"block-jacobi", Preconditioner::block_jacobi},
                                                     {"multigrid", Preconditioner::multigrid}});
  if (!raw.form.empty()) options.form = operator_form(raw.form);
  if (raw.energy_only) options.vectors = Eigenvectors::skip;
  return options;
}

/// The numbers are those of eigh; names of methods and ends differ.
SvdsOptions svds_options(const Raw& raw) {
  Raw numbers = raw;
  numbers.which.clear();
  numbers.method.clear();
  const EighOptions common = solve_options(numbers);
  SvdsOptions options{.k = common.k,
                      .tol = common.tol,
                      .max_iterations = common.max_iterations,
                      .ncv = common.ncv,
                      .seed = common.seed};
  if (raw.energy_only) options.vectors = SingularVectors::skip;
  if (raw.no_certify) options.certify = Certification::off;
  if (!raw.which.empty())
    options.which = choice<SingularEnd>(
        "--which", raw.which,
        {{"largest", SingularEnd::largest}, {"smallest", SingularEnd::smallest}});
  if (!raw.method.empty())
    options.method = choice<SvdMethod>("--method", raw.method,
                                       {{"auto", SvdMethod::automatic},
                                        {"dense", SvdMethod::dense},
                                        {"bidiagonal", SvdMethod::bidiagonal},
                                        {"cross", SvdMethod::cross},
                                        {"restarted", SvdMethod::restarted}});
  return options;
}

EvolveArguments evolve_arguments(const Raw& raw) {
  EvolveArguments evolve;
  if (raw.state.empty())
    throw InvalidArgument(
        "which initial state? give --state neel, domain-wall, random, ... or a digit a site");
  evolve.state = raw.state;
  if (raw.time.empty()) throw InvalidArgument("how long? give --time T");
  evolve.time = real("--time", raw.time);
  if (!raw.steps.empty())
    evolve.steps =
        whole<index_t>("--steps", raw.steps, 1, 100'000'000, "a whole number from 1 to 100000000");
  if (raw.imaginary) evolve.options.axis = TimeAxis::imaginary;
  if (!raw.tol.empty()) evolve.options.tol = tolerance(raw.tol);
  if (!raw.seed.empty()) evolve.seed = seed(raw.seed);
  if (!raw.form.empty()) evolve.form = operator_form(raw.form);
  if (!raw.method.empty())
    evolve.options.method = choice<EvolutionMethod>("--method", raw.method,
                                                    {{"auto", EvolutionMethod::automatic},
                                                     {"expm", EvolutionMethod::expm},
                                                     {"chebyshev", EvolutionMethod::expm},
                                                     {"solve", EvolutionMethod::solve},
                                                     {"integrate", EvolutionMethod::integrate},
                                                     {"mfn", EvolutionMethod::mfn}});
  return evolve;
}

// ---- the options and commands ----------------------------------------------------------------

/// `text` says what the value is.
void option(CLI::App& app, const std::string& name, std::string& value, const std::string& text,
            const std::string& type) {
  app.add_option(name, value, text)->type_name(type);
}

/// Words as a shell would take them.
std::string shell_line(int argc, const char* const* argv) {
  std::string line = "kronsolve";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=+,.:/@%";
    if (!word.empty() && word.find_first_not_of(plain) == word.npos) {
      line += " " + word;
      continue;
    }
    line += " '";
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += "'";
  }
  return line;
}

std::string model_names() {
  std::string text;
  for (const auto& info : models()) text += (text.empty() ? "" : ", ") + info.name;
  return text;
}

void operator_options(CLI::App& app, OperatorArguments& op, Raw& raw) {
  option(app, "--model", op.model,
         "a Hamiltonian by name, with --sites or --size: " + model_names(), "NAME");
  option(app, "--sites", raw.sites, "number of sites of a chain", "N");
  option(app, "--size", raw.size, "lengths of a lattice", "LXxLY");
  app.add_flag("--cyclic{all}", raw.cyclic,
               "periodic in all directions; --cyclic=x or --cyclic=y in one");
  option(app, "--spin", raw.spin, "spin of each site (1/2)", "S");
  option(
      app, "--lattice", raw.lattice,
      "chain, square, ladder, triangular, honeycomb, kagome, or edges:FILE for any graph, if the "
      "model does not say it",
      "NAME");
  app.add_option("-p,--parameter", raw.parameters, "a parameter of the model; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option(
         "--sector", op.sector,
         "a part of the space that the Hamiltonian keeps: sz=0, n=4, nup=2, ndown=2, parity=1, "
         "momentum=0, reflection=1, rotation=0, spinflip=1, permutation=1,2,0:1/3; repeatable")
      ->type_name("WHAT=VALUE")
      ->allow_extra_args(false);
  option(app, "--terms", op.terms, "an operator file", "FILE.toml");
  option(app, "--matrix", op.matrix, "a matrix in Matrix Market format", "FILE.mtx");
}

void solve_options(CLI::App& app, Raw& raw) {
  option(app, "-k", raw.k, "number of pairs (1)", "K");
  option(app, "--tol", raw.tol,
         "residual that counts as converged, relative to the scale of the level (1e-10)", "X");
  option(app, "--max-iterations", raw.max_iterations, "restarts or steps at most", "N");
  option(app, "--ncv", raw.ncv, "largest subspace", "N");
  option(app, "--seed", raw.seed, "fixes the start vector (0)", "N");
  option(app, "--method", raw.method,
         "auto, dense, slepc, lanczos, lobpcg, jd, gd, filter or ciss (auto)", "NAME");
  option(app, "--preconditioner", raw.preconditioner,
         "for jd, gd, lobpcg: auto, none, jacobi, block-jacobi or multigrid (auto)", "NAME");
  option(app, "--operator", raw.form, "auto, assembled or matrix-free (auto)", "FORM");
  option(app, "--factors", raw.factors,
         "auto, mumps or superlu_dist: of shift-and-invert and ciss (auto)", "NAME");
  app.add_flag("--energy-only", raw.energy_only, "no eigenvectors; residuals are bounds");
  app.add_flag("--no-certify", raw.no_certify, "no search for missed levels");
  option(app, "--threads", raw.threads, "threads of each process (all its cores)", "N");
}

void svds_options(CLI::App& app, Raw& raw) {
  option(app, "-k", raw.k, "number of triplets (1), or all", "K");
  option(app, "--which", raw.which, "largest or smallest (largest)", "WHICH");
  option(app, "--tol", raw.tol, "residual that counts as converged, relative to the value (1e-10)",
         "X");
  option(app, "--max-iterations", raw.max_iterations, "steps at most", "N");
  option(app, "--ncv", raw.ncv, "largest subspace", "N");
  option(app, "--seed", raw.seed, "fixes the start vector (0)", "N");
  option(app, "--method", raw.method, "auto, dense, restarted, bidiagonal or cross (auto)", "NAME");
  app.add_flag("--values-only", raw.energy_only, "no singular vectors; residuals are bounds");
  app.add_flag("--no-certify", raw.no_certify, "no search for missed values");
  option(app, "--threads", raw.threads, "threads of each process (all its cores)", "N");
}

void evolve_options(CLI::App& app, Raw& raw, bool& json_lines) {
  option(app, "--state", raw.state,
         "initial state: neel, neel-down, domain-wall, up, down, plus, w, ghz, singlets, "
         "bell:phi+, random, or "
         "a digit, u, d, + or - for each site, or FILE.h5 of --save (FILE.h5:2 for one of several)",
         "STATE");
  option(app, "--time", raw.time, "until when, in inverse units of the couplings (hbar = 1)", "T");
  option(app, "--steps", raw.steps, "steps that are shown, from 0 to T (1)", "N");
  app.add_flag("--imaginary", raw.imaginary, "exp(-T H), normalised, in place of exp(-i T H)");
  option(app, "--tol", raw.tol, "2-norm error of the state at each time (1e-10)", "X");
  option(app, "--seed", raw.seed, "fixes a random state (0)", "N");
  option(app, "--method", raw.method,
         "auto, expm (or chebyshev), solve, integrate or mfn (auto: expm)", "NAME");
  option(app, "--operator", raw.form, "auto, assembled or matrix-free (auto)", "FORM");
  option(app, "--threads", raw.threads, "threads of each process (all its cores)", "N");
  app.add_flag("--json-lines", json_lines,
               "a JSON object for each time as soon as it is reached, and one at the end");
}

void target_options(CLI::App& app, Raw& raw) {
  option(app, "--which", raw.which, "SA, LA, LM, SM, or with --sigma TM, TR (SA; TM)", "WHICH");
  option(app, "--sigma", raw.sigma, "target: the eigenvalues nearest to it", "X");
  option(app, "--position", raw.position,
         "target by its place in the spectrum: 0 the lowest value, 0.5 the middle, 1 the highest",
         "X");
  option(app, "--interval", raw.interval, "every eigenvalue from A to B", "A,B");
}

void observe_option(CLI::App& app, std::vector<std::string>& observe) {
  app.add_option("--observe", observe,
                 "energy, variance, norm, sz, sz:3, corr:Sz,Sz, entropy:half, amplitude:0101, "
                 "op:FILE.toml; repeatable")
      ->type_name("WHAT")
      ->allow_extra_args(false);
}

}  // namespace

Arguments parse_arguments(int argc, const char* const* argv) {
  Arguments arguments;
  Raw raw;
  CLI::App app(
      "Eigenpairs of large sparse operators with Kronecker structure, above all of\n"
      "spin models. Under mpirun one problem is solved on all ranks.",
      "kronsolve");
  app.set_version_flag("--version", version_text(), "the version of the program");
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "this text");
  app.formatter(help_formatter());  // before the commands, which inherit it
  auto* ground = app.add_subcommand("ground", "lowest eigenpairs of a Hamiltonian");
  auto* eigh = app.add_subcommand("eigh", "some or all eigenpairs of a Hermitian operator");
  auto* svds = app.add_subcommand("svds", "largest or smallest singular triplets of any matrix");
  auto* evolve = app.add_subcommand("evolve", "a state in real or imaginary time");
  auto* measure = app.add_subcommand("measure", "observables of the states of a saved file");
  auto* plan = app.add_subcommand("plan", "dimension, memory and method of a solve; runs nothing");
  auto* info = app.add_subcommand(
      "info", "version, engines, MPI, BLAS, threads and memory of this installation");
  for (auto* command : {ground, eigh, plan}) {
    operator_options(*command, arguments.op, raw);
    solve_options(*command, raw);
  }
  operator_options(*svds, arguments.op, raw);
  svds_options(*svds, raw);
  operator_options(*evolve, arguments.op, raw);
  evolve_options(*evolve, raw, arguments.evolve.json_lines);
  measure->add_option("FILE.h5", arguments.argument,
                      "a file of --save; FILE.h5:2: its state 2 alone");
  option(*measure, "--threads", raw.threads, "threads of each process (all its cores)", "N");
  for (auto* command : {ground, eigh, svds, evolve})
    option(*command, "--save", arguments.save, "writes all that is found, vectors too", "FILE.h5");
  for (auto* command : {ground, eigh})
    option(*command, "--start", arguments.start, "a saved state to start from", "FILE.h5");
  for (auto* command : {ground, eigh, evolve, measure}) observe_option(*command, arguments.observe);
  for (auto* command : {eigh, plan}) target_options(*command, raw);
  for (auto* command : {ground, eigh, svds, evolve, measure, plan})
    option(*command, "--ranks", raw.ranks, "worker processes to start for this solve (1)", "N");
  for (auto* command : {ground, eigh, svds, evolve, measure, plan, info})
    command->add_flag("--json", arguments.json, "one JSON object on stdout");
  for (auto* command : {ground, eigh, svds, evolve, measure, plan, info})
    command->group("Commands");
  add_examples(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const auto commands = app.get_subcommands();
    arguments.message = commands.empty() ? app.help() : commands.front()->help("kronsolve");
    return arguments;
  } catch (const CLI::CallForVersion&) {
    arguments.message = version_text() + "\n";
    return arguments;
  } catch (const CLI::ParseError& error) {
    refuse_words(error, app);
  }
  arguments.command = app.get_subcommands().front()->get_name();
  arguments.command_line = shell_line(argc, argv);
  if (arguments.command == "info") return arguments;
  if (!raw.threads.empty()) arguments.threads = threads(raw.threads);
  if (!raw.ranks.empty()) arguments.ranks = ranks(raw.ranks);
  if (arguments.command == "measure") return arguments;
  if (!arguments.save.empty() && !arguments.save.ends_with(".h5"))
    refuse("--save", "the name of an HDF5 file, FILE.h5", arguments.save);
  arguments.op.options = model_options(raw);
  check_operator(arguments.op, raw);
  if (arguments.command == "svds") {
    arguments.svds = svds_options(raw);
  } else if (arguments.command == "evolve") {
    const bool json_lines = arguments.evolve.json_lines;
    arguments.evolve = evolve_arguments(raw);
    arguments.evolve.json_lines = json_lines;
    if (json_lines && arguments.json)
      throw InvalidArgument("--json and --json-lines exclude each other; give one of them");
  } else {
    arguments.solve = solve_options(raw);
  }
  if (raw.energy_only && !arguments.observe.empty())
    throw InvalidArgument(
        "--observe needs the eigenvectors that --energy-only leaves out; drop one of them");
  return arguments;
}

}  // namespace kronsolve::cli
