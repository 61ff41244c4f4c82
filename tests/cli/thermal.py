"""Thermodynamics at the prompt: exact curves from the levels of all sectors, random vectors within their errors."""

import math

import program
from json_output import check

RING = ("--model", "heisenberg", "--cyclic", "--sites")


def sums(levels: list[float], t: float) -> dict:
    """Thermodynamics of a list of levels."""
    weights = [math.exp(-(e - levels[0]) / t) for e in levels]
    z = math.fsum(weights)
    energy = math.fsum(w * e for w, e in zip(weights, levels, strict=True)) / z
    square = math.fsum(w * (e - energy) ** 2 for w, e in zip(weights, levels, strict=True)) / z
    free = levels[0] - t * math.log(z)
    return {"energy": energy, "heat_capacity": square / t**2, "free_energy": free, "entropy": (energy - free) / t}


class Thermal(program.ProgramTest):
    def test_exact_curves_are_those_of_the_spectrum(self):
        for case, ranks in (((*RING, 8), 0), ((*RING, 8), 2), (("--model", "ising", "--sites", 7, "-p", "bx=0.7"), 0),
                            (("--model", "hubbard", "--sites", 3, "-p", "mu=1"), 0)):
            found = self.solve("thermal", *case, "--temperature", "log:0.1:10:5", ranks=ranks)
            check(found, "thermal.json")
            self.assertEqual(found["method"], "exact")
            levels = self.solve("eigh", *case, "-k", "all")["eigenvalues"]
            for at, t in enumerate(found["temperatures"]):
                for name, value in sums(levels, t).items():
                    self.assertAlmostEqual(found[name][at], value, delta=1e-9, msg=(case, t, name))

    def test_temperatures_are_as_asked(self):
        for text, expected in (("0.5,2,1", [0.5, 2, 1]), ("1:2:3", [1, 1.5, 2]), ("log:0.01:1:3", [0.01, 0.1, 1]), ("2:1:2", [2, 1])):
            found = self.solve("thermal", *RING, 4, "--temperature", text)["temperatures"]
            for got, wanted in zip(found, expected, strict=True):
                self.assertAlmostEqual(got, wanted, delta=1e-15)

    def test_random_vectors_have_errors_that_cover(self):
        exact = self.solve("thermal", *RING, 10, "--temperature", "0.2:2:10")
        for method in ("ftlm", "typical"):
            found = self.solve("thermal", *RING, 10, "--temperature", "0.2:2:10", "--method", method, "--samples", 12)
            check(found, "thermal.json")
            self.assertEqual(found["samples"], 12)
            for name in ("energy", "heat_capacity", "entropy", "susceptibility"):
                off = [abs(a - b) / error for a, b, error in zip(found[name], exact[name], found[name + "_error"], strict=True)]
                self.assertLess(max(off), 5)
                self.assertGreater(max(found[name + "_error"]), 0)

    def test_text_and_picture(self):
        done = program.run("thermal", *RING, 8, "--temperature", "0.5,1", "--plot", self.folder / "t.svg")
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("specific heat", done.out)
        self.assertIn("specific heat", (self.folder / "t.svg").read_text(encoding="utf-8"))
        sampled = program.run("thermal", *RING, 8, "--temperature", "0.5", "--method", "ftlm").out
        self.assertRegex(sampled, r"0\.5 +-2\.\d+\(\d+\)")

    def test_observables_are_means_of_the_states(self):
        case = ("--model", "xxz", "--sites", 6, "-p", "bz=0.4", "-p", "delta=0.3")
        asked = ("sz", "corr:Sz,Sz:0,3", "op:(0+1i) S+ 0 S- 1", "energy")
        words = [word for text in asked for word in ("--observe", text)]
        states = self.solve("eigh", *case, "-k", "all", *words)
        for ranks in (0, 2):
            found = self.solve("thermal", *case, "--temperature", "0.2,1", *words, ranks=ranks)
            check(found, "thermal.json")
            self.assertEqual(found["method"], "exact")
            self.assertNotIn("observables_error", found)
            for at, t in enumerate(found["temperatures"]):
                weights = [math.exp(-(e - states["eigenvalues"][0]) / t) for e in states["eigenvalues"]]
                for text in asked:
                    got = found["observables"][text][at]
                    for i, value in enumerate(got if isinstance(got, list) else [got]):
                        each = [v[i] if isinstance(v, list) else v for v in states["observables"][text]]
                        wanted = math.fsum(w * x for w, x in zip(weights, each, strict=True)) / math.fsum(weights)
                        self.assertAlmostEqual(value, wanted, delta=1e-10, msg=(text, t))
                self.assertAlmostEqual(found["observables"]["energy"][at], found["energy"][at], delta=1e-10)

    def test_sampled_observables_have_errors_in_json_text_and_picture(self):
        case = (*RING, 8, "--temperature", "0.5,1", "--method", "typical", "--samples", 8, "--observe", "corr:Sz,Sz:0,1", "--observe", "sq:Sz,Sz")
        found = self.solve("thermal", *case)
        check(found, "thermal.json")
        exact = self.solve("thermal", *case[:7], *case[11:])
        self.assertEqual(exact["method"], "exact")
        for at in (0, 1):
            off = abs(found["observables"]["corr:Sz,Sz:0,1"][at] - exact["observables"]["corr:Sz,Sz:0,1"][at])
            self.assertLess(off, 6 * found["observables_error"]["corr:Sz,Sz:0,1"][at])
            self.assertEqual(len(found["observables_error"]["sq:Sz,Sz"][at]), 8)
        done = program.run("thermal", *case, "--plot", self.folder / "o.svg")
        self.assertEqual(done.status, 0, done.err)
        self.assertRegex(done.out, r"corr:Sz,Sz:0,1\n +0\.5 +-0\.\d+\(\d+\)")
        self.assertIn("sq:Sz,Sz [4]", (self.folder / "o.svg").read_text(encoding="utf-8"))

    def test_sectors_are_sums_over_their_levels(self):
        for case, sector in (((*RING, 8), ("sz=1",)), ((*RING, 7), ("momentum=2", "sz=1/2")), ((*RING, 6), ("reflection=-1",)),
                             (("--model", "hubbard", "--sites", 4, "-p", "mu=1"), ("n=3",))):
            words = [word for condition in sector for word in ("--sector", condition)]
            found = self.solve("thermal", *case, *words, "--temperature", "0.3,2")
            check(found, "thermal.json")
            self.assertEqual(found["sector"], list(sector))
            self.assertNotIn("by_sector", found)
            levels = self.solve("eigh", *case, *words, "-k", "all")["eigenvalues"]
            self.assertEqual(found["dimension"], len(levels))
            for at, t in enumerate(found["temperatures"]):
                for name, value in sums(levels, t).items():
                    self.assertAlmostEqual(found[name][at], value, delta=1e-9, msg=(case, t, name))

    def test_several_sectors_have_curves_of_their_own_and_a_sum(self):
        case, asked = (*RING, 8, "--temperature", "0.3,2"), ("--sector", "sz=0..2", "--observe", "corr:Sz,Sz:0,1")
        one_by_one = {sz: self.solve("thermal", *case, "--sector", f"sz={sz}", *asked[2:]) for sz in range(3)}
        for method, within in (("exact", 0), ("ftlm", 6), ("typical", 6)):
            found = self.solve("thermal", *case, *asked, "--method", method, "--samples", 40)
            check(found, "thermal.json")
            self.assertEqual(found["dimension"], 70 + 56 + 28)
            self.assertEqual(sorted(part["sector"] for part in found["by_sector"]), [["sz=0"], ["sz=1"], ["sz=2"]])
            for at in (0, 1):
                self.assertAlmostEqual(math.fsum(part["weight"][at] for part in found["by_sector"]), 1, delta=1e-12)
                for part in found["by_sector"]:
                    alone = one_by_one[int(part["sector"][0][3:])]
                    for name in ("energy", "heat_capacity", "entropy", "free_energy"):
                        delta = 1e-9 + within * part.get(name + "_error", [0, 0])[at]
                        self.assertAlmostEqual(part[name][at], alone[name][at], delta=delta, msg=(method, name))
                for name in ("energy", "observables"):
                    of = (lambda x: x["energy"][at]) if name == "energy" else (lambda x: x["observables"]["corr:Sz,Sz:0,1"][at])
                    mean = math.fsum(part["weight"][at] * of(part) for part in found["by_sector"])
                    self.assertAlmostEqual(of(found), mean, delta=1e-3 if within else 1e-10)

    def test_momenta_of_a_plane(self):
        for lattice, moments in (("square", (6, -3)), ("triangular", (9, 4.5))):  # means of H^2 and H^3 over all states
            plane = ("--model", "heisenberg", "--lattice", lattice, "--size", "4x4", "--cyclic")
            # Multiplets of large spin, exactly: every momentum together is what there is without.
            found = self.solve("thermal", *plane, "--sector", "sz=6", "--sector", "momentum=all", "--temperature", "0.5,3")
            check(found, "thermal.json")
            self.assertEqual(found["method"], "exact")
            self.assertEqual(len(found["by_sector"]), 16)
            levels = self.solve("eigh", *plane, "--sector", "sz=6", "-k", "all")["eigenvalues"]
            self.assertEqual(sum(part["dimension"] for part in found["by_sector"]), len(levels))
            for at, t in enumerate(found["temperatures"]):
                for name, value in sums(levels, t).items():
                    self.assertAlmostEqual(found[name][at], value, delta=1e-9, msg=(lattice, name))
            # One momentum, with complex amplitudes.
            words = ("--sector", "sz=4", "--sector", "momentum=1,2")
            found = self.solve("thermal", *plane, *words, "--temperature", "0.5,3")
            levels = self.solve("eigh", *plane, *words, "-k", "all")["eigenvalues"]
            for at, t in enumerate(found["temperatures"]):
                for name, value in sums(levels, t).items():
                    self.assertAlmostEqual(found[name][at], value, delta=1e-9, msg=(lattice, name))
            # All 65536 states from random vectors, where few powers of 1/T are enough.
            t = 60
            found = self.solve("thermal", *plane, "--sector", "momentum=all", "--method", "typical", "--samples", 4, "--temperature", t)
            check(found, "thermal.json")
            self.assertEqual(found["dimension"], 2**16)
            self.assertEqual(sum(part["dimension"] for part in found["by_sector"]), 2**16)
            energy = -moments[0] / t + moments[1] / (2 * t**2)
            self.assertLess(abs(found["energy"][0] - energy), 5 * found["energy_error"][0])
            entropy = 16 * math.log(2) - moments[0] / (2 * t**2)
            self.assertLess(abs(found["entropy"][0] - entropy), 5 * found["entropy_error"][0] + 1e-4)

    def test_text_of_several_sectors(self):
        done = program.run("thermal", *RING, 6, "--sector", "sz=0..1", "--temperature", "0.5,1")
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("35 states, sectors sz=0..1", done.out)
        self.assertRegex(done.out, r"sector +states +temperature +part of Z +energy")
        self.assertRegex(done.out, r"sz=1 +15 +0\.5 ")
        self.assertIn("20 states, sector sz=0\n", program.run("thermal", *RING, 6, "--sector", "sz=0", "--temperature", "1").out)

    def test_refusals(self):
        for words, said in ((("thermal", *RING, 4), "which temperatures?"),
                            (("thermal", *RING, 4, "--temperature", "0"), "positive numbers"),
                            (("thermal", *RING, 4, "--temperature", "-1:1:3"), "positive numbers"),
                            (("thermal", *RING, 4, "--temperature", "1:2"), "positive numbers"),
                            (("thermal", *RING, 4, "--temperature", "1:2:1"), "positive numbers"),
                            (("thermal", *RING, 4, "--temperature", "1e-320"), "positive numbers"),
                            (("thermal", *RING, 4, "--temperature", "1", "--samples", 1), "--samples"),
                            (("thermal", *RING, 4, "--temperature", "1", "--sector", "sz=3"), "sz=3"),
                            (("thermal", *RING, 4, "--temperature", "1", "--sector", "sz=1/2"), "sz"),
                            (("thermal", *RING, 4, "--temperature", "1", "--sector", "sz=2..0"), "a range is written"),
                            (("thermal", *RING, 4, "--temperature", "1", "--sector", "momentum=x"), "momentum"),
                            (("thermal", *RING, 4, "--temperature", "1", "--sector", "n=2"), "sector n"),
                            (("thermal", "--model", "ising", "--sites", 4, "--temperature", "1", "--sector", "sz=0"), "sz=0"),
                            (("thermal", "--matrix", "a.mtx", "--temperature", "1"), "operator on sites"),
                            (("thermal", *RING, 4, "--temperature", "1", "--observe", "entropy:half"), "no expectation value"),
                            (("thermal", *RING, 4, "--temperature", "1", "--observe", "sy"), "unknown observable"),
                            (("thermal", *RING, 4, "--temperature", "1", "--method", "lanczos"), "--method")):
            self.assert_refused(program.run(*words), 2, said)


if __name__ == "__main__":
    program.main()
