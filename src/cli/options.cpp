#include "cli/options.hpp"

#include <cmath>
#include <limits>

#include <kronsolve/core/error.hpp>
#include <kronsolve/core/number.hpp>
#include <kronsolve/core/suggest.hpp>
#include <kronsolve/operators/models.hpp>

#include "cli/picture.hpp"
#include "core/split.hpp"

namespace kronsolve::cli {

namespace {

[[noreturn]] void refuse(const Given& given, std::string_view allowed) {
  throw InvalidArgument(
      detail::concat(given.option, " must be ", allowed, ", got '", given.text, "'"));
}

template <class Int>
Int whole(const Given& given, Int least, Int most, std::string_view allowed = {}) {
  const auto value = read_number<Int>(given.text);
  if (value && *value >= least && *value <= most) return *value;
  if (!allowed.empty()) refuse(given, allowed);
  refuse(given, most == std::numeric_limits<Int>::max()
                    ? detail::concat("a whole number, at least ", least)
                    : detail::concat("a whole number from ", least, " to ", most));
}

index_t at_least_one(const Given& given) {
  return whole<index_t>(given, 1, std::numeric_limits<index_t>::max());
}

double real(const Given& given, std::string_view allowed = "a finite number") {
  const auto value = read_number<double>(given.text);
  if (!value || !std::isfinite(*value)) refuse(given, allowed);
  return *value;
}

bool truth(const Given& given) {
  if (given.text != "true" && given.text != "false") refuse(given, "true or false");
  return given.text == "true";
}

/// Names and what they stand for.
template <class Value>
using Choices = std::vector<std::pair<std::string, Value>>;

template <class Value>
Value choice(const Given& given, const Choices<Value>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) {
    if (name == given.text) return value;
    names.push_back(name);
  }
  throw InvalidArgument(
      detail::concat(given.option, ": ", unknown_name("value", given.text, names)));
}

template <class Value>
std::vector<std::string> names_of(const Choices<Value>& known) {
  std::vector<std::string> names;
  for (const auto& [name, value] : known) names.push_back(name);
  return names;
}

/// "auto, dense or lanczos": the help of a choice.
template <class Value>
std::string any_of(const Choices<Value>& known) {
  std::string text;
  for (std::size_t i = 0; i < known.size(); ++i)
    text += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + known[i].first;
  return text;
}

const Choices<Cyclic> directions = {
    {"all", Cyclic::all}, {"x", Cyclic::x}, {"y", Cyclic::y}, {"none", Cyclic::none}};
const Choices<Which> ends = {{"SA", Which::SA}, {"LA", Which::LA}, {"LM", Which::LM},
                             {"SM", Which::SM}, {"TM", Which::TM}, {"TR", Which::TR}};
const Choices<SingularEnd> singular_ends = {{"largest", SingularEnd::largest},
                                            {"smallest", SingularEnd::smallest}};
const Choices<Method> eigh_methods = [] {
  Choices<Method> all;
  for (const Method method : methods()) all.emplace_back(to_string(method), method);
  return all;
}();
const Choices<SvdMethod> svd_methods = {{"auto", SvdMethod::automatic},
                                        {"dense", SvdMethod::dense},
                                        {"restarted", SvdMethod::restarted},
                                        {"bidiagonal", SvdMethod::bidiagonal},
                                        {"cross", SvdMethod::cross}};
const Choices<EvolutionMethod> driven_methods = {{"integrate", EvolutionMethod::integrate},
                                                 {"magnus", EvolutionMethod::magnus}};
const Choices<EvolutionMethod> evolution_methods = {{"auto", EvolutionMethod::automatic},
                                                    {"expm", EvolutionMethod::expm},
                                                    {"chebyshev", EvolutionMethod::expm},
                                                    {"solve", EvolutionMethod::solve},
                                                    {"integrate", EvolutionMethod::integrate},
                                                    {"magnus", EvolutionMethod::magnus},
                                                    {"mfn", EvolutionMethod::mfn}};
const Choices<ThermodynamicsMethod> thermal_methods = {{"auto", ThermodynamicsMethod::automatic},
                                                       {"exact", ThermodynamicsMethod::exact},
                                                       {"ftlm", ThermodynamicsMethod::ftlm},
                                                       {"typical", ThermodynamicsMethod::typical}};
const Choices<LevelsArguments::Kind> level_pictures = {{"levels", LevelsArguments::Kind::levels},
                                                       {"ratios", LevelsArguments::Kind::ratios}};
const Choices<ThermodynamicsMethod> trace_methods = {{"auto", ThermodynamicsMethod::automatic},
                                                     {"exact", ThermodynamicsMethod::exact},
                                                     {"ftlm", ThermodynamicsMethod::ftlm}};
const Choices<PlotArguments::Kind> plot_kinds = {{"auto", PlotArguments::Kind::automatic},
                                                 {"line", PlotArguments::Kind::line},
                                                 {"scatter", PlotArguments::Kind::scatter},
                                                 {"spectrum", PlotArguments::Kind::spectrum},
                                                 {"heat", PlotArguments::Kind::heat}};
const Choices<LineShape> line_shapes = {{"lorentzian", LineShape::lorentzian},
                                        {"gaussian", LineShape::gaussian}};
const Choices<BatchArguments::Scheduler> schedulers = {{"slurm", BatchArguments::Scheduler::slurm},
                                                       {"pbs", BatchArguments::Scheduler::pbs}};
const Choices<Preconditioner> preconditioners = {{"auto", Preconditioner::automatic},
                                                 {"none", Preconditioner::none},
                                                 {"jacobi", Preconditioner::jacobi},
                                                 {"block-jacobi", Preconditioner::block_jacobi},
                                                 {"multigrid", Preconditioner::multigrid}};
const Choices<OperatorForm> forms = {{"auto", OperatorForm::automatic},
                                     {"assembled", OperatorForm::assembled},
                                     {"matrix-free", OperatorForm::matrix_free}};
const Choices<Factors> factors = {{"auto", Factors::automatic},
                                  {"mumps", Factors::mumps},
                                  {"superlu_dist", Factors::superlu_dist}};

/// Lengths of a lattice, "4x4".
std::vector<int> lengths(const Given& given) {
  constexpr std::string_view allowed = "lengths such as 4x4, each from 1 to 1000000";
  std::vector<int> result;
  for (const auto& part : detail::split(given.text, 'x')) {
    const auto length = read_number<int>(part);
    if (!length || *length < 1 || *length > 1000000) refuse(given, allowed);
    result.push_back(*length);
  }
  if (result.size() > 2) refuse(given, allowed);
  return result;
}

/// Two vectors, "3,1;-1,3".
ClusterVectors vectors(const Given& given) {
  constexpr std::string_view allowed = "two vectors of whole numbers such as \"3,1;-1,3\"";
  ClusterVectors result{};
  const auto rows = detail::split(given.text, ';');
  if (rows.size() != 2) refuse(given, allowed);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto parts = detail::split(rows[i], ',');
    if (parts.size() != 2) refuse(given, allowed);
    for (std::size_t k = 0; k < 2; ++k) {
      const auto part = read_number<int>(parts[k]);
      if (!part) refuse(given, allowed);
      result[i][k] = *part;
    }
  }
  return result;
}

void add_parameter(ModelOptions& options, const Given& given) {
  const auto equals = given.text.find('=');
  if (equals == given.text.npos || equals == 0 || equals + 1 == given.text.size())
    refuse(given, "name=value");
  const auto name = given.text.substr(0, equals);
  if (!options.params.emplace(name, given.text.substr(equals + 1)).second)
    throw InvalidArgument(
        detail::concat(given.option, ": the parameter '", name, "' is given twice; give it once"));
}

/// Two numbers, "-0.5,0.5".
std::pair<double, double> interval(const Given& given) {
  constexpr std::string_view allowed = "two finite ascending numbers such as -0.5,0.5";
  const auto comma = given.text.find(',');
  if (comma == given.text.npos) refuse(given, allowed);
  const auto part = [&](std::string_view one) {
    const auto value = read_number<double>(one);
    if (!value || !std::isfinite(*value)) refuse(given, allowed);
    return *value;
  };
  const double low = part(std::string_view(given.text).substr(0, comma));
  const double high = part(std::string_view(given.text).substr(comma + 1));
  if (low > high) refuse(given, allowed);
  return {low, high};
}

bool is_temperature(double value) { return value > 0 && std::isfinite(1 / value); }
bool is_any(double) { return true; }

/// "0.1,0.5,2", "0.1:2:20", "log:0.01:10:30".
std::vector<double> numbers(const Given& given, std::string_view allowed, bool (*fits)(double)) {
  const auto number = [&](const std::string& text) {
    const auto value = read_number<double>(text);
    if (!value || !std::isfinite(*value) || !fits(*value)) refuse(given, allowed);
    return *value;
  };
  std::vector<double> values;
  if (given.text.find(':') == given.text.npos) {
    for (const auto& part : detail::split(given.text, ',')) values.push_back(number(part));
    return values;
  }
  const bool ratios = given.text.starts_with("log:");
  const auto range = detail::split(std::string_view(given.text).substr(ratios ? 4 : 0), ':');
  if (range.size() != 3) refuse(given, allowed);
  const double first = number(range[0]), last = number(range[1]);
  if (ratios && !(first > 0 && last > 0)) refuse(given, allowed);
  const auto count = read_number<int>(range[2]);
  if (!count || *count < 2 || *count > 100'000) refuse(given, allowed);
  for (int i = 0; i < *count; ++i) {
    const double part = static_cast<double>(i) / (*count - 1);
    values.push_back(ratios ? first * std::pow(last / first, part) : first + (last - first) * part);
  }
  return values;
}

std::vector<double> temperatures(const Given& given) {
  return numbers(given,
                 "positive numbers such as 0.1,0.5,2, or FROM:TO:COUNT or log:FROM:TO:COUNT with "
                 "at most 100000 of them",
                 is_temperature);
}

/// Away from 0 on one side.
std::vector<double> times(const Given& given) {
  constexpr std::string_view allowed =
      "times that grow (or fall below 0) such as 0.1,1,10, or FROM:TO:COUNT or log:FROM:TO:COUNT "
      "with at most 100000 of them";
  const auto values = numbers(given, allowed, is_any);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double before = i == 0 ? 0 : values[i - 1];
    const bool onwards = std::abs(values[i]) > std::abs(before) || (i == 0 && values[i] == 0);
    if (!onwards || values[i] * before < 0) refuse(given, allowed);
  }
  return values;
}

std::vector<double> energies(const Given& given) {
  const auto values =
      numbers(given, "FROM:TO:COUNT such as 0:4:200, or numbers such as 0.5,1,1.5", is_any);
  for (std::size_t i = 1; i < values.size(); ++i)
    if (!(values[i] > values[i - 1])) refuse(given, "ascending energies such as 0:4:200");
  return values;
}

/// "30s", "10min", "2h", or seconds.
double duration(const Given& given) {
  constexpr std::string_view allowed = "a time above 0 such as 30s, 10min or 2h, at most 1000h";
  const auto number = given.text.find_first_not_of("0123456789.");
  const auto unit = number == given.text.npos ? "s" : given.text.substr(number);
  const auto value = read_number<double>(given.text.substr(0, number));
  const double factor = unit == "s" ? 1 : unit == "min" ? 60 : unit == "h" ? 3600 : 0;
  const double seconds = value.value_or(0) * factor;
  if (!(seconds > 0 && seconds <= 1000 * 3600.0)) refuse(given, allowed);
  return seconds;
}

/// A word that is one in a script, too.
std::string module_name(const Given& given) {
  constexpr std::string_view letters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+./@=:";
  if (given.text.find_first_not_of(letters) != given.text.npos || given.text.starts_with("-"))
    refuse(given, "the name of a module such as gcc/12.2");
  return given.text;
}

void set_count(Arguments& a, const Given& g) {
  a.solve.k = a.svds.k = g.text == "all"
                             ? EighOptions::all
                             : whole<index_t>(g, 1, std::numeric_limits<index_t>::max(),
                                              "a number of pairs from 1 to the dimension, or all");
}

void set_tolerance(Arguments& a, const Given& g) {
  const double tol = real(g);
  if (!(tol > 0 && tol < 1)) refuse(g, "a number between 0 and 1");
  a.solve.tol = a.svds.tol = a.evolve.options.tol = tol;
}

void set_seed(Arguments& a, const Given& g) {
  a.solve.seed = a.svds.seed = a.evolve.seed = a.thermal.options.seed = a.spectral.options.seed =
      whole<std::uint64_t>(g, 0, std::numeric_limits<std::uint64_t>::max(),
                           "a whole number from 0 to 2^64-1");
}

void set_skipped_vectors(Arguments& a, const Given& g) {
  if (!truth(g)) return;
  a.solve.vectors = Eigenvectors::skip;
  a.svds.vectors = SingularVectors::skip;
}

void set_form(Arguments& a, const Given& g, ResultsArguments::Form form) {
  if (!truth(g)) return;
  if (a.results.form != ResultsArguments::Form::table)
    throw InvalidArgument("--csv and --json-lines exclude each other; give one of them");
  a.results.form = form;
}

std::string model_names() {
  std::string text;
  for (const auto& info : models()) text += (text.empty() ? "" : ", ") + info.name;
  return text;
}

std::vector<Option> make_options() {
  const std::string pairs = "ground eigh plan", levels = pairs + " levels",
                    solves = levels + " svds",
                    follows = " levels svds evolve floquet otoc thermal spectral",
                    runs = pairs + follows, all = runs + " measure",
                    started = "ground eigh" + follows + " measure";
  const std::string which = "Operator", how = "Solving", what = "Columns", out = "Output";
  using enum Option::Times;
  return {
      // ---- the operator
      {"--model", "NAME", runs, which,
       "a Hamiltonian by name, with --sites or --size: " + model_names(), "",
       [](Arguments& a, const Given& g) { a.op.model = g.text; }},
      {"--sites", "N", runs, which, "number of sites (of a lattice, --size says it)", "",
       [](Arguments& a, const Given& g) { a.op.options.sites = whole<int>(g, 1, 1000000); }},
      {"--size", "LXxLY", runs, which, "lengths of a lattice", "",
       [](Arguments& a, const Given& g) { a.op.options.size = lengths(g); }},
      {"--cluster", "A;B", runs, which,
       "in place of a size, the vectors by which a two-dimensional lattice repeats itself: "
       "\"3,1;-1,3\" is the tilted square of 10 sites",
       "", [](Arguments& a, const Given& g) { a.op.options.cluster = vectors(g); }},
      {"--cyclic{all}", "", runs, which,
       "periodic in all directions; --cyclic=x or --cyclic=y in one", "none",
       [](Arguments& a, const Given& g) { a.op.options.cyclic = choice(g, directions); }, once,
       names_of(directions)},
      {"--spin", "S", runs, which, "spin of each site", "1/2",
       [](Arguments& a, const Given& g) { a.op.options.spin = g.text; }},
      {"--lattice", "NAME", runs, which,
       "chain, square, ladder, triangular, honeycomb, kagome, star, complete, or edges:FILE for "
       "any graph, if the "
       "model does not say it",
       "", [](Arguments& a, const Given& g) { a.op.options.lattice = g.text; }},
      {"-p,--parameter", "NAME=VALUE", runs, which,
       "a parameter of the model or of the operator file; repeatable", "",
       [](Arguments& a, const Given& g) { add_parameter(a.op.options, g); }, many},
      {"--twist", "ANGLE", runs, which,
       "angle in radians by which the boundaries turn what goes round, along x or as X,Y: the "
       "parameter twist of the model",
       "0",
       [](Arguments& a, const Given& g) {
         const std::string text = "twist=" + g.text;
         add_parameter(a.op.options, {g.option, text});
       }},
      {"--sector", "WHAT=VALUE", runs, which,
       "a part of the space that the Hamiltonian keeps: sz=0, n=4, nup=2, ndown=2, parity=1, "
       "momentum=0, reflection=1, rotation=0, spinflip=1, permutation=1,2,0:1/3; or the "
       "configurations that obey a rule: blockade, max-run=2, forbid=101; repeatable. "
       "n=3,4,5 is one part with several numbers. ground, levels, spectral and thermal also take "
       "several parts: momentum=all, sz=0..3",
       "", [](Arguments& a, const Given& g) { a.op.sector.push_back(g.text); }, many},
      {"--all-sectors", "", "ground levels", which,
       "every value of every symmetry that --sector does not fix", "false",
       [](Arguments& a, const Given& g) { a.op.all_sectors = truth(g); }},
      {"--terms", "FILE.toml", runs, which, "an operator file", "",
       [](Arguments& a, const Given& g) { a.op.terms = g.text; }},
      {"--matrix", "FILE.mtx", runs, which, "a matrix in Matrix Market format", "",
       [](Arguments& a, const Given& g) { a.op.matrix = g.text; }},
      // ---- what is sought
      {"-k", "K", pairs + " svds", how, "number of pairs or triplets, or all", "1", set_count},
      {"-k", "K", "levels", how, "levels of each sector, or all", "4", set_count},
      {"--which", "WHICH", "eigh plan", how, "SA, LA, LM, SM, or with --sigma TM, TR (SA; TM)", "",
       [](Arguments& a, const Given& g) { a.solve.which = choice(g, ends); }, once, names_of(ends)},
      {"--which", "WHICH", "svds", how, any_of(singular_ends), "largest",
       [](Arguments& a, const Given& g) { a.svds.which = choice(g, singular_ends); }, once,
       names_of(singular_ends)},
      {"--sigma", "X", "eigh plan", how, "target: the eigenvalues nearest to it", "",
       [](Arguments& a, const Given& g) { a.solve.sigma = real(g); }},
      {"--position", "X", "eigh plan", how,
       "target by its place in the spectrum: 0 the lowest value, 0.5 the middle, 1 the highest", "",
       [](Arguments& a, const Given& g) { a.solve.position = real(g); }},
      {"--interval", "A,B", "eigh plan", how, "every eigenvalue from A to B", "",
       [](Arguments& a, const Given& g) { a.solve.interval = interval(g); }},
      {"--state", "STATE", "evolve otoc", how,
       "initial state: neel, neel-down, domain-wall, up, down, plus, w, ghz, singlets, bell:phi+, "
       "random, or a digit, u, d, + or - for each site; ground, or ground:bx=2 with other "
       "parameters of the model; FILE.h5 of --save (FILE.h5:2 for one of several)",
       "", [](Arguments& a, const Given& g) { a.evolve.state = g.text; }},
      {"--time", "T", "evolve otoc", how,
       "until when, in inverse units of the couplings (hbar = 1)", "",
       [](Arguments& a, const Given& g) { a.evolve.time = real(g); }},
      {"--steps", "N", "evolve otoc", how, "steps that are shown, from 0 to T", "1",
       [](Arguments& a, const Given& g) { a.evolve.steps = whole<index_t>(g, 1, 100'000'000); }},
      {"--times", "LIST", "evolve otoc", how,
       "in place of --time and --steps: 0.1,1,10 or FROM:TO:COUNT, or log:FROM:TO:COUNT for equal "
       "ratios",
       "",
       [](Arguments& a, const Given& g) {
         a.evolve.times = times(g);
         a.evolve.time = a.evolve.times.back();
       }},
      {"--quench", "", "evolve otoc", how,
       "--state FILE.h5 may be a state of another operator; its time is then 0", "false",
       [](Arguments& a, const Given& g) { a.evolve.quench = truth(g); }},
      {"--period", "T", "floquet", how,
       "after which the operator repeats itself: a number, or a formula such as \"2*pi/w\" with "
       "the "
       "parameters of the file",
       "", [](Arguments& a, const Given& g) { a.period = g.text; }},
      {"--jump", "WHAT", "evolve", how,
       "a jump operator of an environment: OP:RATE on each site, OP:RATE:SITE on one, or "
       "op:EXPRESSION with its root of a rate; repeatable",
       "", [](Arguments& a, const Given& g) { a.evolve.jumps.push_back(g.text); }, many},
      {"--trajectories", "N", "evolve", how,
       "with --jump: the mean over so many random courses (the density matrix up to 512 states, "
       "else 200)",
       "",
       [](Arguments& a, const Given& g) {
         a.evolve.trajectories = whole<index_t>(g, 2, 100'000'000);
       }},
      {"--moved", "W", "otoc", how,
       "the operator that moves in time, W(t): an expression such as \"Sz 5\"", "",
       [](Arguments& a, const Given& g) { a.otoc.moved = g.text; }},
      {"--probe", "V", "otoc", how,
       "the operator that does not move: an expression such as \"Sz 3\"; a name alone (Sz) is the "
       "operator on each site; repeatable",
       "", [](Arguments& a, const Given& g) { a.otoc.probes.push_back(g.text); }, many},
      {"--samples", "N", "otoc", how,
       "random states of --state random, which stands for the mean over all states", "10",
       [](Arguments& a, const Given& g) { a.otoc.samples = whole<index_t>(g, 2, 1'000'000); }},
      {"--imaginary", "", "evolve", how, "exp(-T H), normalised, in place of exp(-i T H)", "false",
       [](Arguments& a, const Given& g) {
         a.evolve.options.axis = truth(g) ? TimeAxis::imaginary : TimeAxis::real;
       }},
      {"--temperature", "T", "thermal", how,
       "temperatures: 0.1,0.5,2 or FROM:TO:COUNT, or log:FROM:TO:COUNT for equal ratios (k_B = 1)",
       "", [](Arguments& a, const Given& g) { a.thermal.temperatures = temperatures(g); }},
      {"--temperature", "T", "spectral", how, "k_B T, in units of the couplings (the ground state)",
       "",
       [](Arguments& a, const Given& g) {
         a.spectral.options.temperature = real(g);
         if (!(*a.spectral.options.temperature > 0) ||
             !std::isfinite(1 / *a.spectral.options.temperature))
           refuse(g, "a positive number");
       }},
      {"--correlation", "A,B", "spectral", how,
       "operators of a site in S(q,w), as in sq:A,B (Sz,Sz); or op:EXPRESSION, or two of them with "
       "a comma between: <A delta(w - H + E0) B>; conductivity:x or conductivity:y",
       "Sz,Sz", [](Arguments& a, const Given& g) { a.spectral.correlation = g.text; }},
      {"--drude-below", "W", "spectral", how,
       "with conductivity: what is at |w| < W is counted to the Drude weight (0; of random vectors "
       "the broadening)",
       "",
       [](Arguments& a, const Given& g) {
         a.spectral.drude_below = real(g);
         if (!(*a.spectral.drude_below >= 0)) refuse(g, "an energy of 0 or more");
       }},
      {"--momentum", "M", "spectral", how,
       "m of q = 2 pi m/L; in two dimensions M is mx,my; repeatable (all)", "",
       [](Arguments& a, const Given& g) { a.spectral.momenta.push_back(g.text); }, many},
      {"--steps", "N", "spectral", how,
       "Lanczos steps of each correlation (200; 100 of random vectors)", "",
       [](Arguments& a, const Given& g) {
         a.spectral.options.steps = whole<index_t>(g, 1, 1'000'000);
       }},
      {"--samples", "N", "thermal", how, "random vectors, where the answer is not exact", "20",
       [](Arguments& a, const Given& g) {
         a.thermal.options.samples = whole<index_t>(g, 2, 1'000'000);
       }},
      {"--samples", "N", "spectral", how,
       "with --temperature: random vectors of each sector, where the answer is not exact", "20",
       [](Arguments& a, const Given& g) {
         a.spectral.options.samples = whole<index_t>(g, 2, 1'000'000);
       }},
      // ---- how
      {"--tol", "X", levels + " spectral", how,
       "residual that counts as converged, relative to the scale of the level", "1e-10",
       set_tolerance},
      {"--tol", "X", "svds", how, "residual that counts as converged, relative to the value",
       "1e-10", set_tolerance},
      {"--tol", "X", "evolve floquet otoc", how, "2-norm error of the state at each time", "1e-10",
       set_tolerance},
      {"--max-iterations", "N", solves + " spectral", how, "restarts or steps at most", "",
       [](Arguments& a, const Given& g) {
         a.solve.max_iterations = a.svds.max_iterations = at_least_one(g);
       }},
      {"--ncv", "N", solves, how, "largest subspace", "",
       [](Arguments& a, const Given& g) { a.solve.ncv = a.svds.ncv = at_least_one(g); }},
      {"--seed", "N", solves, how, "fixes the start vector", "0", set_seed},
      {"--seed", "N", "spectral", how, "fixes the start vector and random vectors", "0", set_seed},
      {"--seed", "N", "evolve otoc", how, "fixes a random state", "0", set_seed},
      {"--seed", "N", "thermal", how, "fixes the random vectors", "0", set_seed},
      {"--method", "NAME", levels, how, any_of(eigh_methods), "auto",
       [](Arguments& a, const Given& g) { a.solve.method = choice(g, eigh_methods); }, once,
       names_of(eigh_methods)},
      {"--method", "NAME", "svds", how, any_of(svd_methods), "auto",
       [](Arguments& a, const Given& g) { a.svds.method = choice(g, svd_methods); }, once,
       names_of(svd_methods)},
      {"--method", "NAME", "evolve", how, any_of(evolution_methods), "auto",
       [](Arguments& a, const Given& g) { a.evolve.options.method = choice(g, evolution_methods); },
       once, names_of(evolution_methods)},
      {"--method", "NAME", "thermal", how, any_of(thermal_methods), "auto",
       [](Arguments& a, const Given& g) { a.thermal.options.method = choice(g, thermal_methods); },
       once, names_of(thermal_methods)},
      {"--method", "NAME", "floquet", how, any_of(driven_methods), "integrate",
       [](Arguments& a, const Given& g) { a.evolve.options.method = choice(g, driven_methods); },
       once, names_of(driven_methods)},
      {"--method", "NAME", "spectral", how,
       "with --temperature: " + any_of(trace_methods) + ", all eigenvectors or random vectors",
       "auto",
       [](Arguments& a, const Given& g) { a.spectral.options.method = choice(g, trace_methods); },
       once, names_of(trace_methods)},
      {"--preconditioner", "NAME", levels, how, "for jd, gd, lobpcg: " + any_of(preconditioners),
       "auto",
       [](Arguments& a, const Given& g) { a.solve.preconditioner = choice(g, preconditioners); },
       once, names_of(preconditioners)},
      {"--operator", "FORM", levels + " evolve floquet otoc thermal spectral", how, any_of(forms),
       "auto",
       [](Arguments& a, const Given& g) {
         a.solve.form = a.evolve.form = a.thermal.options.form = a.spectral.options.form =
             choice(g, forms);
       },
       once, names_of(forms)},
      {"--factors", "NAME", levels, how, any_of(factors) + ": of shift-and-invert and ciss", "auto",
       [](Arguments& a, const Given& g) { a.solve.factors = choice(g, factors); }, once,
       names_of(factors)},
      {"--energy-only", "", pairs, how, "no eigenvectors; residuals are bounds", "false",
       set_skipped_vectors},
      {"--values-only", "", "svds", how, "no singular vectors; residuals are bounds", "false",
       set_skipped_vectors},
      {"--no-certify", "", solves, how, "no search for missed levels or values", "false",
       [](Arguments& a, const Given& g) {
         a.solve.certify = !truth(g);
         a.svds.certify = a.solve.certify ? SvdsOptions{}.certify : Certification::off;
       }},
      {"--reference", "FILE.h5", "ground eigh measure", out,
       "a saved state that --observe overlap and fidelity compare with", "",
       [](Arguments& a, const Given& g) { a.reference = g.text; }},
      {"--start", "FILE.h5", "ground eigh", how, "a saved state to start from", "",
       [](Arguments& a, const Given& g) { a.start = g.text; }},
      {"--checkpoint", "FILE", "ground eigh levels svds evolve", how,
       "written now and then, and gone on from if it is there; SIGTERM, SIGUSR1 and the end of a "
       "SLURM job write it and end the run with exit code 75",
       "", [](Arguments& a, const Given& g) { a.checkpoint.path = g.text; }},
      {"--every", "TIME", "ground eigh levels svds evolve", how,
       "between two checkpoints: 30s, 10min, 2h", "10min",
       [](Arguments& a, const Given& g) { a.checkpoint.every = duration(g); }},
      {"--resume", "FILE", "ground eigh levels svds evolve", how,
       "a checkpoint to go on from, which is not written", "",
       [](Arguments& a, const Given& g) { a.checkpoint.resume = g.text; }},
      {"--threads", "N", all + " sweep selftest", how, "threads of each process (all its cores)",
       "", [](Arguments& a, const Given& g) { a.threads = whole<int>(g, 1, 1024); }},
      {"--ranks", "N", "plan", how, "ranks to plan for; none of them is started", "1",
       [](Arguments& a, const Given& g) { a.ranks = whole<int>(g, 1, 4096); }},
      {"--ranks", "N", started + " sweep", how, "worker processes to start for this run", "1",
       [](Arguments& a, const Given& g) { a.ranks = whole<int>(g, 1, 4096); }},
      // ---- what comes out
      {"--observe", "WHAT", "ground eigh evolve floquet thermal measure", out,
       "energy, variance, norm, sz, sz:3, corr:Sz,Sz, entropy:half, amplitude:0101, op:FILE.toml; "
       "repeatable",
       "", [](Arguments& a, const Given& g) { a.observe.push_back(g.text); }, many},
      {"--energies", "FROM:TO:COUNT", "spectral", out,
       "where the curves are shown, above the ground state (where the lines are)", "",
       [](Arguments& a, const Given& g) { a.spectral.energies = energies(g); }},
      {"--broadening", "X", "spectral", out,
       "half width of each line (a fiftieth of the energies shown)", "",
       [](Arguments& a, const Given& g) {
         a.spectral.broadening = real(g);
         if (!(*a.spectral.broadening > 0)) refuse(g, "a positive number");
       }},
      {"--shape", "NAME", "spectral", out,
       any_of(line_shapes) + ": of which --broadening is the standard deviation", "lorentzian",
       [](Arguments& a, const Given& g) { a.spectral.shape = choice(g, line_shapes); }, once,
       names_of(line_shapes)},
      {"--save", "FILE.h5", "ground eigh svds evolve spectral", out,
       "writes all that is found, vectors too", "",
       [](Arguments& a, const Given& g) {
         if (!g.text.ends_with(".h5")) refuse(g, "the name of an HDF5 file, FILE.h5");
         a.save = g.text;
       }},
      {"--plot", "FILE.svg", "levels otoc thermal spectral", out,
       "draws what is found; also .pdf and .png", "",
       [](Arguments& a, const Given& g) {
         require_picture_name(g.option, g.text);
         a.plot = g.text;
       }},
      {"--kind", "KIND", "levels", out,
       any_of(level_pictures) + " in the picture: ratios of level spacings beside those of random "
                                "matrices",
       "levels", [](Arguments& a, const Given& g) { a.levels.kind = choice(g, level_pictures); },
       once, names_of(level_pictures)},
      {"--output", "DIR", "sweep", out, "folder of the results (FILE without .toml, and .out)", "",
       [](Arguments& a, const Given& g) { a.sweep.folder = g.text; }},
      {"--dry-run", "", "sweep", how, "says what would be computed", "false",
       [](Arguments& a, const Given& g) { a.sweep.dry_run = truth(g); }},
      {"--only", "CONDITION", "sweep", how, "computes the points where it holds: \"bx < 1\"", "",
       [](Arguments& a, const Given& g) { a.sweep.only = g.text; }},
      {"--retry-failed", "", "sweep", how, "computes points that have failed again", "false",
       [](Arguments& a, const Given& g) { a.sweep.retry_failed = truth(g); }},
      {"--scheduler", "NAME", "batch", how, any_of(schedulers), "slurm",
       [](Arguments& a, const Given& g) { a.batch.scheduler = choice(g, schedulers); }},
      {"--nodes", "N", "batch", how, "nodes of a solve; of a sweep, jobs that share its points",
       "1", [](Arguments& a, const Given& g) { a.batch.nodes = whole<int>(g, 1, 10000); }},
      {"--ranks", "N", "batch", how, "MPI ranks on each node", "1",
       [](Arguments& a, const Given& g) { a.ranks = whole<int>(g, 1, 4096); }},
      {"--threads", "N", "batch", how, "cores of each rank (the cores of this machine)", "",
       [](Arguments& a, const Given& g) { a.threads = whole<int>(g, 1, 1024); }},
      {"--time", "TIME", "batch", how,
       "limit of the job: 30min, 12h (from the size of the problem)", "",
       [](Arguments& a, const Given& g) { a.batch.seconds = duration(g); }},
      {"--module", "NAME", "batch", how, "a module to load; repeatable", "",
       [](Arguments& a, const Given& g) { a.batch.modules.push_back(module_name(g)); }, many},
      {"-o", "FILE", "batch", out, "the script (named after the run, .sbatch or .pbs)", "",
       [](Arguments& a, const Given& g) { a.batch.output = g.text; }},
      {"--submit", "", "batch", out, "submits it and tells the number of the job", "false",
       [](Arguments& a, const Given& g) { a.batch.submit = truth(g); }},
      {"--columns", "A,B", "results", out, "these columns; formulas too: \"bx,energy/sites\"", "",
       [](Arguments& a, const Given& g) { a.results.columns = g.text; }},
      {"--x", "COLUMN", "plot", what, "across: a column or a formula", "",
       [](Arguments& a, const Given& g) { a.plot_of.x = g.text; }},
      {"--y", "COLUMN", "plot", what, "upwards; lists too: levels, or values at the times of --x",
       "", [](Arguments& a, const Given& g) { a.plot_of.y = g.text; }},
      {"--z", "COLUMN", "plot", what, "as colours over --x and --y", "",
       [](Arguments& a, const Given& g) { a.plot_of.z = g.text; }},
      {"--series", "COLUMNS", "plot", what, "a line for each value of these: sites", "",
       [](Arguments& a, const Given& g) { a.plot_of.series = g.text; }},
      {"--average", "COLUMN", "plot", what,
       "means over what varies there, with standard errors (what the sweep averages)", "",
       [](Arguments& a, const Given& g) { a.plot_of.average = g.text; }},
      {"--kind", "KIND", "plot", out, any_of(plot_kinds), "auto",
       [](Arguments& a, const Given& g) { a.plot_of.kind = choice(g, plot_kinds); }, once,
       names_of(plot_kinds)},
      {"--log", "AXES", "plot", out, "x, y or xy: axes with powers of ten", "",
       [](Arguments& a, const Given& g) {
         if (g.text != "x" && g.text != "y" && g.text != "xy") refuse(g, "x, y or xy");
         a.plot_of.log = g.text;
       }},
      {"--fit", "DEGREE", "plot", out,
       "a polynomial through the points of each line, drawn down to 0; says what it is there", "",
       [](Arguments& a, const Given& g) { a.plot_of.fit = whole<int>(g, 1, 9); }},
      {"--guide", "Y", "plot", out, "a dotted line at this height; repeatable", "",
       [](Arguments& a, const Given& g) { a.plot_of.guides.push_back(real(g)); }, many},
      {"--x-label", "TEXT", "plot", out, "of the axis (the text of --x)", "",
       [](Arguments& a, const Given& g) { a.plot_of.x_label = g.text; }},
      {"--y-label", "TEXT", "plot", out, "of the axis (the text of --y)", "",
       [](Arguments& a, const Given& g) { a.plot_of.y_label = g.text; }},
      {"-o", "FILE.svg", "plot", out, "the picture; also .pdf and .png", "",
       [](Arguments& a, const Given& g) {
         require_picture_name(g.option, g.text);
         a.plot = g.text;
       }},
      {"-o", "FILE.html", "report", out, "the report", "",
       [](Arguments& a, const Given& g) {
         if (!g.text.ends_with(".html")) refuse(g, "the name of a page, FILE.html");
         a.save = g.text;
       }},
      {"--where", "CONDITION", "results plot report", out,
       "the points where it holds: \"sites = 12\"", "",
       [](Arguments& a, const Given& g) { a.results.where = g.text; }},
      {"--each", "", "results", out, "every point, without averages", "false",
       [](Arguments& a, const Given& g) { a.results.each = truth(g); }},
      {"--csv", "", "results", out, "values with commas between them, all columns", "false",
       [](Arguments& a, const Given& g) { set_form(a, g, ResultsArguments::Form::csv); }},
      {"--json-lines", "", "results", out, "a JSON object for each line of the table, all columns",
       "false",
       [](Arguments& a, const Given& g) { set_form(a, g, ResultsArguments::Form::json_lines); }},
      {"--check", "", "results", out, "looks whether every record is whole", "false",
       [](Arguments& a, const Given& g) { a.results.check = truth(g); }},
      {"--diff", "OTHER", "results", out,
       "what differs from the results of another folder; of the same one: from earlier versions",
       "", [](Arguments& a, const Given& g) { a.results.diff = g.text; }},
      {"--verbose", "", "ground eigh plan", out,
       "also says why the method was chosen, and how a product is made", "false",
       [](Arguments& a, const Given& g) { a.verbose = truth(g); }},
      {"--json", "", all + " rerun sweep status batch models observables info selftest", out,
       "one JSON object on stdout", "false",
       [](Arguments& a, const Given& g) { a.json = truth(g); }},
      {"--markdown", "", "manual", out, "as Markdown", "false",
       [](Arguments& a, const Given& g) { a.markdown = truth(g); }},
      {"--json-lines", "", "evolve", out,
       "a JSON object for each time as soon as it is reached, and one at the end", "false",
       [](Arguments& a, const Given& g) { a.evolve.json_lines = truth(g); }},
  };
}

bool has_word(std::string_view words, std::string_view word, char separator) {
  for (std::size_t at = 0; (at = words.find(word, at)) != words.npos; at += word.size()) {
    const std::size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == separator) &&
        (end == words.size() || words[end] == separator || words[end] == '{'))
      return true;
  }
  return false;
}

}  // namespace

const std::vector<Option>& options() {
  static const std::vector<Option> all = make_options();
  return all;
}

std::string Option::text() const {
  return standard.empty() || value.empty() ? help : detail::concat(help, " (", standard, ")");
}

bool Option::belongs_to(std::string_view command) const { return has_word(commands, command, ' '); }

const Option* find_option(std::string_view command, std::string_view name) {
  for (const auto& option : options())
    if (has_word(option.names, name, ',') && option.belongs_to(command)) return &option;
  return nullptr;
}

}  // namespace kronsolve::cli
