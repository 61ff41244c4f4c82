"""Every bad input is answered by one clear line and its exit code, on every number of ranks.

usage: bad_input.py [RANKS] [all]   (0, the default, is a plain process)

The rows run one after the other in one process, or a third of them on the ranks of one job, that does what the program does
(refusals.cpp), and some of them in the program itself: with `all` each of them.
"""

import dataclasses
import json
import os
import re
import subprocess
import sys

import program

ALL = "all" in sys.argv
sys.argv = [word for word in sys.argv if word != "all"]
RANKS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 0
REFUSALS = os.environ["KRONSOLVE_REFUSALS"]

CHAIN = ("--model", "heisenberg", "--sites", "6")

# arguments, then words that the answer must hold
CASES = [
    ((), "which command", "ground"),
    (("grund",), "unknown command 'grund'", "did you mean ground?"),
    (("ground", "--modle", "xy"), "unknown option '--modle'", "--model"),
    (("ground", *CHAIN, "--time", "1"), "unknown option '--time'", "belongs to evolve", "kronsolve evolve --help"),
    (("ground", *CHAIN, "--sigma", "1"), "unknown option '--sigma'", "belongs to eigh and plan"),
    (("--json", "ground", *CHAIN), "options stand behind the command", "kronsolve ground --json"),
    (("--model", "heisenberg"), "the command comes first", "kronsolve ground --model"),
    (("ground", *CHAIN, "stray"), "unexpected argument 'stray'; see"),
    (("ground", *CHAIN, "--every", "10min"), "--every says how often --checkpoint FILE", "give that too"),
    (("ground", *CHAIN, "--checkpoint", "c", "--every", "10x"), "--every must be a time", "'10x'"),
    (("ground", *CHAIN, "--checkpoint", "c", "--every", "0s"), "--every", "'0s'"),
    (("ground", *CHAIN, "--checkpoint", "c", "--every", "-1s"), "--every", "'-1s'"),
    (("ground", *CHAIN, "--checkpoint", "c", "--every", "1e9h"), "--every", "'1e9h'"),
    (("ground", *CHAIN, "--checkpoint", "c", "--every", "min"), "--every", "'min'"),
    (("ground", *CHAIN, "--checkpoint", ""), "--checkpoint needs a value"),
    (("ground", *CHAIN, "--checkpoint"), "--checkpoint"),
    (("thermal", *CHAIN, "--checkpoint", "c"), "unknown option '--checkpoint'", "belongs to ground"),
    (("thermal", *CHAIN), "which temperatures?", "--temperature 0.1,0.5,2"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "sz=5"), "sector sz=5 has no states", "sz can be -3"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "sz=2..0"), "'sz=2..0'", "a range is written as name=a..b"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "sz=1/2"), "sz=1/2"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "sz=0", "--sector", "sz=1"), "sz", "given twice"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "momentum=all"), "needs a cyclic direction"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "n=2"), "sector n", "no site has particles"),
    (("thermal", "--model", "ising", "--sites", "4", "--temperature", "1", "--sector", "sz=0"), "sector sz=0", "changes sz"),
    (("thermal", *CHAIN, "--temperature", "1", "--all-sectors"), "unknown option '--all-sectors'", "belongs to ground and levels"),
    (("thermal", *CHAIN, "--temperature", "1", "--sector", "sz=0", "--observe", "entropy:half"), "has no thermal mean"),
    (("levels", *CHAIN, "--sector", "sz=5"), "sector sz=5 has no states", "sz can be -3"),
    (("evolve", *CHAIN, "--state", "neel", "--time", "1", "--sector", "sz=all"), "needs ground, levels, spectral or thermal; evolve takes one sector"),
    (("levels", *CHAIN, "--every", "1min"), "--every says how often --checkpoint FILE is written"),
    (("ground", *CHAIN, "--checkpoint", "c.h5", "--save", "c.h5"), "--checkpoint and --save need files of their own"),
    (("batch",), "batch of what?", "FILE.toml"),
    (("batch", ""), "RUN needs a name"),
    (("batch", "results x.out"), "batch takes FILE.toml of a sweep", "'results x.out'"),
    (("batch", "grund --model ising"), "batch takes FILE.toml"),
    (("batch", "   "), "is empty"),
    (("batch", "ground --model heisenberg --sites 4 --help"), "one that computes"),
    (("batch", "ground --model heisenberg --sites 4 --ranks 2"), "outside of the quotes"),
    (("batch", "ground --model heisenburg --sites 4"), "did you mean heisenberg?"),
    (("batch", "ground --model heisenberg --sites 4 --tol 2"), "--tol", "'2'"),
    (("batch", "ground --model heisenberg --sites 4", "--nodes", "0"), "--nodes", "'0'"),
    (("batch", "ground --model heisenberg --sites 4", "--time", "0h"), "--time must be a time", "'0h'"),
    (("batch", "ground --model heisenberg --sites 4", "--time", "soon"), "--time", "'soon'"),
    (("batch", "ground --model heisenberg --sites 4", "--scheduler", "lsf"), "--scheduler", "lsf", "slurm"),
    (("batch", "ground --model heisenberg --sites 4", "--module", "a; rm"), "--module", "'a; rm'"),
    (("ground", *CHAIN, "--nodes", "2"), "unknown option '--nodes'", "belongs to batch"),
    (("report",), "report of what?", "kronsolve report DIR"),
    (("report", "x.out"), "report to which file?", "-o FILE.html"),
    (("report", "x.out", "-o", "x.pdf"), "-o must be the name of a page", "'x.pdf'"),
    # What others call it.
    (("ground", "--model", "heisenberg", "-n", "24"), "unknown option '-n'", "did you mean --sites N?"),
    (("ground", "--model", "heisenberg", "-n24"), "did you mean --sites N?"),
    (("ground", "--model", "heisenberg", "--length=24"), "unknown option '--length'", "did you mean --sites N?"),
    (("ground", *CHAIN, "--periodic"), "did you mean --cyclic?"),
    (("ground", *CHAIN, "--sz", "0"), "unknown option '--sz'", "did you mean --sector sz=VALUE?"),
    (("ground", *CHAIN, "--nev", "3"), "did you mean -k K?"),
    (("ground", *CHAIN, "--scan"), "unknown option '--scan'", "did you mean --all-sectors?"),
    (("ground", *CHAIN, "--spni", "1"), "did you mean --spin?"),
    (("ground", "--model", "heisenberg", "--sites", "1", "--sector", "sz=1"), "on these 1 site"),
    (("ground", *CHAIN, "-J", "2"), "unknown option '-J'", "did you mean -p j=VALUE?"),
    (("ground", "heisenberg", "--sites", "6"), "unexpected argument 'heisenberg'", "did you mean --model heisenberg?"),
    (("ground", "h.mtx"), "did you mean --matrix h.mtx?"),
    (("ground", *CHAIN, "--cyclic", "x"), "did you mean --cyclic=x?"),
    (("evolve", *CHAIN, "--dt", "0.1"), "did you mean --steps N"),
    (("ground", *CHAIN, "-o", "x"), "it belongs to batch, plot and report"),
    (("eigh", "h.toml"), "did you mean --terms h.toml?"),
    (("help",), "no command 'help'", "kronsolve --help"),
    (("ground",), "--model", "--terms", "--matrix"),
    (("ground", *CHAIN, "--terms", "h.toml"), "exclude each other"),
    (("ground", "--terms", "h.toml", "--sites", "4"), "--sites belongs to --model"),
    (("ground", "--terms", "h.toml", "--twist", "0.1"), "--twist belongs to --model"),
    (("ground", "--model", "heisenburg", "--sites", "4"), "unknown model 'heisenburg'", "did you mean heisenberg?"),
    (("ground", "--model", "heisenberg"), "--sites"),
    (("ground", "--model", "heisenberg", "--sites", "0"), "--sites", "'0'"),
    (("ground", "--model", "heisenberg", "--sites", "-4"), "--sites", "'-4'"),
    (("ground", "--model", "heisenberg", "--sites", "4.5"), "--sites", "'4.5'"),
    (("ground", "--model", "heisenberg", "--sites", "4", "--sites", "5"), "--sites", "once"),
    (("ground", "--model", "heisenberg", "--size", "4y4"), "--size", "'4y4'"),
    (("ground", *CHAIN, "--spin", "0.7"), "spin", "'0.7'"),
    (("ground", *CHAIN, "--spin", "-1"), "spin", "-1"),
    (("ground", *CHAIN, "--spin", "0"), "spin", "got 0"),
    (("ground", *CHAIN, "--cyclic=z"), "--cyclic", "'z'"),
    (("ground", *CHAIN, "-p", "jj=1"), "unknown parameter 'jj'", "did you mean"),
    (("ground", *CHAIN, "-p", "j"), "-p", "name=value"),
    (("ground", *CHAIN, "-p", "j=nan"), "finite", "nan"),
    (("ground", *CHAIN, "-p", "b=inf"), "finite", "inf"),
    (("ground", *CHAIN, "-p", "j=x"), "'x'"),
    (("ground", *CHAIN, "-p", "j=nan"), "parameter j must", "'nan'"),
    (("ground", *CHAIN, "-p", "j=+-1"), "parameter j", "'+-1'"),
    (("ground", *CHAIN, "-p", "j=1/+-2"), "'1/+-2'"),
    (("ground", "--model", "mbl", "--sites", "2", "-p", "h=+-1,0.5"), "'+-1'"),
    (("ground", *CHAIN, "--sector", "sz=+-1"), "sz=+-1"),
    (("ground", *CHAIN, "--tol", "+-1"), "--tol", "'+-1'"),
    (("ground", *CHAIN, "-p", "j=1e308"), "e+307 S", "the couplings add up to more than a double holds"),
    # A symmetry is broken by a term however large others are.
    (("ground", "--model", "heisenberg", "--sites", "2", "-p", "jx=0", "-p", "jy=0", "-p", "jz=5e13", "-p", "bx=1",
      "--sector", "sz=0"), "sector sz=0", "-1 Sx_0", "changes sz"),
    (("ground", *CHAIN, "-p", "j=5e13", "-p", "bz=1", "--sector", "spinflip=1"), "spinflip", "Sz_0"),
    (("ground", *CHAIN, "-p", "j=1", "-p", "j=2"), "'j'", "twice"),
    (("ground", *CHAIN, "-p", "j=1", "-p", "jx=2"), "j", "jx"),
    (("ground", *CHAIN, "-k", "0"), "-k", "'0'"),
    (("ground", *CHAIN, "--observe", "fidelity"), "--observe overlap and fidelity", "give --reference FILE.h5"),
    (("ground", *CHAIN, "--observe", "overlap"), "--observe overlap and fidelity", "give --reference FILE.h5"),
    (("ground", *CHAIN, "--reference", "a.h5"), "--reference is for --observe overlap or fidelity"),
    (("ground", *CHAIN, "--observe", "overlap", "--reference", "a.txt"), "--reference must be FILE.h5, got 'a.txt'"),
    (("ground", *CHAIN, "--observe", "chirality:3"), "it must be chirality or chirality:corr"),
    (("ground", *CHAIN, "--observe", "bonds:Sz"), "two operators are needed, as in bonds:Sz,Sz"),
    (("ground", *CHAIN, "--observe", "current"), "it must be current:A,B"),
    (("ground", *CHAIN, "--observe", "current:Sz,Q"), "unknown operator 'Q'"),
    (("ground", "--model", "heisenberg", "--size", "2x3", "--lattice", "square", "--observe", "chirality"), "the lattice has no triangles"),
    (("spectral", *CHAIN, "--correlation", "Sz"), "--correlation must be two operators of a site", "got 'Sz'"),
    (("spectral", *CHAIN, "--correlation", "Sz,S*"), "unknown operator 'S*'", "known are"),
    (("spectral", *CHAIN, "--correlation", "op:Sz"), "operator with its site such as Sz 0"),
    (("spectral", *CHAIN, "--correlation", "op:Sz 6"), "--correlation op:Sz 6", "6"),
    (("spectral", *CHAIN, "--correlation", "op:Sz 0,Sz 1,Sz 2"), "--correlation must be two"),
    (("spectral", *CHAIN, "--correlation", "op:Sz 0", "--momentum", "1"), "--momentum belongs to plane waves"),
    (("spectral", *CHAIN, "--momentum", "x"), "--momentum must be a whole number such as 3", "'x'"),
    (("spectral", *CHAIN, "--momentum", "1,2"), "--momentum must be a whole number", "'1,2'"),
    (("spectral", *CHAIN, "--broadening", "0"), "--broadening must be a positive number"),
    (("spectral", *CHAIN, "--energies", "1"), "one energy has no width of its own", "--broadening"),
    (("spectral", *CHAIN, "--energies", "0:1:1"), "--energies must be FROM:TO:COUNT"),
    (("spectral", *CHAIN, "--energies", "1:0:5"), "--energies must be ascending energies"),
    (("spectral", *CHAIN, "--shape", "voigt"), "--shape: unknown value 'voigt'"),
    (("spectral", *CHAIN, "--steps", "0"), "--steps must be a whole number from 1"),
    (("spectral", *CHAIN, "--sector", "reflection=1"), "lead out of it", "charges and momenta only"),
    (("spectral", *CHAIN, "--cyclic", "--sector", "momentum=0", "--correlation", "op:Sz 0"), "have no momentum"),
    (("spectral", *CHAIN, "--temperature", "0"), "--temperature must be a positive number"),
    (("spectral", *CHAIN, "--temperature", "1,2"), "--temperature must be"),
    (("spectral", *CHAIN, "--samples", "5"), "--samples is about averages at a temperature"),
    (("spectral", *CHAIN, "--method", "ftlm"), "--method is about averages at a temperature"),
    (("spectral", *CHAIN, "--temperature", "1", "--method", "typical"), "--method: unknown value 'typical'"),
    (("spectral", *CHAIN, "--correlation", "conductivity:y"), "--correlation must be conductivity:x, got"),
    (("spectral", *CHAIN, "--correlation", "conductivity", "--momentum", "0"), "leave it out beside conductivity"),
    (("spectral", "--model", "ising", "--sites", "4", "--correlation", "conductivity"), "does not conserve Sz"),
    (("spectral", "--model", "heisenberg", "--size", "2x2", "--lattice", "square", "--correlation", "conductivity"), "conductivity:x or conductivity:y"),
    (("spectral", *CHAIN, "--correlation", "conductivity", "--drude-below", "-1"), "--drude-below must be an energy of 0 or more", "'-1'"),
    (("spectral", *CHAIN, "--correlation", "conductivity", "--drude-below", "x"), "--drude-below", "'x'"),
    (("spectral", *CHAIN, "--drude-below", "1"), "--drude-below belongs to --correlation conductivity"),
    (("spectral", *CHAIN, "--correlation", "conductivity:x:y"), "--correlation must be conductivity:x, got"),
    (("spectral", "--model", "hubbard", "--sites", "4", "--correlation", "Cup+"), "two operators of a site such as Sz,Sz or Cup+,Cup-", "'Cup+'"),
    (("spectral", *CHAIN, "--energies", "x"), "--energies must be FROM:TO:COUNT such as 0:4:200", "'x'"),
    (("spectral", *CHAIN, "--temperature", "x"), "--temperature must be a finite number", "'x'"),
    (("spectral", *CHAIN, "--temperature", "1", "--samples", "1"), "--samples must be a whole number from 2", "'1'"),
    (("spectral", *CHAIN, "--plot", "a.jpg"), "--plot must be the name of a picture", "'a.jpg'"),
    (("spectral", *CHAIN, "--save", "a.txt"), "--save must be the name of an HDF5 file", "'a.txt'"),
    (("spectral", *CHAIN, "--tol", "x"), "--tol must be a finite number", "'x'"),
    (("spectral", *CHAIN, "--seed", "-1"), "--seed must be a whole number from 0", "'-1'"),
    (("spectral", *CHAIN, "--max-iterations", "0"), "--max-iterations must be a whole number, at least 1", "'0'"),
    (("thermal", "--matrix", "a.mtx", "--temperature", "1"), "thermal needs an operator on sites"),
    (("thermal", *CHAIN, "--temperature", "0"), "--temperature must be positive numbers", "'0'"),
    (("thermal", *CHAIN, "--temperature", "1:2"), "--temperature must be positive numbers", "'1:2'"),
    (("thermal", *CHAIN, "--temperature", "log:0:1:3"), "--temperature must be positive numbers", "'log:0:1:3'"),
    (("thermal", *CHAIN, "--temperature", "1", "--method", "lanczos"), "--method: unknown value 'lanczos'", "typical"),
    (("thermal", *CHAIN, "--temperature", "1", "--samples", "1"), "--samples must be a whole number from 2", "'1'"),
    (("thermal", *CHAIN, "--temperature", "1", "--seed", "x"), "--seed must be a whole number from 0", "'x'"),
    (("thermal", *CHAIN, "--temperature", "1", "--plot", "a.jpg"), "--plot must be the name of a picture", "'a.jpg'"),
    (("thermal", *CHAIN, "--temperature", "1", "--observe", "sy"), "unknown observable 'sy'"),
    (("levels", "--matrix", "a.mtx"), "levels needs an operator on sites", "use eigh"),
    (("levels", *CHAIN, "-k", "0"), "-k must be a number of pairs from 1", "'0'"),
    (("levels", *CHAIN, "--plot", "a.jpg"), "--plot must be the name of a picture", "'a.jpg'"),
    (("levels", *CHAIN, "--which", "LA"), "unknown option '--which'", "belongs to eigh"),
    (("levels", *CHAIN, "--sector", "momentum=all"), "needs a cyclic direction"),
    (("levels", *CHAIN, "--sector", "sz=all", "--sector", "sz=0"), "given twice"),
    (("levels", *CHAIN, "--sector", "sz=0..x"), "'sz=x'", "must be a number"),
    (("ground", "--matrix", "a.mtx", "--all-sectors"), "--all-sectors needs an operator on sites"),
    (("eigh", *CHAIN, "--all-sectors"), "unknown option '--all-sectors'", "belongs to ground and levels"),
    (("observables", "colour"), "unknown observable 'colour'", "known are energy"),
    (("observables", "sz", "sq"), "unexpected argument 'sq'"),
    (("ground", *CHAIN, "--observe", "variance:1"), "it must be variance"),
    (("ground", *CHAIN, "--observe", "participation:1"), "it must be participation"),
    (("ground", *CHAIN, "--observe", "spin:1"), "it must be spin"),
    (("ground", *CHAIN, "--observe", "dimers:Sz"), "it must be dimers"),
    (("ground", "--model", "heisenberg", "--sites", "1", "--observe", "dimers"), "the lattice has no bonds"),
    (("ground", *CHAIN, "--observe", "magnetisation:17"), "a power from 1 to 16, or binder", "'17'"),
    (("ground", *CHAIN, "--observe", "magnetisation:binder4"), "a power from 1 to 16, or binder", "'binder4'"),
    (("ground", *CHAIN, "--observe", "imbalance:x"), "it must be imbalance"),
    (("ground", "--model", "heisenberg", "--lattice", "triangular", "--size", "3x3", "--observe", "imbalance"), "no two sublattices"),
    (("ground", *CHAIN, "--observe", "entropy:cuts:3"), "entropy:cuts"),
    (("ground", *CHAIN, "--observe", "distance:Sz"), "two operators are needed, as in distance:Sz,Sz"),
    (("levels", *CHAIN, "--kind", "ratios"), "--kind says what --plot FILE.svg shows"),
    (("levels", *CHAIN, "--kind", "ratios", "--plot", "a.svg", "-k", "2"), "--kind ratios needs four levels"),
    (("levels", *CHAIN, "--kind", "bars", "--plot", "a.svg"), "--kind: unknown value 'bars'"),
    (("spectral", *CHAIN, "-k", "2"), "unknown option '-k'"),
    (("spectral", "--matrix", "a.mtx"), "spectral needs an operator on sites"),
    (("ground", *CHAIN, "-k", "65"), "k must be in [1, 64]", "65"),
    (("ground", *CHAIN, "-k", "many"), "-k", "'many'"),
    (("ground", *CHAIN, "-k"), "-k needs a value"),
    (("ground", *CHAIN, "--tol", "0"), "--tol", "'0'"),
    (("ground", *CHAIN, "--tol", "nan"), "--tol", "'nan'"),
    (("ground", *CHAIN, "--method", "magic"), "--method", "'magic'", "lanczos"),
    (("ground", *CHAIN, "--operator", "magic"), "--operator", "'magic'", "matrix-free"),
    (("ground", *CHAIN, "--threads", "0"), "--threads", "'0'"),
    (("ground", *CHAIN, "--seed", "-1"), "--seed", "'-1'"),
    (("ground", *CHAIN, "--ncv", "0"), "--ncv", "'0'"),
    (("ground", *CHAIN, "--max-iterations", "x"), "--max-iterations", "'x'"),
    (("eigh", *CHAIN, "--which", "XX"), "--which", "'XX'"),
    (("eigh", *CHAIN, "--which", "SA", "--sigma", "1"), "TM or TR", "SA"),
    (("eigh", *CHAIN, "--which", "TR"), "--sigma"),
    (("eigh", *CHAIN, "--sigma", "nan"), "--sigma", "'nan'"),
    (("eigh", *CHAIN, "--interval", "1"), "--interval", "'1'", "-0.5,0.5"),
    (("eigh", *CHAIN, "--interval", "2,1"), "--interval", "ascending", "'2,1'"),
    (("eigh", *CHAIN, "--interval", "0,inf"), "--interval", "finite"),
    (("eigh", *CHAIN, "--interval", "0,1", "-k", "3"), "--interval", "leave out -k"),
    (("eigh", *CHAIN, "--interval", "0,1", "--sigma", "0"), "--interval", "--sigma"),
    (("eigh", *CHAIN, "--interval", "0,1", "--method", "lanczos"), "interval", "lanczos"),
    (("eigh", *CHAIN, "--interval", "0,1", "--method", "slepc", "--operator", "matrix-free"), "filter"),
    (("eigh", *CHAIN, "--method", "filter"), "filter", "sigma"),
    (("eigh", *CHAIN, "--method", "ciss"), "ciss", "interval"),
    (("eigh", *CHAIN, "--position", "1.5"), "1.5", "[0, 1]"),
    (("eigh", *CHAIN, "--position", "0.5", "--sigma", "0"), "--position", "--sigma"),
    (("eigh", *CHAIN, "--factors", "superlu_dist"), "superlu_dist", "target"),
    (("eigh", *CHAIN, "--factors", "pardiso", "--sigma", "0"), "--factors", "pardiso"),
    (("ground", *CHAIN, "--interval", "0,1"), "unknown option '--interval'"),
    (("ground", *CHAIN, "--sector", "sz=9"), "sz=9", "-3"),
    (("ground", *CHAIN, "--sector", "sz"), "sz"),
    (("ground", *CHAIN, "--sector", "colour=1"), "'colour'", "sz"),
    (("ground", *CHAIN, "--sector", "momentum=0"), "momentum"),
    (("ground", *CHAIN, "-p", "bx=1", "--sector", "sz=0"), "sz=0", "Sx_0"),
    (("ground", *CHAIN, "--observe", "colour"), "colour"),
    (("ground", *CHAIN, "--observe", "sz:6"), "6"),
    (("ground", *CHAIN, "--observe", "overlap"), "overlap"),
    (("ground", *CHAIN, "--observe", "amplitude:01"), "amplitude"),
    (("ground", *CHAIN, "--observe", "s2:1"), "it must be s2"),
    (("ground", *CHAIN, "--observe", "sq:Sz"), "two operators"),
    (("ground", *CHAIN, "--observe", "distance:Sz,Q"), "'Q'"),
    (("ground", *CHAIN, "--observe", "staggered:x"), "binder"),
    (("ground", *CHAIN, "--observe", "double-occupancy"), "Nup"),
    (("ground", *CHAIN, "--observe", "entropy:0,9"), "got '9'"),
    (("ground", *CHAIN, "--observe", "mutual:0,1:1"), "both sets"),
    (("ground", *CHAIN, "--observe", "negativity:0"), "negativity:0,1:4-5"),
    (("ground", *CHAIN, "--observe", "op:Sz 0 Qz 1"), "Qz"),
    (("ground", "--model", "heisenberg", "--lattice", "triangular", "--size", "3x3", "--observe", "staggered"), "sublattices"),
    (("ground", *CHAIN, "--observe", "sz", "--energy-only"), "--energy-only"),
    (("plan", *CHAIN, "-k", "65"), "k must be in [1, 64]", "65"),
    (("ground", "--model", "heisenberg", "--sites", "70"), "70 sites", "overflows 64 bits", "choose a sector"),  # dimension above 64 bits
]

TERMS = [
    ("sites = 3\nterms = [[1.0, 'Sz', 0\n", ":2:"),
    ("sites = 3\nterm = [[1.0, 'Sz', 0]]\n", "h.toml:2:1", "unknown key 'term'", "did you mean terms?"),
    ("sites = 3\nterms = [[1.0, 'Sz', 3]]\n", "h.toml:2:22", "[0, 2]", "3"),
    ("sites = 3\nterms = [[1.0, 'Sq', 1]]\n", "h.toml:2:10", "Sq"),
    ("sites = 0\nterms = [[1.0]]\n", "sites"),
    ("sites = 2\nterms = [[nan, 'Sz', 1]]\n", "finite"),
    ("sites = 2\nterms = [[inf, 'Sz', 1]]\n", "finite"),
    ("sites = 2\nterms = [[1.0, 'Sz', 0], [0.5, 'S+', 1]]\n", "not Hermitian", "0.5 S+_1"),
    ("sites = 2\nterms = [[[0, 1], 'Sz', 0]]\n", "not Hermitian", "Sz_0"),
    ("sites = 2\nlocal = 'fermion'\nterms = [[1e15, 'N', 0], [1.0, 'C+', 0, 'C-', 1]]\n", "not Hermitian", "1 C+_0 C-_1"),
    ("sites = 2\nlocal = 'fermion'\nterms = [[9e13, 'N', 0], [1.0, 'C+', 0, 'C-', 1]]\n", "not Hermitian", "1 C+_0 C-_1"),
    ("sites = 1\nterms = [" + "[1e308, 'Sz', 0]," * 4 + "]\n", "1e+308 Sz_0", "more than a double holds"),
    ("sites = 2\nterms = [[1.7e308, 'X', 0], [1.7e308, 'X', 1]]\n", "e+308 X_1", "more than a double holds"),
    ("sites = 1\nterms = [[+-1.0, 'Sz', 0]]\n", ":2:"),
]

BANNER = "%%MatrixMarket matrix coordinate real general\n"
MATRICES = [
    ("", "empty"),
    ("hello\n", ":1:", "Matrix Market"),
    (BANNER + "2 2\n", ":2:"),
    (BANNER + "2 3 1\n1 1 1\n", "square", "2 x 3"),
    (BANNER + "2 2 3\n1 1 1\n", "truncated"),
    (BANNER + "2 2 2\n1 1 1\n2 2 1\n1 2 1\n", "2 entries are announced"),
    (BANNER + "2 2 2\n1 1 1\n2 z 1\n", ":4:", "'z'"),
    (BANNER + "2 2 2\n1 1 1\n2 3 1\n", ":4:", "[1, 2]"),
    (BANNER + "2 2 2\n1 1 1\n2 2 nan\n", ":4:", "finite"),
    (BANNER + "2 2 2\n1 1 1\n2 1 5\n", "not Hermitian", "(1, 0)", "off by 5", "counted from 0"),
    (BANNER + "0 0 0\n", "at least one row"),
    (BANNER + "3 3 3\n1 1 1e12\n2 3 1\n3 2 0.5\n", "not Hermitian", "(2, 1)", "off by 0.5"),
    (BANNER + "3 3 3\n1 1 1e10\n2 3 1\n3 2 0.995\n", "not Hermitian"),
    (BANNER + "2 2 4\n1 1 1e12\n1 2 1\n2 1 0.5\n2 2 1e12\n", "not Hermitian"),
    (BANNER + "1 1 1\n1 1 +-2\n", ":3:", "'+-2'"),
    (BANNER.replace("real", "integer") + "1 1 1\n1 1 2.5\n", ":3:", "whole number", "'2.5'"),
    (BANNER + "2 2 2\n1 1 1\n2 2\n", ":2:", "truncated"),
]

# ---- values that no option takes -----------------------------------------------------------------

NO_NUMBERS = ["x", "1x", "1 2", "--", "+-1", "0x10", "1e", "1,5", "\u22121", "nan", "1e999", "2**3", "\x1b[31m1"]
NO_WHOLE_NUMBERS = [*NO_NUMBERS, "1.5", "1e3", "9" * 30, "2147483648x", "-1"]
NUMBERS = ["--tol", "--sigma", "--position"]
WHOLE_NUMBERS = ["--sites", "-k", "--max-iterations", "--ncv", "--seed", "--threads", "--ranks"]


def of_options():
    for option in NUMBERS:
        for value in NO_NUMBERS:
            yield ("eigh", *CHAIN, f"{option}={value}"), option
    for option in WHOLE_NUMBERS:
        for value in NO_WHOLE_NUMBERS:
            given = ("-k", value) if option == "-k" else (f"{option}={value}",)
            sites = () if option == "--sites" else ("--sites", "4")
            yield ("eigh", "--model", "heisenberg", *sites, *given), option
    for option, command in (("--time", "evolve"), ("--steps", "evolve")):
        for value in NO_NUMBERS:
            other = ("--time", "1") if option == "--steps" else ()
            yield (command, *CHAIN, "--state", "neel", *other, f"{option}={value}"), option
    for option in ("--which", "--method", "--operator", "--factors", "--preconditioner", "--model", "--lattice", "--spin", "--size"):
        for value in ("", "nothing", "\x1b]0;title\x07", "a" * 100000):
            chain = ("--sites", "4") if option == "--model" else CHAIN
            yield ("eigh", *(word for word in chain if option != "--size" or word not in ("--sites", "6")), f"{option}={value}"), (
                option if value == "" else "")
    for option in ("--save", "--observe", "--terms", "--matrix", "--sector", "-p", "--start"):
        yield ("ground", *CHAIN, option, ""), option


def of_models():
    for value in [v for v in NO_NUMBERS if v != "--"] + ["1/0", "0/0", "1/", "/2", "1//2", "1/2/3", "inf", "-inf"]:
        yield ("ground", *CHAIN, "-p", f"j={value}"), "parameter j"
    for model, parameter in (("mbl", "dh"), ("ising", "bx"), ("hubbard", "U"), ("j1j2", "j2"), ("long-range", "alpha"),
                             ("bose-hubbard", "nmax"), ("mbl", "seed"), ("mbl", "dist"), ("mbl", "axes"), ("mbl", "h")):
        for value in ("q", "nan", "1e999"):
            yield ("ground", "--model", model, "--sites", "4", "-p", f"{parameter}={value}"), parameter
    ring = ("ground", "--model", "xxz", "--sites", "4", "--cyclic")
    for value in ("x", "nan", "1e999", "0.1,", "0.1,0.2", "0.1;0.2"):
        yield (*ring, f"--twist={value}"), "twist"
    yield (*ring, "--twist", "0.1", "-p", "twist=0.2"), "given twice"
    yield (*ring, "--twist", "0.1", "-p", "hx=0.1"), "turns spins about z"
    yield (*ring, "-p", "hz=1,2,3"), "divides them"
    yield (*ring, "-p", "hz=staggered:x"), "parameter hz"
    yield (*ring, "-p", "D=1"), "spins of 1 and more"
    yield ("ground", "--model", "xxz", "--sites", "4", "--twist", "0.1"), "close it"
    yield ("ground", "--model", "ising", "--sites", "4", "--cyclic", "--twist", "0.1"), "unknown parameter 'twist'"
    yield ("ground", "--model", "heisenberg", "--sites", "5", "--cyclic", "-p", "hz=staggered:1"), "no two sublattices"
    yield ("ground", "--model", "kondo", "--sites", "5"), "multiple of 2"
    yield ("ground", "--model", "kitaev", "--sites", "8"), "needs a size"
    yield ("ground", "--model", "dicke", "--sites", "1"), "2 or more"
    yield ("ground", "--model", "rydberg", "--sites", "4", "-p", "radius=-1"), "parameter radius"
    yield ("ground", "--model", "heisenberg", "--lattice", "star", "--sites", "4", "--cyclic"), "no direction"
    for spin in ("1/3", "-1/2", "0", "0.3", "200", "x", "1/0", "nan", "1e9"):
        yield ("ground", "--model", "heisenberg", "--sites", "3", f"--spin={spin}"), "spin"
    for vectors in ("3,1", "3,1;", "3,1;-1", "3,1;-1,x", "3,1;-1,3;0,1", "1,1;2,2", "0,0;1,1", "3,1;-1,3.0", "99999,0;0,1"):
        yield ("ground", "--model", "heisenberg", f"--cluster={vectors}"), "cluster"
    yield ("ground", "--model", "heisenberg", "--cluster", "3,1;-1,3", "--size", "2x5"), "leave out size"
    yield ("ground", "--model", "heisenberg", "--cluster", "3,1;-1,3", "--sector", "momentum-x=1"), "momentum=m1,m2"
    yield ("ground", "--model", "heisenberg", "--cluster", "3,1;-1,3", "--sector", "reflection-x=1"), "no such reflection"
    yield ("ground", "--model", "haldane-shastry", "--cluster", "3,1;-1,3"), "cut from a square"
    for size in ("0x4", "4x-1", "x", "4x", "x4", "4x4x4", "4*4", "1e1x2", "9999999999x2", "4 x 4"):
        yield ("ground", "--model", "heisenberg2d", f"--size={size}"), "--size"


def of_sectors():
    values = ["sz=", "sz=x", "sz=1/3", "sz=0.5", "sz=1e0", "sz=99999999999", "=1", "sz", "n=1", "nup=1", "parity=2", "parity=-1",
              "momentum=x", "momentum=1,2,3", "momentum=1", "reflection=2", "reflection=0", "spinflip=0", "spinflip=x",
              "permutation=", "permutation=0", "permutation=0,1,2,3,4,6", "permutation=0,0,1,2,3,4", "permutation=1,0,2,3,4,5:1/3",
              "permutation=1,0,2,3,4,5:1/0", "permutation=1,0,2,3,4,5:x", "rotation=x", "reflection-d=1", "sz=0,spinflip=1",
              "\x1b[2J=1", "sz=" + "9" * 5000, "blockade=1", "blockad", "max-run", "max-run=0", "max-run=6", "max-run=x", "forbid",
              "forbid=", "forbid=2", "forbid=1x", "forbid=-1", "forbid=11@", "forbid=11@0", "forbid=11@0,6", "forbid=11@0,0",
              "sz=0,9", "sz=0,0", "sz=0,x", "sz=,", "n=1,2", "parity=0,1", "forbid=12@0,1", "forbid=11;", "forbid=1,,1", "forbid=" + "1" * 5000]
    for value in values:
        yield ("ground", *CHAIN, "--sector", value), ""
    yield ("ground", *CHAIN, "--sector", "blockade", "--sector", "spinflip=1"), "does not go together"
    yield ("ground", *CHAIN, "--sector", "blockade", "--sector", "sz=2"), "sz can be"
    yield ("ground", *CHAIN, "--sector", "forbid=0", "--sector", "forbid=1"), "no states"
    yield ("ground", *CHAIN, "--sector", "forbid=01@0,1", "--sector", "reflection=1"), "does not go together"
    yield ("ground", "--model", "hubbard", "--sites", "4", "--sector", "blockade"), "forbid=DIGITS"
    yield ("ground", *CHAIN, "--sector", "sz=0,1", "--sector", "spinflip=1"), "does not go together with sz=0,1"
    yield ("ground", "--model", "rydberg", "--sites", "6", "--sector", "n=1,2"), "leads from n="
    yield ("ground", *CHAIN, "--sector", "sz=0,1", "--sector", "sz=0"), "given twice"
    yield ("ground", "--model", "kagome", "--size", "2x2", "--sector", "max-run=2"), "no straight lines"
    yield ("spectral", *CHAIN, "--sector", "blockade"), "charges and momenta only"
    yield ("evolve", *CHAIN, "--sector", "blockade", "--time", "1", "--state", "up"), "not in"
    yield ("ground", *CHAIN, "--sector", "sz=0", "--sector", "sz=1"), "twice"
    yield ("ground", *CHAIN, "--sector", "sz=1", "--sector", "spinflip=1"), "flip"
    yield ("ground", *CHAIN, "--sector", "spinflip=1", "--sector", "spinflip=-1"), "twice"


def of_states():
    for state in ("", "x", "012345", "01010", "0101010", "0,1", "neel:1", "bell:", "bell:chi", "2", "+", "NEEL", "\x1b[1m", "u" * 5000,
                  "none.h5", "none.h5:1", "-1,0,1,0,1,0"):
        yield ("evolve", *CHAIN, "--time", "1", f"--state={state}"), ""
    for what in ("", ":", "sz:", "sz:-1", "sz:6", "sz:x", "sz:1:2", "corr", "corr:Sz", "corr:Sz,Sq", "corr:Sz,Sz:0", "corr:Sz,Sz:0,6",
                 "entropy", "entropy:", "entropy:7", "entropy:-1", "entropy:x", "renyi:0:3", "renyi:-1:3", "renyi:x:3", "renyi:2", "schmidt",
                 "local:Q", "amplitude", "amplitude:0", "amplitude:222222", "op:", "energy:1", "norm:2", "\x1b[5m", "n", "local:" + "x" * 5000):
        yield ("ground", *CHAIN, f"--observe={what}"), ""


SITES = "sites = 2\n"
MORE_TERMS = [
    ("", "sites"), ("sites = 2", "terms"), (SITES + "terms = 3", "h.toml:2"), (SITES + "terms = []", "h.toml:2"),
    (SITES + "terms = [[]]", "h.toml:2"), (SITES + "terms = [1]", "h.toml:2"), (SITES + "terms = [['Sz', 0]]", "h.toml:2"),
    (SITES + "terms = [[1, 'Sz']]", "h.toml:2"), (SITES + "terms = [[1, 0, 'Sz']]", "h.toml:2"), (SITES + "terms = [[1, 'Sz', '0']]", "h.toml:2"),
    (SITES + "terms = [[1, 'Sz', 0.0]]", "h.toml:2"), (SITES + "terms = [[1, 'Sz', -1]]", "h.toml:2"), (SITES + "terms = [[[1], 'Sz', 0]]", "h.toml:2"),
    (SITES + "terms = [[[1, 2, 3], 'Sz', 0]]", "h.toml:2"), (SITES + "terms = [['x', 'Sz', 0]]", "h.toml:2", "no field 'x'"), (SITES + "terms = [[1, '', 0]]", "h.toml:2"),
    (SITES + "terms = [[true, 'Sz', 0]]", "h.toml:2"), (SITES + "terms = [[1, 'Sz', 99999999999999999999]]", "h.toml:2"),
    (SITES + "terms = [[1, 'P2', 0]]", "h.toml:2"), (SITES + "terms = [[1, 'B+', 0]]", "h.toml:2"), (SITES + "terms = [[1e999, 'Sz', 0]]", "h.toml:2"),
    ("sites = 'two'\nterms = [[1]]", "h.toml:1"), ("sites = -1\nterms = [[1]]", "h.toml:1"), ("sites = 1.5\nterms = [[1]]", "h.toml:1"),
    ("sites = 2147483648\nterms = [[1]]", "h.toml:1"), ("sites = 5000\nterms = [[1]]", "4096"), ("sites = 2\nsites = 3", "h.toml:2"),
    (SITES + "local = 3\nterms = [[1]]", "h.toml:2"), (SITES + "local = 'spin'\nterms = [[1]]", "h.toml:2"), (SITES + "local = ['spin-1']\nterms = [[1]]", "h.toml:2"),
    (SITES + "local = ['spin-1', 3]\nterms = [[1]]", "h.toml:2"), (SITES + "local = 'boson:1'\nterms = [[1]]", "h.toml:2"),
    (SITES + "local = 'boson:256'\nterms = [[1]]", "h.toml:2"), (SITES + "local = 'dim:0'\nterms = [[1]]", "h.toml:2"),
    (SITES + "local = 'spin-2/2'\nterms = [[1]]", "h.toml:2"), (SITES + "local = 'spin--1'\nterms = [[1]]", "h.toml:2"),
    (SITES + "terms = [[1, 'A', 0]]\ndefine.A = 3", "h.toml:3"), (SITES + "terms = [[1, 'A', 0]]\ndefine.A = [[1]]", "h.toml:2"),
    (SITES + "terms = [[1, 'A', 0]]\ndefine.A = [[1, 2], [3]]", "h.toml:3"), (SITES + "terms = [[1, 'A', 0]]\ndefine.A = []", "h.toml:3"),
    (SITES + "terms = [[1, 'A', 0]]\ndefine.A = [[1, nan], [3, 4]]", "h.toml:3"), (SITES + "terms = [[1, 'A', 0]]\ndefine.A = [[0, 1], [2, 0]]", "Hermitian"),
    (SITES + "terms = [[1]]\ndefine = 3", "h.toml:3"), (SITES + "terms = [[1]]\ndefine.Sz = [[1, 0], [0, 1]]", "Sz"),
    (SITES + "terms = [[1]]\n\x01", "h.toml:3"), (SITES + "terms = [[\u010f]]", "h.toml:2", "ASCII"), (SITES + "terms = [[1]]\ncolour = 'red'", "h.toml:3", "colour"),
    (SITES + 'terms = [[1, "\\u001b[31m", 0]]', "h.toml:2", "\\x1b"), (SITES + "terms = [[1, '" + "x" * 5000000 + "', 0]]", "h.toml:2", "characters"),
    ("local = " + "[" * 100000, "h.toml:1"), (SITES + "terms = [[1, 'Sz', 0]", "h.toml"), ("\x00", "h.toml"),
    ("sites = 30\nterms = [[1, 'Sz', 0]]", "available"),
    ("lattice = 'chain'\nsize = 4\n[[bond]]\n", "h.toml:3", "needs couplings"), ("lattice = 'chian'\nsize = 4\n[[bond]]\nj = 1\n", "h.toml:1", "did you mean chain?"),
    ("lattice = 'chain'\n[[bond]]\nj = 1\n", "sites"), ("lattice = 'chain'\nsize = 0\n[[bond]]\nj = 1\n", "h.toml:2", "whole number"),
    ("lattice = 'chain'\nsize = 4\n[[bond]]\nj = 'K/2'\n", "h.toml:4", "no field 'K'"), ("lattice = 'chain'\nsize = 4\n[[bond]]\nj = '1/0'\n", "h.toml:4", "finite"),
    ("lattice = 'chain'\nsize = 4\n[[bond]]\nj = 'random'\n", "h.toml:3", "distribution"), ("lattice = 'chain'\nsize = 4\n[[bond]]\nxy = [0, 1]\n", "Hermitian"),
    ("lattice = 'chain'\nsize = 4\n[[site]]\nz = 'value'\nvalues = [1]\n", "h.toml:5", "4 numbers"), 
    ("lattice = 'square'\ncluster = [[1, 1], [2, 2]]\n[[bond]]\nj = 1\n", "h.toml:2", "parallel"), ("[parameters]\na = 'a'\nb = 1\n", "h.toml:2", "its own value"),
]
MORE_MATRICES = [
    (BANNER, "a.mtx:1", "ends before"), (BANNER + "% nothing\n", "a.mtx:2"), (BANNER + "x 2 1\n", "a.mtx:2"), (BANNER + "2 2 1 1\n", "a.mtx:2"),
    (BANNER + "-2 2 1\n", "a.mtx:2"), (BANNER + "2.5 2 1\n", "a.mtx:2"), (BANNER + "2 2 -1\n", "a.mtx:2"), (BANNER + "99999999999999999999 2 1\n", "a.mtx:2"),
    (BANNER + "2 2 9223372036854775807\n1 1 1\n", "truncated"), (BANNER + "1 1 1\n1 1 1e999\n", "a.mtx:3", "'1e999'"),
    (BANNER + "1 1 1\n1 1 1,5\n", "a.mtx:3"), (BANNER + "1 1 1\n1 1 0x1\n", "a.mtx:3"), (BANNER + "1 1 1\n0 1 1\n", "a.mtx:3", "[1, 1]"),
    (BANNER + "1 1 1\n-1 1 1\n", "a.mtx:3"), (BANNER + "1 1 1\n1 1 1 1\n", "a.mtx:3", "nothing may follow"), (BANNER + "1 1 1\n1 1 \x1b[31m\n", "a.mtx:3", "\\x1b"),
    (BANNER + "1 1 1\n1 1 " + "9" * 5000 + "x\n", "a.mtx:3", "characters"), (BANNER + "1 1 1\n1 1 --1\n", "a.mtx:3"),
    (BANNER + "1 1 1\n1 1 1\n1 1 1\n", "1 entries are announced"), (BANNER + "2 2 1\n1 1.0 1\n", "a.mtx:3"), (BANNER + "x" * 2000000, "line of more"),
    ("%%MatrixMarket matrix array real general\n1 1\n1\n", "array"), ("%%MatrixMarket vector coordinate real general\n1 1\n", "Matrix Market"),
    ("%%MatrixMarket matrix coordinate quaternion general\n1 1 0\n", "quaternion"), ("%%MatrixMarket matrix coordinate real diagonal\n1 1 0\n", "diagonal"),
    ("%%MatrixMarket matrix coordinate real symmetric\n2 3 0\n", "square"), ("%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n1 2 1\n", "a.mtx:3", "above the diagonal"),
    ("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n1 1 1\n", "a.mtx:3", "skew"), ("%%MatrixMarket matrix coordinate real skew-symmetric\n2 2 1\n2 1 1\n", "Hermitian"),
    ("%%MatrixMarket matrix coordinate complex hermitian\n1 1 1\n1 1 1 1\n", "a.mtx:3", "real"), ("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 1\n", "a.mtx:3", "missing"),
    ("%%MatrixMarket matrix coordinate complex general\n1 1 1\n1 1 0 1\n", "Hermitian"), ("%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 2 1\n", "a.mtx:3"),
    ("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1e2\n", "a.mtx:3", "whole"), ("%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 99999999999999999999\n", "a.mtx:3", "whole"),
    (BANNER + "2 2 2\n1 2 1\n2 1 2\n", "Hermitian"), ("\x89PNG\r\n\x1a\n", "Matrix Market"), (BANNER + "500000000 500000000 1\n1 1 1\n", "empty"),
]


@dataclasses.dataclass
class Row:
    """A command line, the file it is about (`{file}`), and how it ends."""

    arguments: tuple
    words: tuple
    status: int = 2
    name: str = ""
    text: str = ""


def rows():
    for arguments, *words in CASES:
        yield Row(arguments, tuple(words))
    for arguments, word in (*of_options(), *of_models(), *of_sectors(), *of_states()):
        yield Row(arguments, (word,), 5 if any(".h5" in str(word) and "none" in str(word) for word in arguments) else 2)
    for text, *words in (*TERMS, *MORE_TERMS):
        yield Row(("ground", "--terms", "{file}"), tuple(words), 2, "h.toml", text)
    for text, *words in (*MATRICES, *MORE_MATRICES):
        yield Row(("ground", "--matrix", "{file}"), tuple(words), 2, "a.mtx", text)
    for line in ("0 +-1", "0 2147483647", "0 1 x", "0 1 nan", "0 1 0.5 1", "0 1 -1 1", "0 1 0 1 1", "0 1.5", "-1 0", "0", "0 0", "x y", "0 99999999999", "\x1b 1"):
        yield Row(("ground", "--model", "heisenberg", "--lattice", "edges:{file}"), (":2:",), 2, "e.txt", f"0 1\n{line}\n")
    yield Row(("ground", "--terms", "{file}"), ("none.txt", "No such file"), 5, "h.toml", "edges = 'none.txt'\n[[bond]]\nj = 1\n")
    yield Row(("ground", "--terms", "{file}", "-p", "K=1"), ("unknown parameter 'K'",), 2, "h.toml", "sites = 2\nterms = [['J', 'Sz', 0]]\n[parameters]\nJ = 1\n")
    yield Row(("ground", "--terms", "{file}", "-p", "J=nan"), ("J", "nan"), 2, "h.toml", "sites = 2\nterms = [['J', 'Sz', 0]]\n[parameters]\nJ = 1\n")
    for rules in ("'blockade'", "[]", "[1]", "['sz=0']", "['forbid=9']", "['max-run=0']"):
        yield Row(("ground", "--terms", "{file}"), ("h.toml:3:", "rule" if "9" not in rules and "max" not in rules else ""), 2, "h.toml",
                  f"sites = 4\nterms = [[1, 'Sz', 0]]\nrules = {rules}\n")
    ring = "".join(f"[5e13, 'Sz', {i}, 'Sz', {(i + 1) % 4}]," for i in range(4))
    yield Row(("ground", "--terms", "{file}", "--sector", "permutation=1,2,3,0"), ("permutation", "1 Sx_0"), 2, "r.toml",
              f"sites = 4\nterms = [{ring} [1.0, 'Sx', 0]]\n")
    for option in ("--terms", "--matrix"):
        yield Row(("ground", option, "/none/none"), ("none", "No such file"), 5)
        yield Row(("ground", option, "/"), ("directory",), 5)
        yield Row(("ground", option, "a" * 5000), ("name too long",), 5)
        yield Row(("ground", option, "/dev/null/x"), ("/dev/null/x",), 5)
    yield Row(("ground", *CHAIN, "--save", "a" * 300 + ".h5"), ("name too long",), 5)
    yield Row(("ground", *CHAIN, "--save", "/none/x.h5"), ("/none",), 5)
    yield Row(("ground", *CHAIN, "--save", "x.txt"), ("--save", "FILE.h5"))
    for option in ("--checkpoint", "--resume"):
        yield Row(("ground", *CHAIN, option, "{file}"), ("c.h5", "not an HDF5 file", "nothing was touched"), 2, "c.h5", "text")
    yield Row(("ground", *CHAIN, "--checkpoint", "/none/c"), ("/none",), 5)
    yield Row(("levels", *CHAIN, "--checkpoint", "no/folder/c"), ("no/folder",), 5)
    yield Row(("batch", "{file}"), ("s.toml:1:1", "did you mean command?"), 2, "s.toml", "comand = 'ground'\n")
    yield Row(("batch", "{file}"), ("has no place in a sweep",), 2, "s.toml", "command = 'ground'\nmodel = 'xy'\nsites = 4\ncheckpoint = 'c'\n")
    yield Row(("batch", "ground --model heisenberg --sites 4", "-o", "{file}"), ("was not written by kronsolve batch", "-o"), 2, "precious.txt", "mine\n")
    yield Row(("batch", "/none/x.toml"), ("/none/x.toml",), 5)
    yield Row(("report", "/none", "-o", "/tmp/never.html"), ("/none",), 5)
    yield Row(("ground", *CHAIN, "--checkpoint", "/"), ("'/'",), 5)
    for words in (("--interval=-1,1", "--method", "ciss"), ("--which", "LM"), ("-k", "all")):
        yield Row(("eigh", *CHAIN, *words, "--checkpoint", "/tmp/never.h5"), ("a checkpoint needs",), 4)
    yield Row(("svds", *CHAIN, "--method", "dense", "--checkpoint", "/tmp/never.h5"), ("a checkpoint needs method restarted, bidiagonal or cross",), 4)
    yield Row(("measure", "/none/x.h5", "--observe", "sz"), ("/none/x.h5",), 5)
    yield Row(("ground", "--model", "heisenberg", "--sites", "48"), ("PiB", "available"))


class BadInput(program.ProgramTest):
    def prepared(self):
        """The rows with their files written, and what the files are called."""
        for number, row in enumerate(rows()):
            if row.name:
                (self.folder / str(number)).mkdir()
            path = str(self.file(f"{number}/{row.name}", row.text)) if row.name else ""
            yield row, [str(word).replace("{file}", path) for word in row.arguments]

    def test_the_table(self):
        table = list(self.prepared())
        self.assertGreaterEqual(len(table), 500)
        table = table[::1 if ALL or not RANKS else 3]
        given, results = self.file("rows.json", json.dumps([words for _, words in table])), self.folder / "results.json"
        start = [program.MPIEXEC, "-n", str(RANKS)] if RANKS else []
        subprocess.run([*start, REFUSALS, given, results], check=True, timeout=300, cwd=self.folder)
        for (row, words), result in zip(table, json.loads(results.read_text(encoding="utf-8"))):
            with self.subTest(arguments=[word[:200] for word in words], text=row.text[:200]):
                self.assertEqual(result["others"], "")
                self.assert_refused(program.Done(result["status"], result["out"], result["err"], 0, 0), row.status, *row.words)
                self.assertLess(len(result["err"]), 2300)
                self.assertTrue(result["err"][:-1].isprintable(), result["err"])

    def test_every_observable_and_option_of_spectra_has_a_row(self):
        table = [row.arguments for row in rows()]
        asked = [word.removeprefix("--observe=") for words in table for before, word in zip(("", *words), words, strict=False)
                 if before == "--observe" or word.startswith("--observe=")]
        for observable in program.run("observables", "--json").json()["observables"]:
            self.assertTrue(any(word.split(":")[0] == observable["name"] for word in asked), observable["name"])

        def options(command):
            return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z]", program.run(command, "--help").out))

        shared = options("ground") - {"--all-sectors"}
        for command in ("spectral", "thermal", "levels"):
            given = {word for words in table if words[:1] in ((command,), ("ground",)) for word in words}
            self.assertEqual(options(command) - shared - given, set(), command)

    def test_the_program_itself(self):
        step = 1 if ALL else 90 if RANKS else 10
        for row, words in list(self.prepared())[::step]:
            with self.subTest(arguments=[word[:200] for word in words], text=row.text[:200]):
                self.assert_refused(program.run(*words, ranks=RANKS), row.status, *row.words)

    def refuse(self, *arguments, words, env):
        with self.subTest(arguments=arguments, env=env):
            self.assert_refused(program.run(*arguments, ranks=RANKS, env=env), 2, *words)

    def test_environment(self):
        self.refuse("ground", "--model", "heisenberg", "--sites", "24", words=["eigh needs ", "iB", "available"],
                    env={"KRONSOLVE_MEMORY_LIMIT": "200M"})
        self.refuse("ground", *CHAIN, words=["KRONSOLVE_NUM_THREADS", "'many'"], env={"KRONSOLVE_NUM_THREADS": "many"})
        self.refuse("ground", *CHAIN, words=["KRONSOLVE_MEMORY_LIMIT", "'much'"], env={"KRONSOLVE_MEMORY_LIMIT": "much"})
        self.refuse("ground", *CHAIN, words=["KRONSOLVE_SIMD", "sse9"], env={"KRONSOLVE_SIMD": "sse9"})


if __name__ == "__main__":
    program.main()
