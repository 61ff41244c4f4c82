"""evolve with --jump: density matrices and trajectories of open systems."""

import json
import math

import jsonschema
import numpy as np
import program
import scipy.linalg
from spins import SZ, UP, on_site

SCHEMA = json.loads((program.SOURCE / "docs" / "schema" / "evolve.json").read_text(encoding="utf-8"))


def heisenberg(sites: int):
    return sum(on_site(SZ, i, sites) @ on_site(SZ, i + 1, sites)
               + 0.5 * (on_site(UP, i, sites) @ on_site(UP.T, i + 1, sites) + on_site(UP.T, i, sites) @ on_site(UP, i + 1, sites))
               for i in range(sites - 1))


def moved(h, jumps, psi, time):
    """rho at a time by the exponential of what moves it, row by row."""
    one = np.eye(len(h))
    generator = -1j * (np.kron(h, one) - np.kron(one, h.T))
    for jump in jumps:
        damping = jump.conj().T @ jump
        generator = generator + np.kron(jump, jump.conj()) - 0.5 * (np.kron(damping, one) + np.kron(one, damping.T))
    return (scipy.linalg.expm(time * generator) @ np.outer(psi, psi.conj()).ravel()).reshape(h.shape)


class OpenSystems(program.ProgramTest):
    def evolve(self, *arguments, ranks=0) -> dict:
        found = self.solve("evolve", *arguments, ranks=ranks)
        jsonschema.Draft202012Validator(SCHEMA).validate(found)
        return found

    def test_density_matrix_of_a_chain_against_scipy(self):
        sites, times = 3, [0.0, 0.5, 2.0]
        jumps = [math.sqrt(0.2) * on_site(UP.T, i, sites) for i in range(sites)]
        jumps += [math.sqrt(0.7) * on_site(SZ, 1, sites), 0.3 * on_site(UP, 0, sites) + 0.4j * on_site(UP, 2, sites)]
        psi = np.zeros(8, dtype=complex)
        psi[0b010] = 1  # u d u
        for ranks in (0, 2):
            found = self.evolve("--model", "heisenberg", "--sites", sites, "--state", "udu", "--times", "0,0.5,2", "--jump", "S-:0.2",
                                "--jump", "Sz:0.7:1", "--jump", "op:0.3 S+ 0 + (0+0.4i) S+ 2", "--observe", "sz", "--observe", "corr:S+,S-",
                                ranks=ranks)
            self.assertEqual((found["method"], found["times"]), ("density", times))
            for at, time in enumerate(times):
                rho = moved(heisenberg(sites), jumps, psi, time)
                self.assertAlmostEqual(found["energies"][at], np.trace(rho @ heisenberg(sites)).real, delta=1e-9)
                self.assertAlmostEqual(found["purities"][at], np.trace(rho @ rho).real, delta=1e-9)
                self.assertAlmostEqual(found["traces"][at], 1, delta=1e-9)
                for i in range(sites):
                    self.assertAlmostEqual(found["observables"]["sz"][at][i], np.trace(rho @ on_site(SZ, i, sites)).real, delta=1e-9)
                    pair = np.trace(rho @ on_site(UP, 0, sites) @ on_site(UP.T, i, sites))
                    self.assertAlmostEqual(complex(*found["observables"]["corr:S+,S-"][at][0][i]), pair, delta=1e-9)

    def test_a_driven_spin_that_decays_has_the_stationary_state_of_bloch(self):
        terms = self.file("h.toml", "sites = 1\nterms = [[0.9, 'Sx', 0]]\n")
        found = self.evolve("--terms", terms, "--state", "d", "--time", 60, "--jump", "S-:0.4", "--observe", "sz:0")
        excited = 0.9**2 / (0.4**2 + 2 * 0.9**2)
        self.assertAlmostEqual(found["observables"]["sz:0"][-1], excited - 0.5, delta=1e-8)

    def test_trajectories_have_the_mean_of_the_density_matrix_within_their_errors(self):
        run = ("--model", "xxz", "-p", "delta=0.3", "--sites", 4, "--state", "neel", "--times", "0.5,1.5", "--jump", "S-:0.3",
               "--jump", "Sz:0.2:2", "--observe", "sz", "--observe", "corr:Sz,Sz:0,1", "--tol", 1e-7)
        exact = self.evolve(*run)
        alone = self.evolve(*run, "--trajectories", 300, "--seed", 5)
        self.assertEqual((alone["method"], alone["trajectories"]), ("trajectories", 300))
        self.assertGreater(alone["jumps_seen"], 100)
        for at in range(2):
            pairs = [(alone["energies"][at], alone["energies_error"][at], exact["energies"][at]),
                     (*[alone[name]["corr:Sz,Sz:0,1"][at] for name in ("observables", "observables_error")],
                      exact["observables"]["corr:Sz,Sz:0,1"][at])]
            pairs += zip(alone["observables"]["sz"][at], alone["observables_error"]["sz"][at], exact["observables"]["sz"][at])
            for value, error, is_ in pairs:
                self.assertGreater(error, 0)
                self.assertLess(abs(value - is_), 5 * error)
        together = self.evolve(*run, "--trajectories", 300, "--seed", 5, ranks=3)
        self.assertEqual(together["jumps_seen"], alone["jumps_seen"])
        for a, b in zip(np.ravel(alone["observables"]["sz"]), np.ravel(together["observables"]["sz"])):
            self.assertAlmostEqual(a, b, delta=1e-12)
        other = self.evolve(*run, "--trajectories", 300, "--seed", 6)
        self.assertNotEqual(other["observables"]["sz"], alone["observables"]["sz"])

    def test_particles_that_are_lost(self):
        """Electrons that do not hop: each is lost as the exponential, whatever their interaction is."""
        found = self.evolve("--model", "hubbard", "-p", "t=0", "-p", "U=3", "--sites", 2, "--state", "ud", "--time", 1, "--jump",
                            "Cup-:0.5", "--observe", "n")
        self.assertAlmostEqual(found["observables"]["n"][-1][0], math.exp(-0.5), delta=1e-9)
        self.assertAlmostEqual(found["observables"]["n"][-1][1], 1, delta=1e-9)

    def test_what_is_printed(self):
        run = ("evolve", "--model", "heisenberg", "--sites", 2, "--state", "ud", "--time", 1, "--jump", "Sz:0.5", "--observe", "sz:0")
        text = program.run(*run).out
        self.assertIn("jumps      Sz:0.5", text)
        self.assertRegex(text, r"time +energy +purity +sz:0")
        self.assertRegex(text, r"method +density matrix of 4 x 4")
        text = program.run(*run, "--trajectories", 50).out
        self.assertRegex(text, r"method +50 trajectories, \d+ jumps; standard errors in brackets")
        self.assertRegex(text, r"\n +1 .*\(\d+\)")

    def test_points_of_a_sweep(self):
        path = self.file("decay.toml", "command = 'evolve'\nmodel = 'ising'\nsites = 2\nstate = 'up'\njump = ['S-:0.3']\n"
                                       "observe = ['sz:0']\ntrajectories = 20\ntime = 1\n[vary]\nbx = [0.5, 1]\nseed = [0, 1]\n")
        done = program.run("sweep", path)
        self.assertEqual(done.status, 0, done.err)
        self.assertIn("4 records of 4 points", program.run("results", path.with_suffix(".out"), "--check").out)

    def test_bad_input_is_one_line(self):
        run = ("evolve", "--model", "heisenberg", "--sites", 3, "--state", "neel", "--time", 1)
        for arguments, words in ((("--jump", "S-"), "an operator and its rate"), (("--jump", "S-:-1"), "a rate is a positive number"),
                                 (("--jump", "S-:x"), "got 'x'"), (("--jump", "S-:1:3"), "from 0 to 2"), (("--jump", "Q:1"), "Q"),
                                 (("--jump", "op:S- 7"), "site"), (("--jump", "S-:1", "--sector", "sz=1/2"), "leads out of the sector"),
                                 (("--jump", "S-:1", "--imaginary"), "--imaginary is for states that no environment acts on"),
                                 (("--jump", "S-:1", "--save", "x.h5"), "--save is for"), (("--jump", "S-:1", "--observe", "entropy:1"),
                                                                                           "no expectation value"),
                                 (("--trajectories", 5), "belongs to --jump"),
                                 (("--jump", "S-:1", "--trajectories", 1), "--trajectories")):
            for ranks in (0, 2):
                with self.subTest(arguments=arguments, ranks=ranks):
                    self.assert_refused(program.run(*run, *arguments, ranks=ranks), 2, words)


if __name__ == "__main__":
    program.main()
