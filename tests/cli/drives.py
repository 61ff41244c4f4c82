"""evolve under operators that depend on time: [[drive]] of operator files."""

import json
import math
import os
import random
import sys

import numpy as np
import program
import scipy.integrate
from spins import SX, SY, SZ, on_site

QUICK = "all" not in sys.argv

LANDAU_ZENER = """
sites = 1
[parameters]
v = 1.5
delta = 0.7
length = 80
[[drive]]
function = "v*(t - length/2)"
terms = [[1, "Sz", 0]]
[[drive]]
function = "delta"
terms = [[1, "Sx", 0]]
"""

CHAIN = """
lattice = "chain"
size = 8
cyclic = true
[parameters]
w = 3
[[bond]]
j = 1
[[drive]]
function = "0.4*sin(w*t)^2"
[[drive.bond]]
neighbours = 2
j = 1
[[drive]]
table = [[0, 0], [0.5, 0.3], [0.75, 0], [4, -0.2]]
[[drive.site]]
z = "sublattice"
"""


def integrated(operator, psi, times):
    """i d/dt psi = H(t) psi, by SciPy."""
    done = scipy.integrate.solve_ivp(lambda t, y: -1j * (operator(t) @ y), (times[0], times[-1]), psi.astype(complex), t_eval=times,
                                     method="DOP853", rtol=1e-11, atol=1e-12)
    return done.y.T


class Drives(program.ProgramTest):
    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("KRONSOLVE_FUZZ_SEED", random.randrange(1 << 32)))
        print(f"KRONSOLVE_FUZZ_SEED={seed}", file=sys.stderr)
        self.random = random.Random(seed)

    def evolve(self, path, *arguments, ranks=0) -> dict:
        return self.solve("evolve", "--terms", path, *arguments, ranks=ranks)

    def test_landau_and_zener(self):
        path = self.file("lz.toml", LANDAU_ZENER)
        for v, delta in ((1.5, 0.7), (4, 1), (2, 0.2)):
            found = self.evolve(path, "-p", f"v={v}", "-p", f"delta={delta}", "--state", "u", "--time", 80, "--observe", "sz")
            times = [0, 80]
            psi = integrated(lambda t: v * (t - 40) * SZ + delta * SX, np.array([1, 0]), times)[-1]
            self.assertAlmostEqual(found["observables"]["sz"][-1][0], np.vdot(psi, SZ @ psi).real, delta=1e-8)
            stays = 0.5 + found["observables"]["sz"][-1][0]
            # The formula is that of an endless sweep.
            self.assertAlmostEqual(stays, math.exp(-math.pi * delta**2 / (2 * v)), delta=2 * delta / (v * 40))
            self.assertTrue(found["converged"])

    def pulse(self, least: float, shapes=("gauss", "square", "table", "sech", "smooth")) -> tuple[str, float]:
        """A drive of one of these shapes, whole within [0, 1000], at least so wide, and its area."""
        width = 10 ** self.random.uniform(math.log10(least), 0.5)
        at, area = self.random.uniform(150, 850), self.random.uniform(0.5, 6)
        shape = self.random.choice(shapes)
        if shape == "gauss":
            return f'function = "{area / (width * math.sqrt(2 * math.pi))!r}*exp(-((t - {at!r})/{width!r})^2/2)"', area
        if shape == "square":
            end = at + width
            return f'function = "{area / (end - at)!r}*(t >= {at!r} and t < {end!r})"', area
        if shape == "table":
            a, b = at - width, at + width
            return f"table = [[0, 0], [{a!r}, 0], [{at!r}, {2 * area / (b - a)!r}], [{b!r}, 0], [1000, 0]]", area
        if shape == "sech":
            x = f"(t - {at!r})/{width!r}"
            return f'function = "{2 * area / (math.pi * width)!r}/(exp({x}) + exp(-({x})))"', area
        # sin^2 between two zeros, and nothing elsewhere
        x = f"(t - {at!r})/{width!r}"
        return f'function = "{2 * area / width!r}*sin(3.141592653589793*max(0, min(1, {x})))^2"', area

    def test_no_pulse_is_passed_over(self):
        sites = 3
        # Of a pulse 10^-6 wide about the time 1000 rounding leaves six digits, which is said; rectangles come through.
        rounds = ((0.1, 1e-7, (0,), ()), (1e-6, 2e-5, (0, 3), ("square",)))
        for least, within, statuses, shapes in rounds * (2 if QUICK else 9):
            pulses = [self.pulse(least, shapes) if shapes else self.pulse(least) for _ in range(sites)]
            path = self.file("pulses.toml", f"sites = {sites}\n" + "".join(
                f'[[drive]]\n{text}\nterms = [[1, "Sx", {i}]]\n' for i, (text, _) in enumerate(pulses)))

            done = program.run("evolve", "--terms", path, "--state", "u" * sites, "--time", 1000, "--tol", 1e-8, "--observe", "sz", "--json")

            self.assertIn(done.status, statuses, [text for text, _ in pulses])
            for (text, area), sz in zip(pulses, done.json()["observables"]["sz"][-1]):
                self.assertAlmostEqual(sz, math.cos(area) / 2, delta=within, msg=text)

    def test_a_chain_against_scipy(self):
        path = self.file("chain.toml", CHAIN)
        sites = 8

        def bond(i, j):
            return sum(on_site(s, i, sites) @ on_site(s, j, sites) for s in (SX, SY, SZ))

        fixed = sum(bond(i, (i + 1) % sites) for i in range(sites))
        second = sum(bond(i, (i + 2) % sites) for i in range(sites))
        staggered = sum((-1) ** i * on_site(SZ, i, sites) for i in range(sites))

        def operator(t):
            return fixed + 0.4 * math.sin(3 * t) ** 2 * second + np.interp(t, [0, 0.5, 0.75, 4], [0, 0.3, 0, -0.2]) * staggered

        times = [0, 0.6, 1.5, 4]
        neel = np.zeros(2**sites)
        neel[int("01" * (sites // 2), 2)] = 1
        states = integrated(operator, neel, times)
        expected = [[np.vdot(psi, on_site(SZ, i, sites) @ psi).real for i in range(sites)] for psi in states]
        energies = [np.vdot(psi, operator(t) @ psi).real for t, psi in zip(times, states)]
        common = ("--state", "neel", "--times", "0,0.6,1.5,4", "--observe", "sz", "--tol", 1e-9)
        for more, ranks in (((), 0), (("--sector", "sz=0"), 0), (("--sector", "sz=0"), 3), (("--method", "magnus"), 0),
                            (("--operator", "assembled"), 2)):
            found = self.evolve(path, *common, *more, ranks=ranks)
            np.testing.assert_allclose(found["observables"]["sz"], expected, atol=1e-7)
            np.testing.assert_allclose(found["energies"], energies, atol=1e-7)
        found = self.evolve(path, "--sector", "sz=0", "--state", "ground", "--time", 1)
        self.assertAlmostEqual(found["energies"][0], np.linalg.eigvalsh(operator(0)).min(), delta=1e-9)

    def test_each_of_many_drives_counts(self):
        """Twenty parts, one of which turns the spin: by pi, wherever it stands among them."""
        for turning in (0, 12, 19):
            parts = [f"[[drive]]\nfunction = \"pi\"\nterms = [[1, \"Sx\", 0]]\n" if i == turning else
                     f"[[drive]]\nfunction = \"cos({i}*t)\"\nterms = [[1, \"Sz\", 1]]\n" for i in range(20)]
            path = self.file(f"many{turning}.toml", "sites = 2\n" + "".join(parts))
            found = self.evolve(path, "--state", "uu", "--time", 1, "--observe", "sz")
            self.assertAlmostEqual(found["observables"]["sz"][-1][0], -0.5, delta=1e-9)

    def test_time_goes_on_in_a_saved_state(self):
        path, saved = self.file("chain.toml", CHAIN), self.folder / "half.h5"
        whole = self.evolve(path, "--state", "neel", "--times", "0,2,3", "--observe", "sz")
        self.evolve(path, "--state", "neel", "--time", 2, "--save", saved)
        rest = self.evolve(path, "--state", saved, "--time", 1, "--observe", "sz")
        self.assertEqual(rest["times"], [2, 3])
        np.testing.assert_allclose(rest["observables"]["sz"][-1], whole["observables"]["sz"][-1], atol=1e-8)
        self.file("chain.toml", CHAIN.replace("0.4*sin", "0.3*sin"))
        again = ("evolve", "--terms", path, "--state", saved, "--time", 1)
        self.assert_refused(program.run(*again), 2, "[[drive]]", "--quench if that is meant")
        self.assertEqual(program.run(*again, "--quench").status, 0)
        measured = json.loads(program.run("measure", saved, "--observe", "sz", "--json").out)
        self.assertEqual(len(measured["observables"]["sz"]), 8)

    def test_what_drives_is_told(self):
        path = self.file("lz.toml", LANDAU_ZENER)
        text = program.run("evolve", "--terms", path, "--state", "u", "--time", 2).out
        self.assertIn("driven by  v*(t - length/2), length=80 v=1.5\n", text)
        self.assertIn("integrate, ", text)

    def test_bad_input_is_one_line(self):
        def refuse(text, *words, command=("evolve", "--state", "u", "--time", 1), status=2):
            path = self.file("bad.toml", "sites = 1\n" + text)
            self.assert_refused(program.run(command[0], "--terms", path, *command[1:]), status, *words)

        terms = 'terms = [[1, "Sx", 0]]\n'
        refuse("[[drive]]\n" + terms, "bad.toml:2:", "needs function =", "or table =")
        refuse('[[drive]]\nfunction = "t"\ntable = [[0, 0], [1, 1]]\n' + terms, "needs function =")
        refuse('[[drive]]\nfunction = "t"\n', "needs what it drives")
        refuse('[[drive]]\nfuncton = "t"\n' + terms, "bad.toml:3:", "function")
        refuse('[[drive]]\nfunction = "t*x"\n' + terms, "bad.toml:3:", "'x'")
        refuse('[[drive]]\nfunction = "t*"\n' + terms, "bad.toml:3:", "a value is missing")
        refuse('[[drive]]\nfunction = "\'a\' = t"\n' + terms, "is not a number")
        refuse('[[drive]]\nfunction = "len(t)"\n' + terms, "len has no place in a function of t")
        refuse('[parameters]\nt = 1\n[[drive]]\nfunction = "t"\n' + terms, "t is the time here")
        refuse('[[drive]]\nfunction = "sqrt(-t)"\n' + terms, "sqrt(-t) is", "nan at t =")
        refuse("[[drive]]\ntable = [[0, 0]]\n" + terms, "two at least")
        refuse("[[drive]]\ntable = [[0, 0], [1]]\n" + terms, "a point of a table is [time, value]")
        refuse("[[drive]]\ntable = [[0, 0], [2, 1], [2, 3]]\n" + terms, "must ascend; 2 follows 2")
        refuse("[[drive]]\ntable = [[0, 0], [0.5, 1]]\n" + terms, "goes from time 0 to 0.5, needed is 1")
        refuse('[[drive]]\nfunction = "t"\nterms = [[1, "S+", 0]]\n', "[[drive]] t", "Hermitian")
        refuse("drive = 3\n" + terms, "[[drive]]")
        good = '[[drive]]\nfunction = "t"\n' + terms
        for command in (("ground",), ("eigh",), ("plan",), ("levels",), ("thermal", "--temperature", 1), ("spectral",)):
            refuse(good, "has a [[drive]]", "kronsolve evolve follows it", command=command)
        path = self.file("drive.toml", "sites = 2\n" + good)
        self.assert_refused(program.run("ground", "--model", "ising", "--sites", 2, "--observe", f"op:{path}"), 2, "has a [[drive]]")
        evolve = ("evolve", "--state", "u", "--time", 1)
        refuse(good, "energy", "depends on time", command=(*evolve, "--observe", "energy"))
        refuse(good, "imaginary time", command=(*evolve, "--imaginary"))
        refuse(good, "integrate or magnus", command=(*evolve, "--method", "expm"))
        refuse(good, "sz", command=(*evolve, "--sector", "sz=1/2"))


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "all"]
    program.main()
