"""Observables by name at the prompt, in sectors and on lattices, and how they are printed."""

import math

import program

RING = ("--model", "heisenberg", "--sites", 8, "--cyclic", "--sector", "sz=0")


class Observables(program.ProgramTest):
    def test_the_lowest_states_say_their_spin(self):
        for momentum, spin in ((0, 0), (4, 1)):
            done = program.run("ground", *RING, "--sector", f"momentum={momentum}", "--observe", "s2", "--observe", "sz")

            self.assertEqual(done.status, 0, done.err)
            self.assertIn(f"  S = {spin}\n", done.out)
            # <Sz_i> is zero by symmetry: no rounding is shown
            self.assertEqual(done.out.split("\nsz\n")[1].split("\n\n")[0].split(), ["0"] * 8)

    def test_structure_factors_are_those_of_every_sector(self):
        plain = self.solve("ground", *RING, "--observe", "sq:Sz,Sz", "--observe", "distance:Sz,Sz", "--observe", "staggered:2")
        for ranks in (0, 3):
            symmetric = self.solve("ground", *RING, "--sector", "momentum=0", "--sector", "spinflip=1", "--observe", "sq:Sz,Sz",
                                   "--observe", "distance:Sz,Sz", "--observe", "staggered:2", ranks=ranks)
            s, distance = symmetric["observables"]["sq:Sz,Sz"], symmetric["observables"]["distance:Sz,Sz"]
            for name in ("sq:Sz,Sz", "distance:Sz,Sz"):
                for a, b in zip(symmetric["observables"][name], plain["observables"][name], strict=True):
                    self.assertAlmostEqual(a, b, delta=1e-9)
            self.assertAlmostEqual(sum(s), 8 * 0.25, delta=1e-9)
            self.assertAlmostEqual(s[4], 8 * symmetric["observables"]["staggered:2"], delta=1e-9)
            self.assertAlmostEqual(3 * 8 * distance[1], symmetric["energy"], delta=1e-9)

    def test_lattices_have_their_momenta_and_sublattices(self):
        result = self.solve("ground", "--model", "heisenberg2d", "--size", "2x4", "--cyclic", "--sector", "sz=0", "--observe", "sq:Sz,Sz",
                            "--observe", "staggered:2", "--observe", "op:Sz 0 Sz 1 + 0.5 S+ 0 S- 1 + 0.5 S- 0 S+ 1")

        seen = result["observables"]
        self.assertEqual([len(row) for row in seen["sq:Sz,Sz"]], [4, 4])
        self.assertAlmostEqual(seen["sq:Sz,Sz"][1][2], 8 * seen["staggered:2"], delta=1e-9)

    def test_sets_of_sites_and_participation_along_an_evolution(self):
        result = self.solve("evolve", "--model", "xxz", "--sites", 6, "--state", "neel", "--time", 1, "--observe", "mutual:0:5", "--observe",
                            "entropy:0,5", "--observe", "participation", "--observe", "imbalance")

        seen = result["observables"]
        self.assertAlmostEqual(seen["entropy:0,5"][0], 0, delta=1e-12)
        self.assertAlmostEqual(seen["participation"][0], 1, delta=1e-12)
        self.assertAlmostEqual(seen["imbalance"][0], 1, delta=1e-12)
        self.assertLess(seen["imbalance"][1], 0.9)
        self.assertGreater(seen["participation"][1], 1.5)
        self.assertGreater(seen["mutual:0:5"][1], 0)
        self.assertTrue(all(math.isfinite(x) for values in seen.values() for x in values))


    def test_overlap_and_fidelity_with_a_saved_state(self):
        chain = ("--model", "xxz", "--sites", 8, "--sector", "sz=0")
        saved = self.folder / "psi.h5"
        self.solve("ground", *chain, "--save", saved)
        observe = ("--observe", "fidelity", "--observe", "overlap", "--reference", saved)
        same = self.solve("ground", *chain, "-k", 2, *observe)["observables"]
        self.assertAlmostEqual(same["fidelity"][0], 1, delta=1e-10)
        self.assertAlmostEqual(same["fidelity"][1], 0, delta=1e-10)
        other = self.folder / "phi.h5"
        self.solve("ground", *chain, "-p", "delta=0.5", "--save", other)
        there = self.solve("measure", other, *observe)["observables"]
        again = self.solve("ground", *chain, "--observe", "fidelity", "--reference", other)["observables"]
        self.assertGreater(there["fidelity"], 0.9)
        self.assertLess(there["fidelity"], 1 - 1e-3)
        self.assertAlmostEqual(there["fidelity"], again["fidelity"], delta=1e-9)
        self.assertAlmostEqual(there["overlap"][0] ** 2, there["fidelity"], delta=1e-9)
        moved = self.solve("evolve", *chain, "--state", saved, "--time", 1, "--observe", "fidelity")["observables"]["fidelity"]
        self.assertAlmostEqual(moved[-1], 1, delta=1e-9)
        self.assert_refused(program.run("ground", "--model", "xxz", "--sites", 6, *map(str, observe)), 2, "8 spin-1/2")

    def test_bonds_add_up_to_the_energy(self):
        found = self.solve("ground", "--model", "heisenberg", "--sites", 10, "--cyclic", "--observe", "bonds", "--observe", "dimers")
        self.assertAlmostEqual(sum(found["observables"]["bonds"]), found["energy"], delta=1e-9)
        self.assertAlmostEqual(sum(map(sum, found["observables"]["dimers"])), found["energy"] ** 2, delta=1e-8)


if __name__ == "__main__":
    program.main()
