"""Several sectors at the prompt: the ground state wherever it is, spectra with quantum numbers."""

import collections
import math
import sys
import unittest
import xml.etree.ElementTree

import program
from json_output import check

RING = ("--model", "heisenberg", "--cyclic", "--sites")
# Energies of rings, and the sector that `plan` suggests, in which they are not.
GROUND = {10: -4.515446354492042, 12: -5.387390917445206, 14: -6.263549533547037, 18: -8.022749087033757,
          22: -9.786880651765706}
PLANES = {"square": (32, 0), "triangular": (48, 32)}  # 4x4 with cyclic ends: bonds and triangles
QUICK = "all" not in sys.argv


def plane(lattice: str) -> tuple[str, ...]:
    return ("--model", "heisenberg", "--lattice", lattice, "--size", "4x4", "--cyclic")


def traces(bonds: int, triangles: int) -> list[float]:
    """Of H, H^2 and H^3 over all states, each state with the same weight and 1 of them together."""
    return [0, 3 / 16 * bonds, -3 / 32 * bonds + 9 / 32 * triangles]


def multiplets(levels: list[dict]) -> list[float]:
    """Every state of the levels, 2S + 1 of each."""
    return sorted(level["energy"] for level in levels for _ in range(level["copies"] * round(2 * level["spin"] + 1)))


class Levels(program.ProgramTest):
    def test_the_ground_state_is_found_in_whatever_sector_it_is(self):
        for sites, energy in GROUND.items():
            for ranks in (0, 2) if sites == 10 else (0,):
                found = self.solve("ground", *RING, sites, "--all-sectors", ranks=ranks)
                check(found, "eigenpairs.json")
                self.assertAlmostEqual(found["energy"], energy, delta=1e-10)
                self.assertEqual(found["lowest_of"], "sectors")
                self.assertIn(f"momentum={sites // 2 if sites % 4 == 2 else 0}", found["sector"])
                lowest = min(value for sector in found["sectors"] for value in sector["eigenvalues"])
                self.assertAlmostEqual(lowest, energy, delta=1e-10)
            self.assertAlmostEqual(self.solve("ground", *RING, sites)["energy"], energy, delta=1e-9)

    def test_a_suggested_sector_may_miss_it_and_that_is_said(self):
        plan = self.solve("plan", *RING, 10)
        self.assertIn("may be in another", plan["suggestion"])
        words = [word for condition in plan["suggested_symmetries"]["sector"] for word in ("--sector", condition)]
        there = self.solve("ground", *RING, 10, *words)
        self.assertGreater(there["energy"], GROUND[10] + 0.1)
        self.assertEqual(there["lowest_of"], "sector")
        self.assertEqual(self.solve("ground", *RING, 10)["lowest_of"], "space")
        text = program.run("plan", *RING, 10).out
        self.assertLess(text.index("may be in another"), text.index("--sector"))
        self.assertIn("lowest of this sector", program.run("ground", *RING, 10, *words).out)

    def test_levels_of_all_sectors_are_the_spectrum(self):
        cases = [((*RING, 8), True), (("--model", "heisenberg", "--size", "3x3", "--lattice", "triangular", "--cyclic"), True),
                 (("--model", "xxz", "-p", "delta=0.3", "--cyclic", "--sites", 7), False),
                 (("--model", "hubbard", "--cyclic", "--sites", 4), True)]
        for case, multiplets in cases:
            found = self.solve("levels", *case, "-k", "all")
            check(found, "levels.json")
            self.assertIsNone(found["complete_below"])
            levels = sorted(level["energy"] for level in found["levels"]
                            for _ in range(level["copies"] * (round(2 * level["spin"] + 1) if multiplets else 1)))
            whole = self.solve("eigh", *case, "-k", "all")["eigenvalues"]
            self.assertEqual(len(levels), len(whole), case)
            for got, expected in zip(levels, whole, strict=True):
                self.assertAlmostEqual(got, expected, delta=1e-10)

    def test_multiplets_of_a_kagome_cluster_fill_the_space(self):
        case = ("--model", "heisenberg", "--lattice", "kagome", "--size", "2x2", "--cyclic")
        found = self.solve("levels", *case, "-k", "all")
        multiplets = collections.Counter()
        for level in found["levels"]:
            self.assertEqual(2 * level["spin"], round(2 * level["spin"]))
            multiplets[round(level["spin"])] += level["copies"]
        for m in range(7):
            self.assertEqual(sum(count for spin, count in multiplets.items() if spin >= m), math.comb(12, 6 - m))
        whole = self.solve("eigh", *case, "--sector", "sz=0", "-k", "all")["eigenvalues"]
        levels = sorted(level["energy"] for level in found["levels"] for _ in range(level["copies"]))
        for got, expected in zip(levels, whole, strict=True):
            self.assertAlmostEqual(got, expected, delta=1e-10)
        for power, trace in enumerate(traces(bonds=24, triangles=8), start=1):
            mean = math.fsum(level["energy"]**power * level["copies"] * (2 * level["spin"] + 1) for level in found["levels"]) / 4096
            self.assertAlmostEqual(mean, trace, delta=1e-12)

    def test_lowest_levels_of_planes_are_those_found_without_symmetries(self):
        for lattice in PLANES:
            found = self.solve("levels", *plane(lattice), "-k", 3)
            self.assertEqual(sum(sector["dimension"] * sector["copies"] for sector in found["sectors"]), math.comb(16, 8))
            states = [energy for energy in multiplets(found["levels"]) if energy < found["complete_below"]]
            whole = self.solve("eigh", *plane(lattice), "-k", 11)["eigenvalues"]
            self.assertGreaterEqual(len(states), len(whole))
            for got, expected in zip(states, whole, strict=False):
                self.assertAlmostEqual(got, expected, delta=1e-9)

    @unittest.skipIf(QUICK, "20 s each")
    def test_all_levels_of_planes_are_the_spectrum(self):
        for lattice, shape in PLANES.items():
            found = self.solve("levels", *plane(lattice), "-k", "all", timeout=600)
            check(found, "levels.json")
            self.assertIsNone(found["complete_below"])
            counts = collections.Counter()
            for level in found["levels"]:
                self.assertAlmostEqual(level["s2"], level["spin"] * (level["spin"] + 1), delta=1e-9)
                counts[round(level["spin"])] += level["copies"]
            for m in range(9):  # multiplets that reach Sz = m
                self.assertEqual(sum(count for spin, count in counts.items() if spin >= m), math.comb(16, 8 - m))
            states = multiplets(found["levels"])
            for power, trace in enumerate(traces(*shape), start=1):
                self.assertAlmostEqual(math.fsum(energy**power for energy in states) / 2**16, trace, delta=1e-12)
            whole = self.solve("eigh", *plane(lattice), "--sector", "sz=4", "-k", "all")["eigenvalues"]
            reaching = sorted(level["energy"] for level in found["levels"] for _ in range(level["copies"]) if level["spin"] > 3.5)
            self.assertEqual(len(whole), len(reaching))
            for got, expected in zip(reaching, whole, strict=True):
                self.assertAlmostEqual(got, expected, delta=1e-10)

    def test_a_given_symmetry_loses_no_levels(self):
        found = self.solve("levels", *RING, 8, "--sector", "reflection=1", "--all-sectors", "-k", "all")
        whole = self.solve("eigh", *RING, 8, "--sector", "sz=0", "--sector", "reflection=1", "-k", "all")["eigenvalues"]
        levels = sorted(level["energy"] for level in found["levels"] for _ in range(level["copies"]))
        self.assertEqual(len(levels), len(whole))
        for got, expected in zip(levels, whole, strict=True):
            self.assertAlmostEqual(got, expected, delta=1e-10)

    def test_spacings_are_those_of_the_levels(self):
        words = ("levels", "--model", "mbl", "--sites", 10, "-p", "dh=1", "--sector", "sz=0", "-k", "all")
        found = self.solve(*words)
        check(found, "levels.json")
        levels = found["sectors"][0]["eigenvalues"]
        spacings = [b - a for a, b in zip(levels, levels[1:], strict=False)]
        ratios = [min(a, b) / max(a, b) for a, b in zip(spacings, spacings[1:], strict=False)]
        spacing = found["sectors"][0]["level_spacing"]
        self.assertEqual((spacing["ratios"], spacing["degenerate"]), (250, 0))
        self.assertAlmostEqual(spacing["mean_ratio"], sum(ratios) / 250, delta=1e-9)
        self.assertAlmostEqual(found["mean_ratio"], spacing["mean_ratio"], delta=1e-12)
        done = program.run(*words, "--plot", self.folder / "r.svg", "--kind", "ratios")
        self.assertEqual(done.status, 0, done.err)
        self.assertRegex(done.out, r"ratios +mean ratio +degenerate +sector\n +250 ")
        self.assertIn("ratio of level spacings", (self.folder / "r.svg").read_text(encoding="utf-8"))
        long = program.run("levels", "--model", "mbl", "--sites", 10, "-k", "all").out
        self.assertIn("\n  ...  824 more; --json has all\n", long)
        self.assertNotIn("more; --json", done.out.replace("  ...  52 more; --json", ""))
        few = self.solve("levels", *RING, 4)
        self.assertIsNone(few["mean_ratio"])
        self.assertNotIn("spacing", program.run("levels", *RING, 4).out)

    def test_ranges_and_single_values(self):
        found = self.solve("levels", *RING, 8, "--sector", "sz=0..2", "--sector", "momentum=all", "-k", 1)
        named = {tuple(sector["sector"]) for sector in found["sectors"]}
        self.assertEqual({sector[0] for sector in named}, {"sz=0", "sz=1", "sz=2"})
        self.assertEqual(len(named), 15)
        self.assertIsNotNone(found["complete_below"])
        lowest = self.solve("ground", *RING, 8, "--sector", "sz=1..4")
        self.assertEqual(lowest["sector"], ["sz=1"])
        rest = self.solve("levels", *RING, 8, "--sector", "sz=2", "--all-sectors", "-k", 1)
        self.assertTrue(all("sz=2" in sector["sector"] for sector in rest["sectors"]))

    def test_an_operator_file_has_what_its_terms_have(self):
        terms = self.file("h.toml", "sites = 3\nterms = [[1, 'Sz', 0, 'Sz', 1], [1, 'Sz', 1, 'Sz', 2], [0.5, 'Sz', 0]]\n")
        found = self.solve("levels", "--terms", terms, "-k", "all")
        self.assertEqual(len(found["levels"]), 8)

    def test_pictures(self):
        for name, case in (("a.svg", (*RING, 8)), ("b.svg", ("--model", "xxz", "-p", "delta=0.5", "--sites", 6)),
                           ("c.svg", ("--model", "heisenberg", "--size", "3x3", "--lattice", "square", "--cyclic"))):
            found = self.solve("levels", *case, "--plot", self.folder / name)
            check(found, "levels.json")
            texts = [element.text for element in xml.etree.ElementTree.parse(self.folder / name).iter() if element.text]
            self.assertTrue(any("energy above the ground state" in text for text in texts))
            self.assertTrue(any(text.strip().startswith("sz" if name == "b.svg" else "S = 1") for text in texts), texts)
        for name, magic in (("a.pdf", b"%PDF"), ("a.png", b"\x89PNG")):
            self.solve("levels", *RING, 6, "--plot", self.folder / name)
            self.assertTrue((self.folder / name).read_bytes().startswith(magic))
        self.assert_refused(program.run("levels", *RING, 6, "--plot", "a.jpg"), 2, "FILE.svg")
        self.assert_refused(program.run("levels", *RING, 6, "--plot", "/no/such/folder/a.svg"), 5, "/no/such/folder")
        self.assert_refused(program.run("levels", *RING, 6, "--plot", self.folder / "d.svg", env={"PATH": "/nowhere"}), 4, "install it")
        self.assertFalse((self.folder / "d.svg").exists())

    def test_refusals(self):
        for words, said in (
                (("eigh", *RING, 4, "--sector", "sz=all"), "ground, levels, spectral or thermal"),
                (("plan", *RING, 4, "--sector", "momentum=0..2"), "ground, levels, spectral or thermal"),
                (("ground", "--matrix", "a.mtx", "--all-sectors"), "operator on sites"),
                (("levels", "--matrix", "a.mtx"), "operator on sites"),
                (("levels", "--model", "heisenberg", "--sites", 4, "--sector", "momentum=all"), "cyclic direction"),
                (("levels", *RING, 4, "--sector", "sz=5..1"), "a range is written"),
                (("levels", *RING, 4, "--sector", "spinflip=-1..1"), "a range is written"),
                (("levels", "--model", "ising", "--sites", 4, "--sector", "sz=all"), "changes sz"),
                (("levels", *RING, 4, "--which", "LA"), "--which"),
                (("levels", *RING, 4, "-k", 0), "-k")):
            self.assert_refused(program.run(*words), 2, said)


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "all"]
    program.main()
