"""The command evolve: exact evolutions, its outputs, exit codes."""

import cmath
import json
import math

import jsonschema
import program

SCHEMA = json.loads((program.SOURCE / "docs" / "schema" / "evolve.json").read_text(encoding="utf-8"))
METHODS = ("expm", "chebyshev", "solve", "integrate", "mfn")


def bessel(order: int, x: float) -> float:
    """J_n(x) = 1/pi int_0^pi cos(n t - x sin t) dt; the trapezoidal rule converges exponentially."""
    points = 200
    total = sum(math.cos(order * t - x * math.sin(t)) for t in (math.pi * i / points for i in range(1, points)))
    return (total + 0.5 + 0.5 * math.cos(order * math.pi)) / points


def hopping(sites: int, j: int, l: int, t: float) -> complex:
    """exp(-i h t)_jl of fermions that hop with amplitude 1/2 on an open chain."""
    return sum(2 / (sites + 1) * math.sin(math.pi * k * (j + 1) / (sites + 1)) * math.sin(math.pi * k * (l + 1) / (sites + 1))
               * cmath.exp(-1j * t * math.cos(math.pi * k / (sites + 1))) for k in range(1, sites + 1))


class Evolve(program.ProgramTest):
    def evolve(self, *arguments, ranks=0, **more) -> dict:
        result = self.solve("evolve", *arguments, ranks=ranks, **more)
        jsonschema.Draft202012Validator(SCHEMA).validate(result)
        return result

    def assert_close(self, got, exact, tol):
        self.assertEqual(len(got), len(exact))
        for a, b in zip(got, exact):
            self.assertAlmostEqual(a, b, delta=tol)

    def test_a_magnon_spreads_as_bessel_functions(self):
        sites, start, t = 40, 20, 6.0
        state = "u" * start + "d" + "u" * (sites - start - 1)
        for ranks in (0, 3):
            result = self.evolve("--model", "heisenberg", "--sites", sites, "--cyclic", "--sector", f"sz={sites // 2 - 1}",
                                 "--state", state, "--time", t, "--steps", 3, "--observe", "sz", ranks=ranks)

            self.assertEqual(result["times"], [0, 2, 4, 6])
            self.assertEqual(result["dimension"], sites)
            for time, profile in zip(result["times"], result["observables"]["sz"]):
                self.assert_close(profile, [0.5 - bessel(abs(i - start), time) ** 2 for i in range(sites)], 1e-9)
            self.assert_close(result["energies"], [sites / 4 - 1] * 4, 1e-10)
            self.assertLess(result["norm_drift"], 1e-12)
            self.assertLess(result["energy_drift"], 1e-10)

    def test_the_xx_chain_is_that_of_free_fermions(self):
        sites = 8
        for method in METHODS:
            for ranks in (0, 2) if method in ("expm", "mfn") else (0,):
                result = self.evolve("--model", "xy", "--sites", sites, "--state", "neel", "--time", 5, "--steps", 2,
                                     "--method", method, "--observe", "sz", "--observe", "corr:Sz,Sz:1,4", ranks=ranks)

                for time, profile, pair in zip(result["times"], result["observables"]["sz"],
                                               result["observables"]["corr:Sz,Sz:1,4"]):
                    up = range(0, sites, 2)  # a particle is an up spin
                    green = [[sum(hopping(sites, a, l, time) * hopping(sites, b, l, time).conjugate() for l in up)
                              for b in range(sites)] for a in range(sites)]
                    self.assert_close(profile, [green[j][j].real - 0.5 for j in range(sites)], 1e-9)
                    # Wick: <n1 n4> = <n1><n4> - |<c1+ c4>|^2
                    exact = (green[1][1].real - 0.5) * (green[4][4].real - 0.5) - abs(green[1][4]) ** 2
                    self.assertAlmostEqual(pair, exact, delta=1e-9)
                self.assertTrue(result["converged"])
                self.assertLess(max(result["errors"]), 1e-10)
                self.assertEqual(result["method"], "expm" if method == "chebyshev" else method)

    def test_time_0_is_the_start_with_its_observables(self):
        for extra in ([], ["--imaginary"], ["--method", "integrate"]):
            result = self.evolve("--model", "heisenberg", "--sites", 10, "--state", "neel", "--time", 0,
                                 "--observe", "sz", "--observe", "energy", *extra)
            self.assertEqual(result["times"], [0])
            self.assert_close(result["observables"]["sz"][0], [0.5, -0.5] * 5, 1e-15)
            self.assertAlmostEqual(result["observables"]["energy"][0], -2.25, delta=1e-12)
            self.assertTrue(result["converged"])

    def test_a_time_that_no_integrator_reaches_is_refused(self):
        run = program.run("evolve", "--model", "heisenberg", "--sites", 6, "--state", "neel",
                          "--method", "integrate", "--time", "1e300")
        self.assertEqual(run.status, 2)
        self.assertIn("use method expm", run.err)

    def test_couplings_near_the_end_of_the_range(self):
        plain = self.evolve("--model", "heisenberg", "--sites", 8, "--state", "neel", "--time", 1, "--observe", "sz")
        for method in ("auto", "integrate"):
            huge = self.evolve("--model", "heisenberg", "--sites", 8, "-p", "j=1e200", "--state", "neel", "--time", "1e-200",
                               "--method", method, "--observe", "sz")
            self.assertTrue(huge["converged"])
            self.assert_close(huge["observables"]["sz"][1], plain["observables"]["sz"][1], 1e-8)

    def test_two_spins_in_real_and_imaginary_time(self):
        # Equal parts of the singlet (-3/4) and a triplet (1/4).
        pair = ("--model", "heisenberg", "--sites", 2, "--state", "ud")
        real = self.evolve(*pair, "--time", -3, "--steps", 3, "--observe", "overlap", "--observe", "variance",
                           "--observe", "energy", "--observe", "entropy:half")
        for t, overlap, entropy in zip(real["times"], real["observables"]["overlap"], real["observables"]["entropy:half"]):
            exact = (cmath.exp(0.75j * t) + cmath.exp(-0.25j * t)) / 2
            self.assert_close(overlap, [exact.real, exact.imag], 1e-12)
            p = math.cos(t / 2) ** 2
            self.assertAlmostEqual(entropy, -sum(q * math.log(q) for q in (p, 1 - p) if q > 1e-15), delta=1e-9)
        self.assertEqual(real["times"], [0, -1, -2, -3])
        self.assert_close(real["observables"]["variance"], [0.25] * 4, 1e-12)
        self.assert_close(real["observables"]["energy"], [-0.25] * 4, 1e-12)
        self.assertNotIn("log_norm", real)

        for method in METHODS:
            result = self.evolve(*pair, "--time", 2, "--steps", 4, "--imaginary", "--method", method)
            for t, energy, log_norm in zip(result["times"], result["energies"], result["log_norm"]):
                a, b = math.exp(1.5 * t) / 2, math.exp(-0.5 * t) / 2
                self.assertAlmostEqual(energy, (-0.75 * a + 0.25 * b) / (a + b), delta=1e-9)
                self.assertAlmostEqual(log_norm, 0.5 * math.log(a + b), delta=1e-9)
            self.assertEqual(result["norms"], [1] * 5)

    def test_imaginary_time_ends_in_the_ground_state(self):
        for ranks in (0, 2):
            result = self.evolve("--model", "heisenberg", "--sites", 8, "--sector", "sz=0", "--state", "neel", "--time", 60,
                                 "--imaginary", "--observe", "variance", ranks=ranks)

            self.assertAlmostEqual(result["energies"][-1], -3.3749325986878902, delta=1e-10)
            self.assertLess(result["observables"]["variance"][-1], 1e-10)
            self.assertEqual(result["scalar"], "real")

    def test_complex_operators_and_sectors(self):
        terms = self.file("h.toml", "sites = 2\nterms = [[1.0, 'Sy', 0], [0.5, 'Sz', 1]]\n")
        result = self.evolve("--terms", terms, "--state", "u+", "--time", 1.2, "--steps", 2, "--observe", "sz", "--observe",
                             "local:Sx")
        for t, sz, sx in zip(result["times"], result["observables"]["sz"], result["observables"]["local:Sx"]):
            self.assert_close(sz, [math.cos(t) / 2, 0], 1e-10)  # about y; about z
            self.assert_close(sx, [math.sin(t) / 2, math.cos(t / 2) / 2], 1e-10)

        ring = ("--model", "heisenberg", "--sites", 8, "--cyclic", "--sector", "sz=0", "--sector", "momentum=1", "--state",
                "random", "--seed", 5, "--time", 3, "--observe", "amplitude:01010011")
        values = [self.evolve(*ring, "--method", method, ranks=ranks)["observables"]["amplitude:01010011"][1]
                  for method, ranks in (("solve", 0), ("expm", 0), ("expm", 3))]
        for other in values[1:]:
            self.assert_close(other, values[0], 1e-9)

    def test_workers_give_the_same(self):
        chain = ("--model", "xxz", "-p", "delta=0.3", "--sites", 9, "--state", "domain-wall", "--time", 2, "--observe", "sz:4")
        one = self.evolve(*chain)
        two = self.evolve(*chain, "--ranks", 2)
        self.assertEqual(two["ranks"], 2)
        self.assert_close(two["observables"]["sz:4"], one["observables"]["sz:4"], 1e-10)

    def test_a_saved_state_goes_on(self):
        # There and on, real and complex, written and read by different numbers of ranks.
        chain = ("--model", "heisenberg", "--sites", 8, "--sector", "sz=0", "--observe", "sz", "--observe", "overlap")
        file = self.folder / "a.h5"
        for more, tol in (((), 1e-9), (("--imaginary",), 1e-9)):
            whole = self.evolve(*chain, *more, "--state", "neel", "--time", 2)
            for first, second in ((0, 0), (3, 0), (0, 3)):
                self.evolve(*chain, *more, "--state", "neel", "--time", 1.25, "--save", file, ranks=first)
                rest = self.evolve(*chain, *more, "--state", file, "--time", 0.75, ranks=second)
                self.assert_close(rest["observables"]["sz"][-1], whole["observables"]["sz"][-1], tol)
                self.assert_close(rest["observables"]["overlap"][0], [1, 0], 1e-12)
                self.assertEqual((rest["start_time"], rest["times"], rest["end_time"]), (1.25, [1.25, 2.0], 2.0))
            self.assertEqual([p.name for p in self.folder.iterdir()], ["a.h5"])
        self.evolve("--model", "heisenberg", "--sites", 40, "--sector", "sz=19", "--state", "u" * 20 + "d" + "u" * 19, "--time",
                    3, "--save", file, "--observe", "corr:Sz,Sz", "--observe", "entropy:half", "--ranks", 2)

        for arguments, status, *words in (
            ((*chain, "--state", file, "--time", 1), 2, "40 spin-1/2", "8 spin-1/2", "sz=0"),
            ((*chain, "--state", self.file("no.h5", "text"), "--time", 1), 2, "no.h5", "not an HDF5 file"),
            ((*chain, "--state", "none.h5", "--time", 1), 5, "none.h5", "No such file"),
            ((*chain, "--state", "neel", "--time", 1, "--save", "/no/such/a.h5"), 5, "/no/such/a.h5", "No such file"),
            ((*chain, "--state", "neel", "--time", 1, "--save", "a.txt"), 2, "--save", "'a.txt'"),
        ):
            for ranks in (0, 2):
                self.assert_refused(program.run("evolve", *arguments, ranks=ranks), status, *words)
        # A run that fails leaves the older file as it was, and nothing beside it.
        before = file.read_bytes()
        done = program.run("evolve", *chain, "--state", "udududuu", "--time", 1, "--save", file)
        self.assertEqual(done.status, 2, done.err)
        self.assertEqual(file.read_bytes(), before)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["a.h5", "no.h5"])

    def test_times_may_be_any(self):
        chain = ("--model", "xxz", "--sites", 8, "-p", "delta=0.4", "--state", "neel", "--observe", "sz:3")
        for ranks in (0, 2):
            for text, times in (("0.5,0.6,3", [0.5, 0.6, 3]), ("0,1", [0, 1]), ("0:2:3", [0, 1, 2]), ("-1,-2", [-1, -2]),
                                ("log:0.01:100:5", [0.01, 0.1, 1, 10, 100])):
                result = self.evolve(*chain, "--times", text, ranks=ranks)
                self.assert_close(result["times"], times, 1e-12)
                for time, value in zip(result["times"], result["observables"]["sz:3"]):
                    one = self.evolve(*chain, "--time", time)
                    self.assertAlmostEqual(value, one["observables"]["sz:3"][-1], delta=1e-8)
        for text in ("1,1", "2,1", "1,-2", "-1,2", "0,0", "log:0:1:3", "1:2", "nan", "1,,2"):
            self.assert_refused(program.run("evolve", *chain, "--times", text), 2, "--times", "times that grow")
        for other in ("--time", "--steps"):
            self.assert_refused(program.run("evolve", *chain, "--times", "1,2", other, 1), 2, "--times", other)

    def test_imaginary_time_and_real_time_are_counted_apart(self):
        chain = ("--model", "heisenberg", "--sites", 6)
        file = self.folder / "cold.h5"
        self.evolve(*chain, "--state", "neel", "--imaginary", "--time", 3, "--save", file)
        self.assertEqual(self.evolve(*chain, "--state", file, "--time", 1)["times"], [0, 1])
        self.assertEqual(self.evolve(*chain, "--state", file, "--time", 1, "--imaginary")["times"], [3, 4])

    def test_a_quench_is_meant_or_refused(self):
        before, after = (("--model", "ising", "--sites", 8, "-p", f"bx={bx}", "-p", "hz=0.1") for bx in (0.3, 1.5))
        file = self.folder / "before.h5"
        self.solve("ground", *before, "--save", file)
        rest = ("--time", 2, "--steps", 4, "--observe", "sz:3", "--observe", "overlap", "--observe", "entropy:half")
        for ranks in (0, 3):
            self.assert_refused(program.run("evolve", *after, "--state", file, *rest, ranks=ranks), 2, "bx is 0.3 there and 1.5 here",
                                "--quench")
            quench = self.evolve(*after, "--state", file, "--quench", *rest, ranks=ranks)
            at_once = self.evolve(*after, "--state", "ground:bx=0.3", *rest, ranks=ranks)
            for name in ("sz:3", "entropy:half"):
                self.assert_close(quench["observables"][name], at_once["observables"][name], 1e-8)
            for a, b in zip(quench["observables"]["overlap"], at_once["observables"]["overlap"]):
                self.assert_close(a, b, 1e-8)
            self.assertLess(abs(complex(*quench["observables"]["overlap"][-1])), 0.9)
            still = self.evolve(*before, "--state", "ground", "--time", 2, "--observe", "sz:3", ranks=ranks)
            self.assertAlmostEqual(*still["observables"]["sz:3"], delta=1e-9)
            self.assertEqual(self.evolve(*before, "--state", file, "--time", 1, ranks=ranks)["times"], [0, 1])
        terms = self.file("two.toml", "sites = 2\nterms = [[1, 'Sz', 0, 'Sz', 1]]\n")
        other = self.file("other.toml", "sites = 2\nterms = [[2, 'Sz', 0, 'Sz', 1]]\n")
        saved = self.folder / "two.h5"
        self.evolve("--terms", terms, "--state", "ud", "--time", 1, "--save", saved)
        for arguments, *words in (
            (("--terms", other, "--state", saved), "two.toml", "other.toml", "--quench"),
            (("--model", "ising", "--sites", 2, "--state", saved), "two.toml", "ising, 2 sites", "--quench"),
            (("--terms", terms, "--state", "ground:bx=1"), "parameters belong to --model"),
            (("--terms", terms, "--state", "ground"), "degenerate", "--sector"),
            ((*after, "--state", "ground:bx"), "ground:bx", "bx=2,jz=1"),
            ((*after, "--state", "ground:bxx=1"), "bxx", "bx"),
            ((*after, "--state", "neel", "--quench"), "--quench belongs to --state FILE.h5"),
        ):
            for ranks in (0, 2):
                self.assert_refused(program.run("evolve", *arguments, "--time", 1, ranks=ranks), 2, *words)

    def test_json_lines_come_one_a_time(self):
        done = program.run("evolve", "--model", "heisenberg", "--sites", 6, "--state", "neel", "--time", 2, "--steps", 4,
                           "--observe", "sz:0", "--json-lines")
        self.assertEqual((done.status, done.err), (0, ""))
        *points, last = [json.loads(line) for line in done.out.splitlines()]
        whole = self.evolve("--model", "heisenberg", "--sites", 6, "--state", "neel", "--time", 2, "--steps", 4, "--observe",
                            "sz:0")
        self.assertEqual([p["time"] for p in points], whole["times"])
        self.assert_close([p["observables"]["sz:0"] for p in points], whole["observables"]["sz:0"], 1e-12)
        self.assert_close([p["energy"] for p in points], whole["energies"], 1e-12)
        self.assertEqual(last["command"], "evolve")
        self.assertTrue(last["converged"])

    def test_the_table_has_a_line_for_each_time(self):
        done = program.run("evolve", "--model", "heisenberg", "--sites", 4, "--state", "udud", "--time", 1, "--steps", 2,
                           "--observe", "sz:0", "--observe", "sz")
        self.assertEqual((done.status, done.err), (0, ""))
        lines = done.out.splitlines()
        head = lines.index("")
        self.assertEqual(lines[head + 1].split(), ["time", "energy", "error", "sz:0"])
        table = lines[head + 2:head + 5]
        self.assertEqual([line.split()[0] for line in table], ["0", "0.5", "1"])
        self.assertEqual(len({line.rindex(".") for line in table}), 1)  # points under each other
        for line in table:
            self.assertAlmostEqual(float(line.split()[1]), -0.75, delta=1e-12)
        self.assertIn("hbar = 1", done.out)

    def test_a_tolerance_below_rounding_is_not_converged(self):
        done = program.run("evolve", "--model", "heisenberg", "--sites", 6, "--state", "neel", "--time", 5, "--tol", "1e-15",
                           "--json")
        self.assertEqual(done.status, 3, done.err)
        result = done.json()
        jsonschema.Draft202012Validator(SCHEMA).validate(result)
        self.assertFalse(result["converged"])
        self.assertGreater(result["errors"][-1], 1e-15)

    def test_bad_input_is_one_line_and_exit_code_2(self):
        chain = ("--model", "heisenberg", "--sites", 4)
        good = ("--state", "neel", "--time", 1)
        matrix = self.file("a.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 1\n")
        for arguments, *words in (
            ((*chain, "--time", 1), "--state"),
            ((*chain, "--state", "neel"), "--time"),
            ((*chain, "--state", "neel", "--time", "inf"), "--time", "'inf'"),
            ((*chain, *good, "--steps", 0), "--steps", "'0'"),
            ((*chain, *good, "--steps", 1.5), "--steps", "'1.5'"),
            ((*chain, *good, "--tol", 1), "--tol", "'1'"),
            ((*chain, *good, "--method", "magnus"), "magnus is for operators that depend on time", "use expm"),
            ((*chain, *good, "--method", "magic"), "--method", "'magic'", "integrate"),
            ((*chain, *good, "--method", "lanczos"), "--method", "'lanczos'"),
            ((*chain, *good, "-k", 2), "unknown option '-k'"),
            ((*chain, *good, "--observe", "colour"), "colour"),
            ((*chain, *good, "--json", "--json-lines"), "--json-lines"),
            ((*chain, "--state", "udu", "--time", 1), "udu", "4 sites"),
            ((*chain, "--state", "nel", "--time", 1), "nel", "neel"),
            ((*chain, "--sector", "sz=1", *good), "neel", "sz=1"),
            (("--matrix", matrix, *good), "sites"),
        ):
            for ranks in (0, 2) if "sz=1" in arguments else (0,):
                self.assert_refused(program.run("evolve", *arguments, ranks=ranks), 2, *words)
        self.assert_refused(program.run("evolve", "--model", "heisenberg", "--sites", 22, *good,
                                        env={"KRONSOLVE_MEMORY_LIMIT": "200M"}), 2, "MiB", "available")
        self.assert_refused(program.run("evolve", *chain, *good, "--method", "mfn",
                                        env={"KRONSOLVE_ENGINE_DIR": "/nowhere"}), 4, "/nowhere")


if __name__ == "__main__":
    program.main()
