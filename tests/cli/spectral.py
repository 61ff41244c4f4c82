"""Correlations in frequency at the prompt: lines known by hand, sum rules, pictures, files, refusals."""

import math

import h5py

import program
from json_output import check

RING = ("--model", "heisenberg", "--cyclic", "--sites")


class Spectral(program.ProgramTest):
    def spectral(self, *words, ranks: int = 0) -> dict:
        found = self.solve("spectral", *words, ranks=ranks)
        check(found, "spectral.json")
        for one in found["correlations"]:
            self.assertLess(one["total_error"], 1e-10)
            self.assertLess(one["first_moment_error"], 1e-9)
        return found

    def test_two_spins_have_one_line(self):
        found = self.spectral("--model", "heisenberg", "--sites", 2, "--correlation", "op:Sz 0")
        (one,) = found["correlations"]
        self.assertAlmostEqual(found["ground"]["energy"], -0.75, delta=1e-12)
        self.assertEqual(found["ground"]["degeneracy"], 1)
        self.assertAlmostEqual(one["line_energies"][0], 1, delta=1e-12)  # singlet to triplet
        self.assertAlmostEqual(one["line_weights"][0], 0.25, delta=1e-12)
        self.assertEqual(len(one["line_energies"]), 1)

    def test_ring_of_four(self):
        # E0 = -2 (S = 0); Sz(pi) leads to the triplet at -1 alone, with all the weight 1/3 * 2 = 2/3.
        found = self.spectral(*RING, 4)
        weights = [one["total"] for one in found["correlations"]]
        for got, wanted in zip(weights, (0, 1 / 6, 2 / 3, 1 / 6), strict=True):
            self.assertAlmostEqual(got, wanted, delta=1e-12)
        at_pi = found["correlations"][2]
        self.assertEqual(at_pi["momentum"], [2])
        self.assertAlmostEqual(at_pi["line_energies"][0], 1, delta=1e-12)
        self.assertAlmostEqual(at_pi["line_weights"][0], 2 / 3, delta=1e-12)

    def test_sums_and_moments_of_chains(self):
        for sites in (12, 16):
            words = ("--energies", "0:4:41", "--broadening", 0.1)
            found = self.spectral(*RING, sites, *words)["correlations"]
            (local,) = self.spectral(*RING, sites, *words, "--correlation", "op:Sz 0")["correlations"]
            self.assertAlmostEqual(sum(one["total"] for one in found), sites / 4, delta=1e-10)
            self.assertAlmostEqual(local["total"], 0.25, delta=1e-10)
            # All momenta together are the local correlation, N times, at every energy.
            for at, value in enumerate(local["spectrum"]):
                self.assertAlmostEqual(sum(one["spectrum"][at] for one in found) / sites, value, delta=1e-6)
            # [H, Sz_0] = C: the moments are -<C C> and, with the double commutator, the energy of two bonds.
            c = [(sign / 2, f"{a} 0 {b} {j}") for j in (1, sites - 1) for sign, a, b in ((1, "S-", "S+"), (-1, "S+", "S-"))]
            text = " + ".join(f"{-x * y} {left} {right}" for x, left in c for y, right in c)
            ground = self.solve("ground", *RING, sites, "--observe", f"op:{text}", "--observe", "sq:Sz,Sz")
            second, structure = ground["observables"][f"op:{text}"], ground["observables"]["sq:Sz,Sz"]
            moments = [math.fsum(weight * w**power for w, weight in zip(local["line_energies"], local["line_weights"], strict=True))
                       for power in (1, 2)]
            self.assertAlmostEqual(moments[0], -2 / 3 * ground["energy"] / sites, delta=1e-9)
            self.assertAlmostEqual(moments[1], second, delta=1e-8)
            for one, value in zip(found, structure, strict=True):
                self.assertAlmostEqual(one["total"], value, delta=1e-9)

    def test_a_free_electron_is_one_line_at_its_energy(self):
        found = self.spectral("--model", "hubbard", "--sites", 6, "--cyclic", "-p", "U=0", "--sector", "nup=0", "--sector", "ndown=0",
                              "--correlation", "Cup-,Cup+")
        for one, energy in zip(found["correlations"], (-2, -1, 1, 2, 1, -1), strict=True):
            self.assertAlmostEqual(one["line_energies"][0], energy, delta=1e-12)
            self.assertAlmostEqual(one["line_weights"][0], 1, delta=1e-12)

    def test_weights_are_the_structure_factor_on_any_ranks(self):
        for case in ((*RING, 10), (*RING, 7), ("--model", "heisenberg", "--size", "2x4", "--lattice", "square", "--cyclic")):
            found = self.spectral(*case)
            again = self.spectral(*case, ranks=2)
            for one, other in zip(found["correlations"], again["correlations"], strict=True):
                for a, b in zip(one["spectrum"], other["spectrum"], strict=True):
                    self.assertAlmostEqual(a, b, delta=1e-9)
            if found["ground"]["degeneracy"] == 1:
                factor = self.solve("ground", *case, "--observe", "sq:Sz,Sz")["observables"]["sq:Sz,Sz"]
                flat = [x for row in factor for x in (row if isinstance(row, list) else [row])]
                for one, value in zip(found["correlations"], flat, strict=True):
                    self.assertAlmostEqual(one["total"], value, delta=1e-10)

    def test_a_spin_in_a_field_at_a_temperature(self):
        # Levels -+b/2: S+ takes up b from the lower one (p) and its adjoint gives it back.
        b, t = 0.8, 0.5
        p = 1 / (1 + math.exp(-b / t))
        words = ("--model", "heisenberg", "--sites", 1, "-p", f"b={b}", "--temperature", t)
        for asked, w, weight in (("op:S-", b, p), ("op:S+", -b, 1 - p)):
            (one,) = self.spectral(*words, "--correlation", f"{asked} 0")["correlations"]
            self.assertAlmostEqual(one["line_energies"][0], w, delta=1e-12)
            self.assertAlmostEqual(one["line_weights"][0], weight, delta=1e-12)
            self.assertAlmostEqual(one["reversed"], 1 - weight, delta=1e-12)
            self.assertLess(one["reversed_error"], 1e-12)

    def test_at_a_temperature_exact_and_from_random_vectors(self):
        case = (*RING, 8, "--temperature", 1, "--energies", "-2:4:61", "--broadening", 0.3)
        exact = self.spectral(*case)
        self.assertEqual(exact["method"], "exact")
        self.assertAlmostEqual(sum(one["total"] for one in exact["correlations"]), 2, delta=1e-10)
        thermal = self.solve("thermal", *RING, 8, "--temperature", 1, "--observe", "sq:Sz,Sz")
        self.assertAlmostEqual(exact["energy"], thermal["energy"][0], delta=1e-10)
        for one, value in zip(exact["correlations"], thermal["observables"]["sq:Sz,Sz"][0], strict=True):
            self.assertAlmostEqual(one["total"], value, delta=1e-10)
        found = self.solve("spectral", *case, "--method", "ftlm", "--samples", 12, "--momentum", 3, "--plot", self.folder / "t.svg")
        check(found, "spectral.json")
        (one,) = found["correlations"]
        for value, error, wanted in zip(one["spectrum"], one["spectrum_error"], exact["correlations"][3]["spectrum"], strict=True):
            self.assertLess(abs(value - wanted), 6 * error)
        self.assertNotIn("line_energies", one)
        text = program.run("spectral", *case, "--method", "ftlm", "--samples", 4, "--save", self.folder / "t.h5").out
        for words in ("T = 1, <H> = ", "ftlm: 4 random vectors of each of 9 sectors", "detailed balance <BA> within", "standard error"):
            self.assertIn(words, text)
        with h5py.File(self.folder / "t.h5") as saved:
            self.assertEqual(saved["spectrum_error"].shape, saved["spectrum"].shape)

    def test_conductivity(self):
        found = self.spectral("--model", "hubbard", "--sites", 6, "--cyclic", "-p", "U=0", "--sector", "nup=3", "--sector", "ndown=3",
                              "--correlation", "conductivity")
        sigma = found["conductivity"]
        self.assertAlmostEqual(sigma["drude_weight"], 2 / (6 * math.sin(math.pi / 6)), delta=1e-9)
        self.assertAlmostEqual(sigma["regular"], 0, delta=1e-9)
        done = program.run("spectral", "--model", "xxz", "--sites", 8, "--correlation", "conductivity:x", "--plot", self.folder / "c.svg",
                           "--save", self.folder / "c.h5")
        self.assertEqual(done.status, 0, done.err)
        self.assertRegex(done.out, r"Drude +0, D =")
        self.assertIn("sigma(w)", (self.folder / "c.svg").read_text(encoding="utf-8"))

    def test_conductivity_at_a_temperature(self):
        case = ("--model", "xxz", "-p", "delta=0.6", "--cyclic", "--sites", 8, "--correlation", "conductivity", "--temperature", 1,
                "--energies", "0:4:9", "--broadening", 0.3)
        exact = self.spectral(*case, "--drude-below", 0.3)["conductivity"]
        self.assertNotIn("regular_error", exact)
        file = self.folder / "t.h5"
        words = ("spectral", *case, "--method", "ftlm", "--samples")
        whole = self.solve(*words, 12, "--save", file, "--plot", self.folder / "t.svg")
        check(whole, "spectral.json")
        found = whole["conductivity"]
        self.assertEqual(found["drude_below"], 0.3)  # the broadening
        for name in ("kinetic", "regular", "drude_weight"):
            self.assertLess(abs(found[name] - exact[name]), 5 * found[name + "_error"])
        for value, error, wanted in zip(found["spectrum"], found["spectrum_error"], exact["spectrum"], strict=True):
            self.assertLess(abs(value - wanted), 5 * error)
        with h5py.File(file) as saved:
            self.assertEqual(saved["spectrum_error"].shape, (1, 9))
        text = program.run(*words, 4).out
        self.assertRegex(text, r"Drude +0\.\d+\(\d+\), D = .*\n? *.*below 0\.3")

    def test_text_picture_and_file(self):
        picture, file = self.folder / "s.svg", self.folder / "s.h5"
        done = program.run("spectral", *RING, 8, "--plot", picture, "--save", file)
        self.assertEqual(done.status, 0, done.err)
        for words in ("q/2pi", "4/8", "sum rules", "all q      weight 2\n", "S = 0, one state"):
            self.assertIn(words, done.out)
        self.assertIn("S(q,w)", picture.read_text(encoding="utf-8"))
        with h5py.File(file) as saved:
            self.assertEqual(saved["momentum"][:, 0].tolist(), list(range(8)))
            self.assertEqual(saved["spectrum"].shape, (8, len(saved["energy"])))
            weights = saved["line_weights"][:].real
            self.assertAlmostEqual(weights[weights == weights].sum(), 2, delta=1e-10)  # without NaN
        again = program.run("rerun", file)
        self.assertEqual(again.status, 0, again.err)
        odd = program.run("spectral", *RING, 5, "--momentum", "1").out
        self.assertIn("mean over 4 states", odd)
        self.assertNotIn("all q", odd)


if __name__ == "__main__":
    program.main()
