#include "cli/commands.hpp"

#include <algorithm>

namespace kronsolve::cli {

const std::vector<Command>& commands() {
  const std::string results = "Files of results", sweeps = "Sweeps", about = "Looking things up";
  static const std::vector<Command> all = {
      {"ground", "lowest eigenpairs of a Hamiltonian",
       "  kronsolve ground --model heisenberg --sites 16 --cyclic -k 2\n"
       "  kronsolve ground --model xxz --sites 8 -p delta=0.5 --sector sz=0 --observe sz\n"
       "  kronsolve ground --model hubbard --size 2x3 --sector nup=3 --sector ndown=3",
       run_eigh},
      {"eigh", "some or all eigenpairs of a Hermitian operator",
       "  kronsolve eigh --model heisenberg --sites 8 -k all\n"
       "  kronsolve eigh --model mbl --sites 8 -p dh=3 --sector sz=0 --position 0.5 -k 4\n"
       "  kronsolve eigh --matrix FILE.mtx --interval=-0.5,0.5",
       run_eigh},
      {"levels", "lowest levels of every sector with their quantum numbers",
       "  kronsolve levels --model heisenberg --sites 12 --cyclic\n"
       "  kronsolve levels --model j1j2 --sites 12 --cyclic --sector momentum=all",
       run_levels},
      {"svds", "largest or smallest singular triplets of any matrix",
       "  kronsolve svds --matrix FILE.mtx -k 5\n"
       "  kronsolve svds --matrix FILE.mtx --which smallest --json",
       run_svds},
      {"evolve", "a state in real or imaginary time",
       "  kronsolve evolve --model heisenberg --sites 12 --sector sz=0 --state neel \\\n"
       "            --time 5 --steps 10 --observe sz:0 --observe entropy:half\n"
       "  kronsolve evolve --model ising --sites 10 --state up --time 1 --save psi.h5",
       run_evolve},
      {"floquet", "quasi-energies and modes of an operator that is periodic in time",
       "  kronsolve floquet --terms driven.toml --period \"2*pi/w\"\n"
       "  kronsolve floquet --terms driven.toml --period 3 -p w=2 --observe sz:0",
       run_floquet},
      {"otoc", "correlations out of time order, squared commutators: how an operator spreads",
       "  kronsolve otoc --model ising --sites 9 --moved \"Sz 4\" --probe Sz \\\n"
       "            --state random --time 6 --steps 12 --plot cone.svg\n"
       "  kronsolve otoc --model xxz --sites 10 --sector sz=0 --moved \"Sz 0\" \\\n"
       "            --probe \"Sz 5\" --state neel --times 1,2,4",
       run_otoc},
      {"thermal", "energy, specific heat, entropy and susceptibility at temperatures",
       "  kronsolve thermal --model heisenberg --sites 10 --temperature 0.1:2:20\n"
       "  kronsolve thermal --model ising --sites 12 --temperature log:0.05:10:8 \\\n"
       "            --method ftlm --samples 10",
       run_thermal},
      {"spectral", "correlations in frequency: S(q,w), A(k,w), or of any operators",
       "  kronsolve spectral --model heisenberg --sites 12 --cyclic --plot s.svg\n"
       "  kronsolve spectral --model hubbard --sites 6 --cyclic --sector nup=3 \\\n"
       "            --sector ndown=3 --correlation Cup+,Cup-\n"
       "  kronsolve spectral --model xxz --sites 10 --correlation \"op:Sz 4\"",
       run_spectral},
      {"measure", "observables of the states of a saved file",
       "  kronsolve measure psi.h5 --observe sz --observe entropy:half", run_measure, "FILE.h5",
       "a file of --save; FILE.h5:2: its state 2 alone", results},
      {"rerun", "the run again that made a file of --save, or what --json printed",
       "  kronsolve rerun psi.h5 --json", nullptr, "FILE",
       "what was saved, or the JSON that was printed", results},
      {"sweep", "runs for every point of a grid; goes on where it was",
       "  kronsolve sweep ising.toml --dry-run\n"
       "  kronsolve sweep ising.toml --ranks 2\n"
       "  kronsolve status ising.out\n"
       "  kronsolve results ising.out --where \"sites = 8\"",
       nullptr, "FILE.toml", "what is run, and what varies", sweeps},
      {"status", "how far a sweep is", "  kronsolve status ising.out", run_status, "DIR",
       "the folder of a sweep", sweeps},
      {"results", "what a sweep has found, as a table",
       "  kronsolve results ising.out --columns bx,gap\n"
       "  kronsolve results ising.out --csv",
       run_results, "DIR", "the folder of a sweep", sweeps},
      {"batch", "a job script for a run or a sweep",
       "  kronsolve batch ising.toml --nodes 4 --time 2h\n"
       "  kronsolve batch \"ground --model heisenberg --sites 32 --sector sz=0\" --nodes 2",
       run_batch, "RUN", "FILE.toml of a sweep, or a command line in quotes", sweeps},
      {"plot", "a picture of what a sweep has found",
       "  kronsolve plot ising.out --x bx --y gap --series sites -o gap.svg\n"
       "  kronsolve plot ising.out --x bx --y sites --z gap -o map.png",
       run_plot, "DIR", "the folder of a sweep", sweeps},
      {"report", "one page with pictures, tables and origin of a sweep",
       "  kronsolve report ising.out -o ising.html", run_report, "DIR", "the folder of a sweep",
       sweeps},
      {"plan", "dimension, memory and method of a solve; runs nothing",
       "  kronsolve plan --model heisenberg --sites 32 --cyclic --sector sz=0\n"
       "  kronsolve plan --model kagome --size 2x3 --cyclic -k 4",
       run_plan},
      {"models", "the Hamiltonians that have a name, with formulas and parameters",
       "  kronsolve models\n"
       "  kronsolve models hubbard",
       run_models, "NAME", "one of them", about},
      {"observables", "what --observe can ask for, with formulas",
       "  kronsolve observables\n"
       "  kronsolve observables entropy",
       run_observables, "NAME", "one of them", about},
      {"info",
       "version, engines, MPI, BLAS, threads and memory of this installation",
       "  kronsolve info",
       run_info,
       {},
       {},
       about},
      {"selftest",
       "solves what is known exactly with all that is installed here",
       "  kronsolve selftest",
       nullptr,
       {},
       {},
       about},
      {"manual",
       "the man page: every command and option",
       "  kronsolve manual --markdown",
       run_manual,
       {},
       {},
       about},
      {"completion", "what makes a shell complete commands, options and values",
       "  kronsolve completion bash", run_completion, "SHELL", "bash, zsh or fish", about},
  };
  return all;
}

const Command& command(std::string_view name) {
  return *std::find_if(commands().begin(), commands().end(),
                       [&](const Command& command) { return command.name == name; });
}

}  // namespace kronsolve::cli
