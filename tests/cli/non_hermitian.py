"""evolve under operators that are not Hermitian: against SciPy, a similarity transform and the open-system code."""

import json
import math

import jsonschema
import numpy as np
import program
import scipy.linalg
from spins import SZ, UP, on_site

SCHEMA = json.loads((program.SOURCE / "docs" / "schema" / "evolve.json").read_text(encoding="utf-8"))

HATANO_NELSON = """
sites = 6
local = "boson:2"
hermitian = false
[parameters]
g = 0.4
[[bond]]
terms = [["-exp(g)", "B+", "B-"], ["-exp(0-g)", "B-", "B+"]]
"""


class NonHermitian(program.ProgramTest):
    def evolve(self, *arguments, ranks=0) -> dict:
        found = self.solve("evolve", *arguments, ranks=ranks)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        self.assertFalse(found["hermitian"])
        return found

    def test_random_couplings_against_scipy(self):
        sites, times = 4, [0.0, 0.3, 2.0]
        random = np.random.default_rng(17)
        print("seed 17")
        terms, h = [], 0
        for _ in range(10):
            (i, j), c = random.choice(sites, 2, replace=False), complex(*random.normal(size=2))
            terms.append(f'[[{c.real!r}, {c.imag!r}], "S+", {i}, "S-", {j}]')
            h = h + c * on_site(UP, i, sites) @ on_site(UP.T, j, sites)
        for i in range(sites):
            c = complex(*random.normal(size=2))
            terms.append(f'[[{c.real!r}, {c.imag!r}], "Sz", {i}]')
            h = h + c * on_site(SZ, i, sites)
        path = self.file("random.toml", f"sites = {sites}\nhermitian = false\nterms = [{', '.join(terms)}]\n")
        psi = np.zeros(16)
        psi[0b0011] = 1
        for factor, imaginary in ((-1j, ()), (-1, ("--imaginary",))):
            for sector in ((), ("--sector", "sz=0")):
                for ranks in (0, 2, 3):
                    found = self.evolve("--terms", path, "--state", "uudd", "--times", "0,0.3,2", "--observe", "sz", "--observe", "norm", *sector, *imaginary, ranks=ranks)
                    self.assertEqual(found["method"], "integrate")
                    for at, time in enumerate(times):
                        exact = scipy.linalg.expm(factor * time * h) @ psi
                        norm = np.linalg.norm(exact)
                        exact = exact / norm
                        with self.subTest(time=time, imaginary=imaginary, sector=sector, ranks=ranks):
                            self.assertAlmostEqual(found["log_norm"][at], math.log(norm), delta=1e-8)
                            self.assertAlmostEqual(found["energies"][at], np.vdot(exact, h @ exact).real, delta=1e-7)
                            self.assertAlmostEqual(found["observables"]["norm"][at], 1, delta=1e-9)
                            for i in range(sites):
                                self.assertAlmostEqual(found["observables"]["sz"][at][i], np.vdot(exact, on_site(SZ, i, sites) @ exact).real, delta=1e-8)

    def test_hatano_nelson_is_a_hermitian_chain_seen_through_a_similarity(self):
        """-exp(g) b+_i b_(i+1) - exp(-g) b+_(i+1) b_i is S^-1 h S with the hopping h and S = exp(g i) on site i."""
        path, sites, g = self.file("hn.toml", HATANO_NELSON), 6, 0.4
        hop = -np.diag(np.ones(sites - 1), 1)
        scale = np.exp(-g * np.arange(sites))
        for time in (1.0, 6.0):
            found = self.evolve("--terms", path, "--sector", "n=1", "--state", "000100", "--time", time, "--observe", "n")
            start = np.zeros(sites)
            start[3] = 1
            exact = scale * (scipy.linalg.expm(-1j * time * (hop + hop.T)) @ (start / scale))
            norm = np.linalg.norm(exact)
            self.assertAlmostEqual(found["log_norm"][-1], math.log(norm), delta=1e-7)
            for i in range(sites):
                self.assertAlmostEqual(found["observables"]["n"][-1][i], abs(exact[i] / norm) ** 2, delta=1e-7)
            self.assertEqual(found["scalar"], "real")

    def test_no_jump_is_the_part_of_an_open_system_that_has_not_lost_its_particle(self):
        """One particle that may be lost: what is left of it moves by H - i gamma n / 2."""
        bonds = "[[bond]]\nterms = [[-1, 'B+', 'B-'], [-1, 'B-', 'B+']]\n"
        chain = "sites = 4\nlocal = 'boson:2'\n"
        hermitian = self.file("closed.toml", chain + bonds)
        lossy = self.file("lossy.toml", chain + "hermitian = false\n" + bonds + "[[site]]\nterms = [[[0, -0.35], 'N']]\nwhere = 'i != 1'\n")
        jumps = [w for i in (0, 2, 3) for w in ("--jump", f"B-:0.7:{i}")]
        whole = self.solve("evolve", "--terms", hermitian, "--state", "0100", "--times", "0.5,3", "--observe", "n", *jumps, "--tol", "1e-9")
        found = self.evolve("--terms", lossy, "--state", "0100", "--times", "0.5,3", "--observe", "n")
        for at in range(2):
            left = math.exp(2 * found["log_norm"][at])
            for i in range(4):
                self.assertAlmostEqual(left * found["observables"]["n"][at][i], whole["observables"]["n"][at][i], delta=1e-7)

    def test_a_file_of_the_last_state_goes_on(self):
        path, state = self.file("hn.toml", HATANO_NELSON), self.folder / "half.h5"
        self.evolve("--terms", path, "--state", "000100", "--time", 1, "--save", state)
        rest = self.evolve("--terms", path, "--state", state, "--time", 2, "--observe", "n")
        whole = self.evolve("--terms", path, "--state", "000100", "--times", "3", "--observe", "n")
        self.assertEqual(rest["times"][-1], 3)
        np.testing.assert_allclose(rest["observables"]["n"][-1], whole["observables"]["n"][-1], atol=1e-8)

    def test_a_sweep_evolves_with_each_value(self):
        """H = i g n of one site makes exp(g t) of it."""
        growing = self.file("growing.toml", "sites = 1\nlocal = 'boson:2'\nhermitian = false\n[parameters]\ng = 1\n[[site]]\nterms = [[[0, 'g'], 'N']]\n")
        sweep = self.file("sweep.toml", f"command = 'evolve'\nterms = '{growing}'\nstate = '1'\ntime = 2\n[vary]\ng = [0.1, 0.3]\n")
        done = program.run("sweep", sweep)
        self.assertEqual(done.status, 0, done.err)
        for g in (0.1, 0.3):
            found = self.evolve("--terms", growing, "--state", "1", "--time", 2, "-p", f"g={g}")
            self.assertAlmostEqual(found["log_norm"][-1], 2 * g, delta=1e-9)

    def test_an_accident_is_refused(self):
        silent = self.file("silent.toml", HATANO_NELSON.replace("hermitian = false\n", ""))
        said = self.file("said.toml", HATANO_NELSON)
        chain = ("--state", "000100", "--time", 1)
        driven = self.file("driven.toml", HATANO_NELSON.replace("[parameters]", "[[drive]]\nfunction = 't'\nterms = [[1, 'N', 0]]\n[parameters]"))
        wrong = self.file("wrong.toml", HATANO_NELSON.replace("false", "'no'"))
        for command, arguments, words in (("evolve", ("--terms", silent, *chain), ("not Hermitian", "write hermitian = false")),
                                          ("ground", ("--terms", said), ("says hermitian = false", "Hermitian one")),
                                          ("plan", ("--terms", said), ("says hermitian = false",)),
                                          ("evolve", ("--terms", said, *chain, "--jump", "B-:1"), ("says hermitian = false",)),
                                          ("evolve", ("--terms", said, *chain, "--method", "expm"), ("--method expm", "integrate")),
                                          ("evolve", ("--terms", said, *chain, "--observe", "variance"), ("variance", "not Hermitian")),
                                          ("evolve", ("--terms", said, "--state", "ground", "--time", 1), ("says hermitian = false",)),
                                          ("evolve", ("--terms", driven, *chain), ("hermitian = false goes with no [[drive]]",)),
                                          ("evolve", ("--terms", wrong, *chain), ("true or false",))):
            for ranks in (0, 2):
                with self.subTest(command=command, arguments=arguments, ranks=ranks):
                    self.assert_refused(program.run(command, *arguments, ranks=ranks), 2, *words)

    def test_what_is_printed(self):
        text = program.run("evolve", "--terms", self.file("hn.toml", HATANO_NELSON), "--state", "000100", "--time", 1).out
        self.assertIn("exp(-i time H), normalised, on 000100", text)
        self.assertIn("not Hermitian, as its file says", text)
        self.assertRegex(text, r"time +energy +log norm +error")


if __name__ == "__main__":
    program.main()
