#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <kronsolve/measure/dynamical_correlations.hpp>
#include <kronsolve/measure/thermodynamics.hpp>
#include <kronsolve/operators/models.hpp>
#include <kronsolve/solvers/eigh.hpp>
#include <kronsolve/solvers/evolution.hpp>
#include <kronsolve/solvers/svds.hpp>

namespace kronsolve::cli {

/// Which operator was asked for, as given.
struct OperatorArguments {
  std::string model, terms, matrix;  ///< one of them
  ModelOptions options;              ///< of the model
  std::vector<std::string> sector;
  bool all_sectors = false;  ///< those that `sector` leaves open
};

/// What evolve was asked for besides the operator.
struct EvolveArguments {
  std::string state;               ///< as given
  double time = 0;                 ///< of the last point, counted from the initial state
  index_t steps = 1;               ///< so many and one more points
  std::vector<double> times = {};  ///< the points, in place of `steps` equal ones
  bool quench = false;             ///< a saved state may be of another operator
  EvolutionOptions options;
  OperatorForm form = OperatorForm::automatic;
  std::uint64_t seed = 0;  ///< of a random state
  bool json_lines = false;
  std::vector<std::string> jumps = {};  ///< as given: the system is open
  std::optional<index_t> trajectories;  ///< nothing: the density matrix where it is small
};

/// What otoc was asked for besides the operator, the state and the times.
struct OtocArguments {
  std::string moved;                ///< W, as given
  std::vector<std::string> probes;  ///< V, as given
  index_t samples = 10;             ///< of --state random
};

/// Where a run keeps what it needs to go on.
struct CheckpointArguments {
  std::string path, resume;  ///< written; gone on from. Empty: not asked for
  double every = 600;        ///< seconds
  /// Of a point of a sweep: whether the sweep is to end. A method that cannot go on then runs
  /// without.
  std::function<bool()> stop = {};
};

/// What thermal was asked for besides the operator.
struct ThermalArguments {
  std::vector<double> temperatures;
  ThermodynamicsOptions options;
};

/// What spectral was asked for besides the operator.
struct SpectralArguments {
  std::string correlation = "Sz,Sz";  ///< A,B of plane waves, or op:A and op:A,B
  std::vector<std::string> momenta;   ///< "3", "1,2"; empty: all
  std::vector<double> energies;       ///< of the curves; empty: where the lines are
  std::optional<double> broadening;   ///< nothing: a fiftieth of the energies shown
  LineShape shape = LineShape::lorentzian;
  /// Of a conductivity; nothing: 0, of random vectors the broadening.
  std::optional<double> drude_below;
  DynamicalOptions options;
};

/// What sweep was asked for besides its file.
struct SweepArguments {
  std::string folder;  ///< of the results; empty: named after the file
  std::string only;    ///< condition on the points that are computed; empty: all
  bool dry_run = false, retry_failed = false;
};

/// What levels was asked for besides the operator.
struct LevelsArguments {
  enum class Kind { levels, ratios } kind = Kind::levels;  ///< of the picture
};

/// What results was asked for besides the folder.
struct ResultsArguments {
  enum class Form { table, csv, json_lines } form = Form::table;
  std::string columns, where, diff;  ///< empty: not asked for
  bool check = false, each = false;
};

/// What plot was asked for besides the folder: columns or formulas.
struct PlotArguments {
  enum class Kind { automatic, line, scatter, spectrum, heat } kind = Kind::automatic;
  std::string x, y, z, series, average, x_label, y_label;
  std::string log;             ///< axes with powers of ten: "x", "y", "xy"
  int fit = 0;                 ///< degree of a polynomial through the points; 0: none
  std::vector<double> guides;  ///< dotted lines at these y
};

/// What batch was asked for besides the run.
struct BatchArguments {
  enum class Scheduler { slurm, pbs } scheduler = Scheduler::slurm;
  int nodes = 1;
  double seconds = 0;  ///< limit of the job; 0: from the plan
  std::vector<std::string> modules;
  std::string output;  ///< file of the script; empty: named after the run
  bool submit = false;
};

/// The command line after all that can be checked without looking at the operator.
struct Arguments {
  std::string command;
  std::string command_line;  ///< as one would type it
  std::string argument;      ///< of the command itself: a file or folder
  std::string save;          ///< file for all that is found; empty: none
  std::string plot;          ///< file of a picture of what is found; empty: none
  std::string start;         ///< file of a state to start a solve from; empty: none
  std::string reference;  ///< file of the state that overlap and fidelity compare with; empty: none
  CheckpointArguments checkpoint;
  OperatorArguments op;
  EighOptions solve;
  SvdsOptions svds;            ///< of the command svds, in place of `solve`
  EvolveArguments evolve;      ///< of the commands evolve, floquet and otoc, in place of `solve`
  OtocArguments otoc;          ///< of the command otoc, beside `evolve`
  std::string period;          ///< of the command floquet, as given
  ThermalArguments thermal;    ///< of the command thermal, in place of `solve`
  SpectralArguments spectral;  ///< of the command spectral, beside `solve`
  LevelsArguments levels;
  SweepArguments sweep;
  ResultsArguments results;
  PlotArguments plot_of;
  BatchArguments batch;
  std::vector<std::string> observe;
  std::optional<int> threads;
  int ranks = 1;  ///< above 1: on so many workers, started for this run
  bool json = false;
  bool verbose = false;   ///< how and why, in detail
  bool markdown = false;  ///< of the command manual
  std::string message;    ///< help or version text: print it and be done
};

/// Reads the command line. Local; the same on every rank.
/// @throws InvalidArgument  an unknown command, option or value; with what is allowed
Arguments parse_arguments(int argc, const char* const* argv);
/// The same of words, the program's name first.
Arguments parse_words(const std::vector<std::string>& words);

/// Options of a command, named with their dashes, and their values; "true" for flags.
using OptionTexts = std::vector<std::pair<std::string, std::string>>;
/// The same arguments without a command line.
/// @throws as parse_arguments
Arguments make_arguments(const std::string& command, const OptionTexts& given);

}  // namespace kronsolve::cli
