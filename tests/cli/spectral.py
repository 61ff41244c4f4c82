"""Correlations in frequency at the prompt: lines known by hand, sum rules, pictures, files, refusals."""

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
