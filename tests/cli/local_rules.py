"""Configurations that obey rules, at the prompt: PXP and Rydberg chains against sparse matrices made here, on any number of ranks, in
files, checkpoints and sector scans."""

import itertools
import math

import numpy as np
import program
import scipy.sparse
import scipy.sparse.linalg

RING12 = ("--model", "pxp", "--sites", "12", "--cyclic", "--sector", "blockade")


def blockade(sites: int, cyclic: bool) -> list[tuple[int, ...]]:
    """Configurations without two neighbours at 1, ascending."""
    pairs = [(i, (i + 1) % sites) for i in range(sites if cyclic else sites - 1)]
    found = [()]
    for _ in range(sites):  # what already has two ones side by side cannot become anything
        found = [c + (digit,) for c in found for digit in (0, 1) if not (digit and c and c[-1])]
    return [c for c in found if not any(c[i] and c[j] for i, j in pairs)]


def flips(configurations: list) -> scipy.sparse.csr_matrix:
    """Sum of X between them."""
    place = {c: row for row, c in enumerate(configurations)}
    rows, columns = [], []
    for c, row in place.items():
        for i in range(len(c)):
            other = place.get(c[:i] + (1 - c[i],) + c[i + 1:])
            if other is not None:
                rows.append(row)
                columns.append(other)
    n = len(configurations)
    return scipy.sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n))


def entropy(configurations: list, psi, sites: int) -> float:
    """Of the first sites, from the singular values of psi(left, right)."""
    left = {part: k for k, part in enumerate(sorted({c[:sites] for c in configurations}))}
    right = {part: k for k, part in enumerate(sorted({c[sites:] for c in configurations}))}
    matrix = np.zeros((len(left), len(right)), dtype=complex)
    for c, amplitude in zip(configurations, psi):
        matrix[left[c[:sites]], right[c[sites:]]] = amplitude
    weights = np.linalg.svd(matrix, compute_uv=False) ** 2
    weights = weights[weights > 1e-300] / weights.sum()
    return float(-(weights * np.log(weights)).sum())


class LocalRules(program.ProgramTest):
    def test_dimensions(self):
        for sites, dimension in ((24, 103682), (32, 4870847)):  # Lucas numbers
            plan = self.solve("plan", "--model", "pxp", "--sites", sites, "--cyclic", "--sector", "blockade")
            self.assertEqual(plan["dimension"], dimension)
            self.assertEqual(plan["operator"], "matrix-free")
        self.assertEqual(self.solve("plan", "--model", "pxp", "--sites", "60", "--sector", "blockade")["dimension"], 4052739537881)  # Fibonacci
        orbits = self.solve("plan", "--model", "pxp", "--sites", "24", "--cyclic", "--sector", "blockade", "--sector", "momentum=0",
                            "--sector", "reflection=1")
        self.assertEqual(orbits["dimension"], 2359)

    def test_the_whole_spectrum_by_every_way(self):
        wanted = np.linalg.eigvalsh(flips(blockade(12, True)).toarray())
        for form, ranks in itertools.product(("assembled", "matrix-free"), (0, 2, 3)):
            found = self.solve("ground", *RING12, "-k", "3", "--operator", form, ranks=ranks)
            self.assertEqual(found["dimension"], len(wanted))
            self.assertEqual(found["sector"], ["blockade"])
            np.testing.assert_allclose(found["eigenvalues"], wanted[:3], atol=1e-9)
        np.testing.assert_allclose(self.solve("eigh", *RING12, "-k", "all")["eigenvalues"], wanted, atol=1e-10)
        # The projectors of the model change nothing where its space is the one they project on.
        driven = self.file("x.toml", "lattice = 'chain'\nsize = 12\ncyclic = true\nlocal = 'boson:2'\nrules = ['blockade']\n"
                                     "[[site]]\nterms = [[1, 'B+'], [1, 'B-']]\n")
        np.testing.assert_allclose(self.solve("eigh", "--terms", driven, "-k", "all")["eigenvalues"], wanted, atol=1e-10)
        again = self.solve("ground", "--terms", driven, "--sector", "momentum=0")
        self.assertEqual(again["sector"], ["momentum=0", "blockade"])
        self.assertAlmostEqual(again["energy"], wanted[0], places=9)

    def test_sectors_of_symmetries_together_are_the_whole(self):
        wanted = np.linalg.eigvalsh(flips(blockade(12, True)).toarray())
        levels = self.solve("levels", *RING12, "--all-sectors", "-k", "all")
        found = [level for sector in levels["sectors"] for level in sector["levels"] for _ in range(sector["copies"])] \
            if "levels" in levels["sectors"][0] else None
        total = sum(s["dimension"] * s["copies"] for s in levels["sectors"])
        self.assertEqual(total, len(wanted))
        if found is not None:
            np.testing.assert_allclose(sorted(e["energy"] for e in found), wanted, atol=1e-9)
        self.assertNotIn("spin", levels["levels"][0])

    def test_observables_of_the_ground_state(self):
        states = blockade(12, True)
        values, vectors = np.linalg.eigh(flips(states).toarray())
        psi = vectors[:, 0]
        asked = [word for name in ("entropy:half", "entropy:3", "entropy:2,5,7", "corr:N,N", "variance", "participation") for word in ("--observe", name)]
        order = [(2, 5, 7) + tuple(i for i in range(12) if i not in (2, 5, 7))][0]
        moved = [tuple(c[i] for i in order) for c in states]
        density = np.array([[sum(abs(a) ** 2 * c[i] * c[j] for c, a in zip(states, psi)) for j in range(12)] for i in range(12)])
        for sector, ranks in ((), 0), ((), 3), (("--sector", "momentum=0", "--sector", "reflection=1"), 0), (("--sector", "momentum=0"), 2):
            with self.subTest(sector=sector, ranks=ranks):
                seen = self.solve("ground", *RING12, *sector, *asked, ranks=ranks)["observables"]
                self.assertAlmostEqual(seen["entropy:half"], entropy(states, psi, 6), places=8)
                self.assertAlmostEqual(seen["entropy:3"], entropy(states, psi, 3), places=8)
                self.assertAlmostEqual(seen["entropy:2,5,7"], entropy(moved, psi, 3), places=8)
                np.testing.assert_allclose(np.array(seen["corr:N,N"]).reshape(12, 12), density, atol=1e-8)
                self.assertAlmostEqual(seen["participation"], 1 / (abs(psi) ** 4).sum(), places=6)
                self.assertLess(abs(seen["variance"]), 1e-12)

    def test_revivals_from_the_neel_state(self):
        states = blockade(14, True)
        h = flips(states)
        psi = np.zeros(len(states), dtype=complex)
        psi[states.index((0, 1) * 7)] = 1
        wanted = [abs((scipy.sparse.linalg.expm_multiply(-1j * h * time, psi) @ psi.conj())) ** 2 for time in np.linspace(0, 9.6, 9)]
        self.assertGreater(max(wanted[3:6]), 0.6)  # it does come back
        for ranks in (0, 3):
            done = self.solve("evolve", "--model", "pxp", "--sites", "14", "--cyclic", "--sector", "blockade", "--state", "neel", "--time", "9.6",
                              "--steps", "8", "--observe", "fidelity", "--observe", "entropy:half", ranks=ranks)
            np.testing.assert_allclose(done["observables"]["fidelity"], wanted, atol=1e-8)
        later = scipy.sparse.linalg.expm_multiply(-1j * h * 9.6, psi)
        self.assertAlmostEqual(done["observables"]["entropy:half"][-1], entropy(states, later, 7), places=7)

    def test_rydberg_atoms_with_strong_interactions_are_those_in_a_blockade(self):
        # Second order perturbation theory leaves (rabi/2)^2/V, so the difference falls as 1/V.
        chain = ("--model", "rydberg", "--sites", "8", "-p", "rabi=1", "-p", "delta=0.3", "-p", "radius=1")
        limit = self.solve("ground", *chain, "--sector", "blockade", "-p", "V=5")["energy"]
        differences = [limit - self.solve("ground", *chain, "-p", f"V={v}")["energy"] for v in (1e2, 1e3, 1e4)]
        for smaller, larger in itertools.pairwise(reversed(differences)):
            self.assertAlmostEqual(larger / smaller, 10, delta=0.6)

    def test_what_is_saved_is_opened_again(self):
        path = self.folder / "state.h5"
        found = self.solve("ground", *RING12, "--observe", "entropy:half", "--save", path)
        for ranks in (0, 2):
            seen = self.solve("measure", path, "--observe", "entropy:half", "--observe", "variance", ranks=ranks)
            self.assertEqual(seen["sector"], ["blockade"])
            self.assertAlmostEqual(seen["observables"]["entropy:half"], found["observables"]["entropy:half"], places=10)
            self.assertLess(abs(seen["observables"]["variance"]), 1e-12)
        on = self.solve("evolve", *RING12, "--state", path, "--time", "2", "--observe", "variance")
        self.assertLess(abs(on["energy_drift"]), 1e-9)
        self.assert_refused(program.run("evolve", *RING12[:-2], "--state", path, "--time", "1"), 2, "sector")

    def test_a_rule_that_is_none_of_the_words(self):
        # No three in a row and nothing at both ends, with two particles: by looking at all of them.
        wanted = sum(1 for pair in itertools.combinations(range(9), 2) if pair != (0, 8))
        conditions = ("--sector", "forbid=111", "--sector", "forbid=11@0,8", "--sector", "n=2")
        plan = self.solve("plan", "--model", "hubbard-hardcore", "--sites", "9", *conditions)
        self.assertEqual(plan["dimension"], wanted)
        self.assertEqual(plan["sector"], ["n=2", "forbid=111", "forbid=11@0,8"])
        self.assertEqual(math.comb(9, 2) - 1, wanted)


if __name__ == "__main__":
    program.main()
