"""otoc: correlations out of time order against dense exponentials, and what is printed of them."""

import itertools
import json

import jsonschema
import numpy as np
import program
import scipy.linalg
from spins import SX, SY, SZ, on_site

SCHEMA = json.loads((program.SOURCE / "docs" / "schema" / "otoc.json").read_text(encoding="utf-8"))


def xxz(sites: int, delta: float):
    weights = ((1, SX), (1, SY), (delta, SZ))
    return sum(w * on_site(s, i, sites) @ on_site(s, i + 1, sites) for i, (w, s) in itertools.product(range(sites - 1), weights))


def vectors(h, w, v, psi, t):
    """W(t) V|psi> and V W(t)|psi>."""
    u = scipy.linalg.expm(-1j * t * h)
    moved = u.conj().T @ w @ u
    return moved @ v @ psi, v @ moved @ psi


class Otoc(program.ProgramTest):
    def otoc(self, *arguments, ranks=0) -> dict:
        found = self.solve("otoc", *arguments, ranks=ranks)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        return found

    def test_product_and_ground_states_against_dense_exponentials(self):
        sites, times = 5, [0, 0.5, 3]
        h = xxz(sites, 0.5)
        neel = np.zeros(2**sites)
        neel[int("01010", 2)] = 1
        sz = np.array([sum(0.5 - int(d) for d in f"{s:0{sites}b}") for s in range(2**sites)])
        values, states = np.linalg.eigh(h + 10 * np.diag((sz - 0.5) ** 2))
        self.assertGreater(values[1] - values[0], 0.1)
        chain = ("--model", "xxz", "--sites", sites, "-p", "delta=0.5", "--sector", "sz=1/2", "--times", "0,0.5,3")
        probes = ["Sz 3", "Sx 0", "S+ 2"]
        dense = [on_site(SZ, 3, sites), on_site(SX, 0, sites), on_site(SX + 1j * SY, 2, sites)]
        for (state, psi), ranks in itertools.product((("neel", neel), ("ground", states[:, 0])), (0, 2, 3)):
            found = self.otoc(*chain, "--state", state, "--moved", "Sx 1", *(w for p in probes for w in ("--probe", p)), ranks=ranks)
            self.assertEqual(found["probes"], probes)
            self.assertEqual(found["times"], times)
            self.assertNotIn("commutators_error", found)
            for p, v in enumerate(dense):
                for i, t in enumerate(times):
                    a, b = vectors(h, on_site(SX, 1, sites), v, psi, t)
                    with self.subTest(state=state, ranks=ranks, probe=probes[p], t=t):
                        self.assertAlmostEqual(found["commutators"][p][i], np.linalg.norm(a - b) ** 2, delta=1e-8)
                        self.assertAlmostEqual(complex(*found["correlations"][p][i]), np.vdot(b, a), delta=1e-8)

    def test_all_states_give_the_light_cone_within_the_errors(self):
        sites, t, site = 6, 1.5, 2
        found = self.otoc("--model", "xy", "--sites", sites, "--moved", f"Sz {site}", "--probe", "Sz", "--state", "random", "--samples", 12, "--times", f"0,{t}")
        self.assertEqual(found["probes"], [f"Sz {i}" for i in range(sites)])
        hop = np.diag(np.full(sites - 1, 0.5), 1)
        g = np.abs(scipy.linalg.expm(-1j * t * (hop + hop.T))[site]) ** 2
        for i in range(sites):
            self.assertLess(found["commutators"][i][0], 1e-25)
            self.assertLess(abs(found["commutators"][i][1] - g[i] * (1 - g[i]) / 2), 5 * found["commutators_error"][i][1] + 1e-12)

    def test_a_saved_state_goes_on_from_its_file(self):
        path = self.file("before.h5", "")
        chain = ("--model", "ising", "--sites", 5, "-p", "bx=0.7")
        self.assertEqual(program.run("evolve", *chain, "--state", "up", "--time", 1, "--save", path).status, 0)
        what = ("--moved", "Sx 0", "--probe", "Sz 2", "--times", "1.3")
        found = self.otoc(*chain, "--state", path, *what)
        sites = 5
        h = sum(on_site(SZ, i, sites) @ on_site(SZ, i + 1, sites) for i in range(sites - 1)) - 0.7 * sum(on_site(SX, i, sites) for i in range(sites))
        psi = scipy.linalg.expm(-1j * h)[:, 0]
        a, b = vectors(h, on_site(SX, 0, sites), on_site(SZ, 2, sites), psi, 1.3)
        self.assertAlmostEqual(found["commutators"][0][0], np.linalg.norm(a - b) ** 2, delta=1e-8)

    def test_what_is_printed_and_drawn(self):
        path = self.file("cone.svg", "")
        cone = ("--model", "ising", "--sites", 5, "--moved", "Sz 2", "--probe", "Sz", "--state", "random", "--time", 2, "--steps", 2, "--samples", 2)
        text = program.run("otoc", *cone, "--plot", path).out
        self.assertIn("mean over all states (infinite temperature)", text)
        self.assertRegex(text, r"C = <\|\[W\(t\),V\]\|\^2>")
        self.assertRegex(text, r"method +2 random states; standard errors in brackets")
        with open(path, encoding="utf-8") as picture:
            self.assertIn("<svg", picture.read())
        one = program.run("otoc", "--model", "ising", "--sites", 4, "--moved", "Sz 0", "--probe", "Sz 3", "--state", "up", "--time", 1).out
        self.assertRegex(one, r"time +C = .* +F = ")

    def test_bad_input_is_one_line(self):
        chain = ("--model", "ising", "--sites", 4, "--time", 1)
        up = (*chain, "--state", "up")
        probe = ("--probe", "Sz 0")
        for arguments, words in (((*up, *probe), "give --moved"), ((*up, "--moved", "Sz 0"), "give --probe"),
                                 ((*chain, *probe, "--moved", "Sz 0"), "--state"),
                                 ((*up, *probe, "--moved", "Sz"), "--moved 'Sz'"), ((*up, *probe, "--moved", "Sq 0"), "Sq"),
                                 ((*up, "--moved", "Sz 0", "--probe", "Sq"), "Sq"), ((*up, "--moved", "Sz 0", "--probe", "Sz 4"), "4"),
                                 ((*up, *probe, "--moved", "Sz 0", "--samples", 4), "--state random"),
                                 ((*up, *probe, "--moved", "Sz 0", "--sector", "sz=all"), "otoc takes one sector"),
                                 (("--model", "pxp", "--sites", 4, "--sector", "blockade", "--state", "random", "--time", 1, "--moved", "N 0", "--probe", "B+ 1"),
                                  "not in the target sector")):
            for ranks in (0, 2):
                with self.subTest(arguments=arguments, ranks=ranks):
                    self.assert_refused(program.run("otoc", *arguments, ranks=ranks), 2, words)


if __name__ == "__main__":
    program.main()
