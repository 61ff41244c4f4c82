"""floquet: quasi-energies and modes against closed forms and SciPy."""

import json
import math

import jsonschema
import numpy as np
import program
import scipy.integrate
import scipy.linalg
from spins import SX, SY, SZ, on_site

SCHEMA = json.loads((program.SOURCE / "docs" / "schema" / "floquet.json").read_text(encoding="utf-8"))

ROTATING = """
sites = 1
terms = [["w0", "Sz", 0]]
[parameters]
w0 = 1.3
w = 2
rabi = 0.8
[[drive]]
function = "rabi*cos(w*t)"
terms = [[1, "Sx", 0]]
[[drive]]
function = "rabi*sin(w*t)"
terms = [[1, "Sy", 0]]
"""

HALVES = """
lattice = "chain"
size = 4
cyclic = true
[[drive]]
function = "t - 1.5*floor(t/1.5) < 0.6"
[[drive.bond]]
j = 1.1
[[drive]]
function = "t - 1.5*floor(t/1.5) >= 0.6"
[[drive.site]]
x = 0.7
[[site]]
z = 0.3
"""


class Floquet(program.ProgramTest):
    def floquet(self, *arguments, ranks=0) -> dict:
        found = self.solve("floquet", *arguments, ranks=ranks)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        self.assertEqual(found["quasi_energies"], sorted(found["quasi_energies"]))
        self.assertLess(max(found["residuals"]), 1e-9)
        return found

    def assert_same_phases(self, found: dict, exact, delta=1e-8):
        """Phases have no first one: each list goes round the circle."""
        ours = np.sort(np.mod(np.array(found["quasi_energies"]) * found["period"], 2 * math.pi))
        theirs = np.sort(np.mod(exact, 2 * math.pi))
        shifts = [np.abs(np.exp(1j * ours) - np.exp(1j * np.roll(theirs, s))).max() for s in range(len(ours))]
        self.assertLess(min(shifts), delta)

    def test_a_rotating_field_has_the_quasi_energies_of_rabi(self):
        path = self.file("rotating.toml", ROTATING)
        for w0, w, rabi in ((1.3, 2, 0.8), (1, 1, 0.25), (0.2, 5, 2)):
            found = self.floquet("--terms", path, "-p", f"w0={w0}", "-p", f"w={w}", "-p", f"rabi={rabi}", "--period", "2*pi/w")
            self.assertAlmostEqual(found["period"], 2 * math.pi / w, delta=1e-14)
            half = math.hypot(w0 - w, rabi) / 2
            self.assert_same_phases(found, [(w / 2 + s * half) * found["period"] for s in (-1, 1)])

    def test_two_halves_of_a_period_against_scipy(self):
        path, sites = self.file("halves.toml", HALVES), 4
        field = 0.3 * sum(on_site(SZ, i, sites) for i in range(sites))
        bonds = 1.1 * sum(on_site(s, i, sites) @ on_site(s, (i + 1) % sites, sites) for i in range(sites) for s in (SX, SY, SZ))
        turn = 0.7 * sum(on_site(SX, i, sites) for i in range(sites))
        u = scipy.linalg.expm(-0.9j * (field + turn)) @ scipy.linalg.expm(-0.6j * (field + bonds))
        values, vectors = np.linalg.eig(u)
        for ranks in (0, 3):
            for method in ("integrate", "magnus"):
                found = self.floquet("--terms", path, "--period", 1.5, "--method", method, "--observe", "op:Sz 0 + Sz 1 + Sz 2 + Sz 3", ranks=ranks)
                self.assert_same_phases(found, -np.angle(values))
        # Means in the modes: where a phase is there once, those of its eigenvector.
        total = sum(on_site(SZ, i, sites) for i in range(sites))
        means = next(iter(found["observables"].values()))
        compared = 0
        for energy, mean in zip(found["quasi_energies"], means):
            near = np.abs(values - np.exp(-1j * energy * 1.5))
            if np.sort(near)[1] > 1e-3:
                v = vectors[:, np.argmin(near)]
                self.assertAlmostEqual(mean, np.vdot(v, total @ v).real / np.vdot(v, v).real, delta=1e-7)
                compared += 1
        self.assertGreater(compared, 4)

    def test_a_sector_has_its_part_of_the_phases(self):
        terms = HALVES.replace("x = 0.7", "z = \"0.7*sublattice\"")
        path = self.file("kept.toml", terms)
        whole = self.floquet("--terms", path, "--period", 1.5)
        parts = [self.floquet("--terms", path, "--period", 1.5, "--sector", f"sz={sz}") for sz in range(-2, 3)]
        self.assert_same_phases(whole, [e * 1.5 for part in parts for e in part["quasi_energies"]])

    def test_what_is_printed(self):
        path = self.file("halves.toml", HALVES)
        text = program.run("floquet", "--terms", path, "--period", "1.5", "--observe", "sz:0").out
        self.assertIn("period     1.5; quasi-energies between -2.094395102 and 2.094395102", text)
        self.assertRegex(text, r"mode +quasi-energy +residual +sz:0")
        self.assertRegex(text, r"converged +yes")

    def test_bad_input_is_one_line(self):
        path = self.file("rotating.toml", ROTATING)
        constant = self.file("constant.toml", "sites = 2\nterms = [[1, 'Sz', 0]]\n")
        for arguments, words in ((("--terms", path), "give --period"), (("--terms", path, "--period", 3), "has not the period 3"),
                                 (("--terms", path, "--period", "0"), "a period is a positive time"),
                                 (("--terms", path, "--period", "2*pi/v"), "no field 'v'"),
                                 (("--terms", path, "--period", "2*pi/w", "--observe", "energy"), "energy"),
                                 (("--terms", path, "--period", "2*pi/w", "--method", "expm"), "integrate"),
                                 (("--terms", constant, "--period", 1), "[[drive]]"),
                                 (("--model", "heisenberg", "--sites", 2, "--period", 1), "[[drive]]")):
            for ranks in (0, 2):
                with self.subTest(arguments=arguments, ranks=ranks):
                    self.assert_refused(program.run("floquet", *arguments, ranks=ranks), 2, words)


if __name__ == "__main__":
    program.main()
