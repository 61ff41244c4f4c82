"""Every bad input is answered by one clear line and exit code 2, on every number of ranks.

usage: bad_input.py [RANKS]   (0, the default, is a plain process)
"""

import sys

import program

RANKS = int(sys.argv.pop(1)) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 0

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
    # What others call it.
    (("ground", "--model", "heisenberg", "-n", "24"), "unknown option '-n'", "did you mean --sites N?"),
    (("ground", "--model", "heisenberg", "-n24"), "did you mean --sites N?"),
    (("ground", "--model", "heisenberg", "--length=24"), "unknown option '--length'", "did you mean --sites N?"),
    (("ground", *CHAIN, "--periodic"), "did you mean --cyclic?"),
    (("ground", *CHAIN, "--sz", "0"), "unknown option '--sz'", "did you mean --sector sz=VALUE?"),
    (("ground", *CHAIN, "--nev", "3"), "did you mean -k K?"),
    (("ground", *CHAIN, "-J", "2"), "unknown option '-J'", "did you mean -p j=VALUE?"),
    (("ground", "heisenberg", "--sites", "6"), "unexpected argument 'heisenberg'", "did you mean --model heisenberg?"),
    (("ground", "h.mtx"), "did you mean --matrix h.mtx?"),
    (("ground", *CHAIN, "--cyclic", "x"), "did you mean --cyclic=x?"),
    (("evolve", *CHAIN, "--dt", "0.1"), "did you mean --steps N"),
    (("ground", *CHAIN, "-o", "x"), "did you mean --save FILE.h5?"),
    (("eigh", "h.toml"), "did you mean --terms h.toml?"),
    (("help",), "no command 'help'", "kronsolve --help"),
    (("ground",), "--model", "--terms", "--matrix"),
    (("ground", *CHAIN, "--terms", "h.toml"), "exclude each other"),
    (("ground", "--terms", "h.toml", "--sites", "4"), "--sites belongs to --model"),
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
    (("ground", "--model", "heisenberg", "--sites", "70"), "70"),  # dimension above 64 bits
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


class BadInput(program.ProgramTest):
    def refuse(self, *arguments, words, env=None, status=2):
        with self.subTest(arguments=arguments):
            done = program.run(*arguments, ranks=RANKS, env=env)
            self.assert_refused(done, status, *words)

    def test_command_line(self):
        for arguments, *words in CASES:
            self.refuse(*arguments, words=words)

    def test_operator_files(self):
        for text, *words in TERMS:
            self.refuse("ground", "--terms", self.file("h.toml", text), words=words)

    def test_matrix_files(self):
        for text, *words in MATRICES:
            self.refuse("ground", "--matrix", self.file("a.mtx", text), words=words)

    def test_edge_files(self):
        for line in ("0 +-1", "0 2147483647", "0 1 2", "0 1.5", "-1 0"):
            edges = self.file("e.txt", f"0 1\n{line}\n")
            self.refuse("ground", "--model", "heisenberg", "--lattice", f"edges:{edges}", words=[":2:", line])

    def test_sectors_of_operator_files(self):
        ring = "".join(f"[5e13, 'Sz', {i}, 'Sz', {(i + 1) % 4}]," for i in range(4))
        terms = self.file("r.toml", f"sites = 4\nterms = [{ring} [1.0, 'Sx', 0]]\n")
        self.refuse("ground", "--terms", terms, "--sector", "permutation=1,2,3,0", words=["permutation", "1 Sx_0"])

    def test_files_that_cannot_be_read(self):
        for option in ("--terms", "--matrix"):
            self.refuse("ground", option, self.folder / "none", words=["none", "No such file"], status=5)
            self.refuse("ground", option, self.folder, words=["directory"], status=5)

    def test_what_cannot_fit_is_refused_with_numbers(self):
        self.refuse("ground", "--model", "heisenberg", "--sites", "48", words=["PiB", "available"])
        self.refuse("ground", "--model", "heisenberg", "--sites", "24", words=["eigh needs ", "iB", "available"],
                    env={"KRONSOLVE_MEMORY_LIMIT": "200M"})

    def test_environment(self):
        self.refuse("ground", *CHAIN, words=["KRONSOLVE_NUM_THREADS", "'many'"], env={"KRONSOLVE_NUM_THREADS": "many"})
        self.refuse("ground", *CHAIN, words=["KRONSOLVE_MEMORY_LIMIT", "'much'"], env={"KRONSOLVE_MEMORY_LIMIT": "much"})


if __name__ == "__main__":
    program.main()
