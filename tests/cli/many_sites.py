"""Sectors with few states on more sites than 64 bits tell apart: the exact energies of magnons, fermions and pairs of electrons from the
prompt, on any number of ranks, with measures, states by name, saved states and evolution; what goes beyond is refused."""

import math

import program

RING = ("--model", "heisenberg", "--sites", 65, "--cyclic")
TWO = ("--sector", "sz=61/2")
PAIR = ("--model", "hubbard", "--sites", 40, "--cyclic", "--sector", "nup=1", "--sector", "ndown=1", "-p", "U=4")


def lowest_pair(sites: int, u: float) -> float:
    """The lowest energy of an up and a down electron on a ring, t = 1: 1 = U/N sum_q 1/(E + 4 cos q)."""
    low, high = -4.0, -4 * math.cos(2 * math.pi / sites)
    for _ in range(200):
        middle = (low + high) / 2
        total = sum(1 / (middle + 4 * math.cos(2 * math.pi * m / sites)) for m in range(sites))
        low, high = (middle, high) if u / sites * total > 1 else (low, middle)
    return low


class ManySites(program.ProgramTest):
    def test_one_magnon_is_a_plane_wave(self):
        waves = sorted(65 / 4 - 1 + math.cos(2 * math.pi * m / 65) for m in range(65))
        for ranks in (0, 2, 3, 4):
            answer = self.solve("ground", *RING, "--sector", "sz=63/2", "-k", 5, ranks=ranks)
            self.assertEqual(answer["dimension"], 65)
            for found, wave in zip(answer["eigenvalues"], waves):
                self.assertAlmostEqual(found, wave, places=9)
        levels = self.solve("levels", *RING, "--sector", "sz=61/2..63/2", "-k", 2)
        self.assertAlmostEqual(min(level["energy"] for level in levels["levels"] if "sz=63/2" in level["sector"]), waves[0], places=9)

    def test_two_magnons_agree_in_every_form_and_on_any_number_of_ranks(self):
        energies = [self.solve("ground", *RING, *TWO, *more, ranks=ranks)["energy"]
                    for more, ranks in (((), 0), (("--method", "dense"), 0), (("--operator", "assembled", "--method", "lanczos"), 0),
                                        (("--operator", "matrix-free", "--method", "lanczos"), 0), (("--method", "lanczos"), 2),
                                        (("--method", "lanczos"), 3), (("--operator", "assembled", "--method", "lanczos"), 4))]
        for energy in energies:
            self.assertAlmostEqual(energy, energies[0], places=9)

    def test_fermions_fill_plane_waves(self):
        for sites, particles in ((65, 2), (120, 2), (70, 3)):
            waves = sorted(-2 * math.cos(2 * math.pi * m / sites) for m in range(sites))
            answer = self.solve("ground", "--model", "t-v", "-p", "V=0", "--sites", sites, "--cyclic", "--sector", f"n={particles}")
            self.assertEqual(answer["dimension"], math.comb(sites, particles))
            self.assertAlmostEqual(answer["energy"], sum(waves[:particles]), places=9)
        # One particle is in the first 32 of 65 sites or is not.
        for ranks in (0, 3):
            answer = self.solve("ground", "--model", "t-v", "--sites", 65, "--cyclic", "--sector", "n=1", "--observe", "entropy:half", ranks=ranks)
            p = 32 / 65
            self.assertAlmostEqual(answer["observables"]["entropy:half"], -p * math.log(p) - (1 - p) * math.log(1 - p), places=8)

    def test_a_pair_of_electrons_obeys_its_equation(self):
        for ranks in (0, 3):
            answer = self.solve("ground", *PAIR, ranks=ranks)
            self.assertEqual(answer["dimension"], 1600)
            self.assertAlmostEqual(answer["energy"], lowest_pair(40, 4), places=9)
        plan = self.solve("plan", *PAIR)
        self.assertEqual((plan["dimension"], plan["fits"]), (1600, True))

    def test_states_are_named_measured_saved_and_evolved(self):
        state = "1" + 63 * "0" + "1"
        path = self.folder / "pair.h5"
        wanted = [word for name in ("sz", "corr:Sz,Sz:0,64", "entropy:1", "variance", f"amplitude:{state}") for word in ("--observe", name)]
        solved = self.solve("ground", *RING, *TWO, *wanted, "--save", path)
        read = self.solve("measure", path, *wanted)
        for name in ("sz", "corr:Sz,Sz:0,64", "entropy:1"):
            self.assertEqual(program.json.dumps(solved["observables"][name]), program.json.dumps(read["observables"][name]), name)
        self.assertAlmostEqual(sum(solved["observables"]["sz"]), 61 / 2, places=9)
        self.assertAlmostEqual(solved["observables"]["variance"], 0, places=12)

        # One fermion that starts on a site of a long ring spreads as a Bessel function.
        for ranks in (0, 2):
            moved = self.solve("evolve", "--model", "t-v", "--sites", 100, "--cyclic", "--sector", "n=1", "--state", "1" + 99 * "0",
                               "--time", 1, "--observe", "amplitude:1" + 99 * "0", ranks=ranks)
            bessel = sum((-1) ** k / math.factorial(k) ** 2 for k in range(20))  # J0(2)
            self.assertAlmostEqual(moved["observables"]["amplitude:1" + 99 * "0"][-1][0], bessel, places=9)

    def test_what_is_too_much_is_one_line(self):
        for words, *said in (((*RING,), "overflows 64 bits", "choose a sector"),
                             ((*RING, "--sector", "sz=1/2"), "64 bits"),
                             ((*RING, *TWO, "--sector", "momentum=0"), "65 sites", "leave the symmetries out"),
                             (("--model", "heisenberg", "--sites", 129, "--sector", "sz=127/2"), "129 bits", "at most 128"),
                             (("--model", "hubbard", "--sites", 65, "--sector", "nup=1", "--sector", "ndown=0"), "130 bits")):
            with self.subTest(words=words):
                self.assert_refused(program.run("ground", *words), 2, *said)
        self.assert_refused(program.run("plan", *RING, *TWO, "--sector", "reflection=1"), 2, "leave the symmetries out")


if __name__ == "__main__":
    program.main()
