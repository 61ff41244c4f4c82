"""Sweeps: what is computed is what single runs give; nothing that happens on the way spoils it.

usage: sweep.py [few|all]   (how many random moments of kill -9; few is the default)
"""

import json
import math
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import time

import program

MANY = len(sys.argv) > 1 and sys.argv[1] in ("few", "all") and sys.argv.pop(1) == "all"

ISING = """\
command = "ground"
model = "ising"
cyclic = true
k = 2
observe = ["entropy:half"]
[parameters]
jz = 1
[vary]
sites = [4, 6]
bx = {from = 0.5, to = 1.5, count = 3}
[derive]
gap = "eigenvalues[1] - eigenvalues[0]"
"""

# Small enough that a run has many moments, large enough that it can be hit.
CHAINS = """\
command = "ground"
model = "xxz"
sites = {sites}
[vary]
delta = {{from = 0, to = 2, count = {count}}}
bz = [0, 0.25]
"""


def records(folder: pathlib.Path) -> list[dict]:
    lines = (folder / "points.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def lasting(record: dict) -> dict:
    """Without what two runs of a point do not share."""
    volatile = ("finished", "seconds", "seconds_setup", "seconds_solve", "seconds_measure", "checksum", "peak_rss_bytes", "peak_rss_rank_bytes", "cores",
                "threads")
    return {name: value for name, value in record.items() if name not in volatile}


class SweepTest(program.ProgramTest):
    def sweep(self, path, *args, status=0, **more) -> dict:
        done = program.run("sweep", path, "--json", *args, **more)
        self.assertEqual(done.status, status, done.err)
        self.err = done.err
        return done.json()

    def results(self, folder, *args) -> list[dict]:
        done = program.run("results", folder, "--json-lines", *args)
        self.assertEqual(done.status, 0, done.err)
        return [json.loads(line) for line in done.out.splitlines()]

    def assert_whole(self, folder, points: int):
        """One record for each point, all of them valid."""
        done = program.run("results", folder, "--check")
        self.assertEqual(done.status, 0, done.err)
        found = records(folder)
        self.assertEqual(len(found), points)
        self.assertEqual(len({record["point"] for record in found}), points)


class Results(SweepTest):
    def test_points_are_what_single_runs_give(self):
        path = self.file("ising.toml", ISING)
        said = self.sweep(path)
        self.assertEqual((said["points"], said["done"], said["computed"], said["failed"]), (6, 6, 6, 0))

        found = self.results(self.folder / "ising.out")
        self.assertEqual([(r["sites"], r["bx"]) for r in found], [(n, b) for n in (4, 6) for b in (0.5, 1, 1.5)])
        for record in found:
            one = self.solve("ground", "--model", "ising", "--cyclic", "-k", 2, "--sites", record["sites"], "-p", f"bx={record['bx']}",
                             "--observe", "entropy:half")
            self.assertAlmostEqual(record["energy"], one["energy"], delta=1e-10)
            self.assertAlmostEqual(record["gap"], one["eigenvalues"][1] - one["eigenvalues"][0], delta=1e-10)
            self.assertAlmostEqual(record["entropy:half"][0], one["observables"]["entropy:half"][0], delta=1e-8)
        self.assert_whole(self.folder / "ising.out", 6)

    def test_pandas_reads_one_row_a_point_and_no_dicts(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("python3-pandas is not installed")
        path = self.file("ising.toml", ISING)
        self.sweep(path)
        points = self.folder / "ising.out" / "points.jsonl"
        with open(points, "a", encoding="utf-8") as file:  # what mending leaves
            file.write(" " * 40 + "\n")
        table = pandas.read_json(points, lines=True)
        self.assertEqual(len(table), 6)
        self.assertFalse(any(isinstance(value, dict) for column in table for value in table[column]))
        self.assertEqual(sorted(set(table.bx)), [0.5, 1, 1.5])
        self.assertTrue((table.gap > 0).all())

    def test_every_command_and_way_to_vary(self):
        matrix = self.file("a.mtx", "%%MatrixMarket matrix coordinate real general\n3 2 3\n1 1 1.0\n2 2 -2.0\n3 1 0.5\n")
        svds = self.file("svds.toml", f"command = 'svds'\nmatrix = '{matrix}'\n[vary]\nwhich = ['largest', 'smallest']\n")
        self.sweep(svds)
        values = [r["singular_values"][0] for r in self.results(self.folder / "svds.out")]
        self.assertAlmostEqual(values[0], 2)
        self.assertAlmostEqual(values[1], 1.25 ** 0.5)

        evolve = self.file("evolve.toml", "command = 'evolve'\nmodel = 'heisenberg'\nsites = 4\nstate = 'neel'\ntime = 1\nobserve = ['sz:0', 'op:Sz 0 Sz 1', 'corr:Sz,Sz:0,1']\n"
                           "[vary]\nj = {from = 0.01, to = 1, count = 3, scale = 'log'}\n")
        self.sweep(evolve)
        moved = self.results(self.folder / "evolve.out")
        self.assertEqual([r["j"] for r in moved], [0.01, 0.1, 1])
        for r in moved:  # an operator in words is no file
            self.assertEqual(r["op:Sz 0 Sz 1"], r["corr:Sz,Sz:0,1"])

        eigh = self.file("eigh.toml", "command = 'eigh'\nmodel = 'j1j2'\nk = 'all'\n[vary]\nsector = [['sz=0', 'spinflip=1'], 'sz=1']\n"
                         "[[together]]\nj2 = [0.1, 0.5]\nsites = [4, 6]\n[where]\nskip = 'sites = 6 and j2 > 0.4 and sector = \"sz=1\"'\n")
        self.sweep(eigh)
        found = self.results(self.folder / "eigh.out")
        self.assertEqual([(r["sector"], r["sites"], r["j2"]) for r in found],
                         [("sz=0 spinflip=1", 4, 0.1), ("sz=0 spinflip=1", 6, 0.5), ("sz=1", 4, 0.1)])
        for record in found:
            sector = [word for one in record["sector"].split() for word in ("--sector", one)]
            one = self.solve("eigh", "--model", "j1j2", "-k", "all", "--sites", record["sites"], "-p", f"j2={record['j2']}", *sector)
            self.assertEqual(len(one["eigenvalues"]), record["dimension"])
            for a, b in zip(one["eigenvalues"], record["eigenvalues"]):
                self.assertAlmostEqual(a, b, delta=1e-10)

        for command, more, columns in (("levels", "", ["energy", "levels_energy", "levels_spin"]),
                                       ("thermal", "temperature = '0.5,1'\n", ["temperatures", "energy", "heat_capacity", "entropy", "susceptibility"])):
            self.sweep(self.file(f"{command}.toml", f"command = '{command}'\nmodel = 'heisenberg'\n{more}[vary]\nsites = [2, 4]\n"))
            table = program.run("results", self.folder / f"{command}.out").out.splitlines()
            self.assertEqual(table[0].split(), ["sites", *columns])
            self.assertEqual(len(table), 3)

    def test_averages_have_standard_errors(self):
        path = self.file("mbl.toml", "command = 'ground'\nmodel = 'mbl'\nsites = 4\n[vary]\ndh = [0.5, 2]\n"
                         "seed = {from = 0, to = 4, step = 1, average = true}\n[derive]\nsquare = 'energy^2'\n")
        self.sweep(path)
        each = self.results(self.folder / "mbl.out", "--each")
        self.assertEqual(len(each), 10)
        for row in self.results(self.folder / "mbl.out"):
            energies = [r["energy"] for r in each if r["dh"] == row["dh"]]
            mean = sum(energies) / 5
            error = (sum((e - mean) ** 2 for e in energies) / 4 / 5) ** 0.5
            self.assertEqual(row["averaged"], 5)
            self.assertAlmostEqual(row["energy"], mean, delta=1e-12)
            self.assertAlmostEqual(row["energy_error"], error, delta=1e-12)
            self.assertAlmostEqual(row["square"], sum(e * e for e in energies) / 5, delta=1e-10)

    def test_tables(self):
        path = self.file("ising.toml", ISING)
        self.sweep(path)
        folder = self.folder / "ising.out"

        table = program.run("results", folder, "--where", "sites = 4", "--columns", "bx,energy/sites").out.splitlines()
        self.assertEqual(table[0].split(), ["bx", "energy/sites"])
        self.assertEqual([line.split()[0] for line in table[1:]], ["0.5", "1", "1.5"])
        csv = program.run("results", folder, "--csv", "--columns", "sites,eigenvalues").out.splitlines()
        self.assertEqual(csv[0], "sites,eigenvalues_0,eigenvalues_1")
        self.assertEqual(len(csv), 7)
        usual = program.run("results", folder).out.splitlines()[0].split()
        self.assertEqual(usual, ["sites", "bx", "gap", "energy", "entropy:half"])


    def test_formulas(self):
        path = self.file("s.toml", "command = 'ground'\nmodel = 'heisenberg'\nsites = 4\nk = 3\n[vary]\nj = [1, 2.5]\n")
        self.sweep(path)
        known = {"min": min, "max": max, "abs": abs, "sum": sum, "len": len, "sqrt": lambda x: x ** 0.5,
                 "mean": lambda x: sum(x) / len(x), "floor": lambda x: x // 1, "cos": math.cos}
        formulas = ["1+2*3", "(1+2)*3", "2^3^2", "-2^2", "1-2-3", "8/4/2", "2*-3", "1e-3*1E+3", "eigenvalues[0]-eigenvalues[-1]", "mean(eigenvalues)",
                    "sum(eigenvalues)/len(eigenvalues)", "min(j,2)", "max(eigenvalues)", "abs(energy)", "sqrt(j)", "floor(j)", "cos(j)", "j>1 and sites=4", "not j>1",
                    "j<2 or j>2", "model='heisenberg'", "model!='ising' and 1=1", "{energy}*2", "not j=1 or sites<3", "j>=1", "j<=1", "1 < 2", "k"]
        rows = self.results(self.folder / "s.out", "--columns", ",".join(formulas))
        for record, row in zip(records(self.folder / "s.out"), rows):
            for formula in formulas:
                in_python = re.sub(r"(?<![<>!])=", "==", formula.replace("^", "**").replace("{", "").replace("}", ""))
                self.assertAlmostEqual(row[formula], float(eval(in_python, known, record)), msg=formula)  # pylint: disable=eval-used

        for formula, *words in (("1 +", "a value is missing"), ("(1", "a ) is missing"), ("j[0", "a ] is missing"), ("'a", "a ' is missing"),
                                ("1 2", "'2' is not understood", "braces"), ("sinh(j)", "unknown function 'sinh'"), ("$", "expected a number"), ("1.2.3", "expected"), ("(" * 5000 + "1", "too deep"), ("-" * 5000 + "1", "too deep"), ("not " * 5000 + "1", "too deep")):
            self.assert_refused(program.run("results", self.folder / "s.out", "--columns", formula), 2, *words)


FIELD = """\
command = "ground"
model = "ising"
sites = 11
k = {k}
warm_starts = {warm}
{more}
[vary]
bx = {{from = 0.6, to = 1.2, count = {count}}}
"""


class WarmStarts(SweepTest):
    """Solves that begin at what neighbours have found: the same answers from fewer products."""

    def products(self, folder) -> int:
        return sum(r["products"] + r.get("certify_products", 0) for r in records(self.folder / folder))

    def energies(self, folder) -> list[float]:
        return [value for r in self.results(self.folder / folder) for value in r["eigenvalues"]]

    def assert_same(self, a: str, b: str):
        for one, other in zip(self.energies(a), self.energies(b), strict=True):
            self.assertAlmostEqual(one, other, delta=1e-9)

    def test_a_third_of_the_products_is_saved(self):
        for k in (1, 2):
            cold = self.file("cold.toml", FIELD.format(k=k, warm="false", count=60, more=""))
            warm = self.file("warm.toml", FIELD.format(k=k, warm="true", count=60, more=""))
            for path in (cold, warm):
                self.sweep(path, "--output", self.folder / f"{path.stem}{k}")
            self.assert_same(f"cold{k}", f"warm{k}")
            self.assert_whole(self.folder / f"warm{k}", 60)
            self.assertLess(3 * self.products(f"warm{k}"), 2 * self.products(f"cold{k}"))
            # It is the same point, however it is computed.
            self.assertEqual(*({r["point"] for r in records(self.folder / f"{name}{k}")} for name in ("cold", "warm")))
            self.assertEqual(self.sweep(warm, "--output", self.folder / f"cold{k}")["computed"], 0)

    def test_in_every_way_to_run(self):
        path = self.file("cold.toml", FIELD.format(k=2, warm="false", count=24, more=""))
        self.sweep(path, "--output", self.folder / "cold")
        path = self.file("warm.toml", FIELD.format(k=2, warm="true", count=24, more=""))
        pairs = self.file("pairs.toml", FIELD.format(k=2, warm="true", count=24, more="ranks_per_point = 2\nthreads = 1"))
        self.sweep(path, "--output", self.folder / "workers", "--ranks", 2)
        self.sweep(pairs, "--output", self.folder / "gangs", "--ranks", 2)
        for file, folder, ranks in ((path, "ranks", 3), (pairs, "job", 4)):
            done = program.run("sweep", file, "--output", self.folder / folder, ranks=ranks)
            self.assertEqual(done.status, 0, done.err)
        for folder in ("workers", "gangs", "ranks", "job"):
            self.assert_same("cold", folder)
            self.assert_whole(self.folder / folder, 24)
            self.assertLess(self.products(folder), self.products("cold"), folder)

    def test_nothing_is_left_on_the_disk(self):
        path = self.file("warm.toml", FIELD.format(k=1, warm="true", count=6, more=""))
        self.sweep(path)
        self.assertEqual({file.name for file in (self.folder / "warm.out").iterdir()}, {"sweep.json", "points.jsonl", "arrays.h5"})

    def test_levels_that_cross(self):
        text = "command = 'ground'\nmodel = 'heisenberg'\nsites = 11\nwarm_starts = {}\n[vary]\nbz = {{from = 0, to = 2.5, count = 26}}\n"
        for warm in ("true", "false"):
            self.sweep(self.file("s.toml", text.format(warm)), "--output", self.folder / warm)
        self.assert_same("true", "false")


class Interpolation(SweepTest):
    """Few points are solved, the others follow with a bound."""

    def compare(self, folder: str, exact: str, wanted: float) -> int:
        """Every energy is within its bound of the exact one; returns how many points were solved."""
        solved = 0
        for one, other in zip(self.results(self.folder / folder), self.results(self.folder / exact), strict=True):
            solved += not one["interpolated"]
            self.assertEqual(len(one["eigenvalues"]), len(other["eigenvalues"]))
            for value, bound, true in zip(one["eigenvalues"], one["bounds"], other["eigenvalues"], strict=True):
                self.assertLessEqual(bound, wanted)
                self.assertGreaterEqual(value, true - 1e-11)
                self.assertLessEqual(value - bound, true + 1e-11)
        return solved

    def test_energies_are_within_their_bounds(self):
        for k in (1, 2):
            exact, path = (self.file(name, FIELD.format(k=k, warm="false", count=80, more=more))
                           for name, more in (("exact.toml", ""), ("s.toml", "interpolate = 1e-8")))
            self.sweep(exact, "--output", self.folder / f"exact{k}")
            self.sweep(path, "--output", self.folder / f"line{k}")
            self.assert_whole(self.folder / f"line{k}", 80)
            self.assertLessEqual(self.compare(f"line{k}", f"exact{k}", 1e-8), 16)
            self.assertEqual(self.sweep(path, "--output", self.folder / f"line{k}")["computed"], 0)
            self.assertEqual(program.run("results", self.folder / f"line{k}").out.split()[:3], ["bx", "energy", "bounds"])

    def test_several_lines_in_every_way_to_run(self):
        text = "command = 'eigh'\nmodel = 'xxz'\nsector = 'sz=0'\nk = 2\n{}\n[vary]\nsites = [8, 10]\ndelta = {{from = 0, to = 2, count = 21}}\njxy = [1, 0.5]\n"
        self.sweep(self.file("exact.toml", text.format("")), "--output", self.folder / "exact")
        path = self.file("s.toml", text.format("interpolate = 1e-7"))
        gangs = self.file("g.toml", text.format("interpolate = 1e-7\nranks_per_point = 2\nthreads = 1"))
        self.sweep(path, "--output", self.folder / "one")
        self.sweep(path, "--output", self.folder / "workers", "--ranks", 2)
        self.sweep(gangs, "--output", self.folder / "gangs", "--ranks", 2)
        done = program.run("sweep", path, "--output", self.folder / "ranks", ranks=3)
        self.assertEqual(done.status, 0, done.err)
        for folder in ("one", "workers", "gangs", "ranks"):
            self.assert_whole(self.folder / folder, 84)
            self.assertLess(self.compare(folder, "exact", 1e-7), 60, folder)

    def test_levels_that_cross(self):
        text = "command = 'ground'\nmodel = 'heisenberg'\nsites = 9\nk = 2\n{}\n[vary]\nbz = {{from = 0, to = 2.5, count = 41}}\n"
        self.sweep(self.file("exact.toml", text.format("")), "--output", self.folder / "exact")
        self.sweep(self.file("s.toml", text.format("interpolate = 1e-8")), "--output", self.folder / "line")
        self.assertLess(self.compare("line", "exact", 1e-8), 41)

    def test_it_goes_on(self):
        text = FIELD.format(k=1, warm="true", count=40, more="interpolate = 1e-8")
        path = self.file("s.toml", text)
        self.sweep(path)
        points = self.folder / "s.out" / "points.jsonl"
        lines = points.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for i, line in enumerate(lines) if i % 3]
        points.write_text("".join(kept), encoding="utf-8")
        self.assertEqual(self.sweep(path)["computed"], 40 - len(kept))
        self.assertEqual(points.read_text(encoding="utf-8").splitlines(keepends=True)[:len(kept)], kept)
        self.assert_whole(self.folder / "s.out", 40)

    def test_what_cannot_be_interpolated_is_refused_before_any_work(self):
        head = "command = 'ground'\nmodel = 'ising'\nsites = 6\ninterpolate = 1e-8\n"
        vary = "[vary]\nbx = [0.5, 1, 1.5]\n"
        for text, *words in ((head + "[vary]\nk = [1, 2, 3]\n", "a parameter of the model that varies over three numbers"),
                             (head.replace("1e-8", "0") + vary, "s.toml:4:", "a number in (0, 1)"),
                             (head + "observe = ['sz']\n" + vary, "leave observe out"),
                             (head.replace("ground", "eigh") + "which = 'LA'\n" + vary, "k lowest levels"),
                             (head + "k = 'all'\n" + vary, "k lowest levels"),
                             (head + "all-sectors = true\n" + vary, "one sector"),
                             (head.replace("'ising'", "'mbl'") + "[vary]\nseed = [1, 2, 3, 4]\n", "depends linearly", "seed=2"),
                             (head.replace("ground", "thermal") + "temperature = '1'\n" + vary, "interpolate is of ground and eigh")):
            self.assert_refused(program.run("sweep", self.file("s.toml", text)), 2, *words)
            self.assertFalse((self.folder / "s.out").exists())
        self.assert_refused(program.run("sweep", self.file("s.toml", head + vary), "--only", "bx<1"), 2, "--only does not go with interpolate")


class Goes(SweepTest):
    """A sweep goes on, shares its work, and outlives what happens to it."""

    def test_it_goes_on_and_computes_nothing_twice(self):
        path = self.file("ising.toml", ISING)
        self.assertEqual(self.sweep(path, "--only", "bx < 1")["computed"], 2)
        before = records(self.folder / "ising.out")
        said = self.sweep(path, "--dry-run")
        self.assertEqual((said["points"], said["waiting"]), (6, 4))
        self.assertEqual(self.sweep(path)["computed"], 4)
        self.assertEqual(self.sweep(path)["computed"], 0)
        self.assertEqual(records(self.folder / "ising.out")[:2], before)

    def test_a_dry_run_writes_nothing(self):
        path = self.file("ising.toml", ISING)
        self.assertEqual(self.sweep(path, "--dry-run")["waiting"], 6)
        self.assertFalse((self.folder / "ising.out").exists())

    def test_what_changes_a_point_makes_a_new_one_and_keeps_the_old(self):
        path = self.file("ising.toml", ISING)
        self.sweep(path)
        folder = self.folder / "ising.out"
        first = records(folder)

        path.write_text(ISING.replace("k = 2", "k = 2\ntol = 1e-12"), encoding="utf-8")
        self.assertEqual(self.sweep(path)["computed"], 6)
        self.assertEqual(records(folder)[:6], first)
        self.assertEqual(len(records(folder)), 12)
        self.assertEqual(len(self.results(folder)), 6)
        diff = program.run("results", folder, "--diff", folder)
        self.assertIn("6 points in both", diff.out)

        # What is written in another way is the same run; so is what only looks at results.
        path.write_text(ISING.replace("jz = 1", "jz = 1.0").replace("gap =", "seed = 0\n[derive]\ngap =").replace("[derive]\nseed = 0\n", "") +
                        "half = 'gap / 2'\n", encoding="utf-8")
        self.assertEqual(self.sweep(path)["computed"], 0)
        self.assertAlmostEqual(self.results(folder)[0]["half"], self.results(folder)[0]["gap"] / 2)

    def test_the_contents_of_a_file_belong_to_the_point(self):
        terms = self.file("h.toml", "sites = 2\nterms = [[1.0, 'Sz', 0, 'Sz', 1]]\n")
        path = self.file("s.toml", f"command = 'ground'\nterms = '{terms}'\n[vary]\nk = [1, 2]\n")
        self.assertEqual(self.sweep(path)["computed"], 2)
        terms.write_text("sites = 2\nterms = [[2.0, 'Sz', 0, 'Sz', 1]]\n", encoding="utf-8")
        self.assertEqual(self.sweep(path)["computed"], 2)
        self.assertEqual([r["energy"] for r in self.results(self.folder / "s.out")], [-0.5, -0.5])

    def test_parameters_of_an_operator_file(self):
        chain = self.file("xxz.toml", "lattice = 'chain'\nsize = 'L'\n[parameters]\nL = 4\ndelta = 1\n[[bond]]\nxx = 1\nyy = 1\nzz = 'delta'\n")
        path = self.file("s.toml", f"command = 'ground'\nterms = '{chain}'\nsector = ['sz=0']\n[vary]\nL = [4, 6]\ndelta = [0.5, 1]\n")
        self.assertEqual(self.sweep(path)["computed"], 4)
        for record in self.results(self.folder / "s.out"):
            single = self.solve("ground", "--model", "xxz", "--sites", record["L"], "-p", f"delta={record['delta']}", "--sector", "sz=0")
            self.assertAlmostEqual(record["energy"], single["energy"], delta=1e-9)
        wrong = self.file("w.toml", f"command = 'ground'\nterms = '{chain}'\n[vary]\ndelt = [1, 2]\n")
        self.assert_refused(program.run("sweep", wrong), 2, "did you mean delta?")

    def test_a_point_that_fails_is_a_record_and_the_others_go_on(self):
        path = self.file("s.toml", "command = 'ground'\nmodel = 'heisenberg'\nsector = 'sz=0'\n[vary]\nsites = [4, 5, 6]\n")
        said = self.sweep(path, status=1)
        self.assertEqual((said["done"], said["failed"]), (2, 1))
        failed = [r for r in records(self.folder / "s.out") if r["status"] == "failed"]
        self.assertIn("sz=0", failed[0]["failure"])
        self.assertEqual(failed[0]["sites"], 5)

        self.assertEqual(self.sweep(path, status=1)["computed"], 0)
        self.sweep(path, "--retry-failed", status=1)
        again = [r for r in records(self.folder / "s.out") if r["status"] == "failed"]
        self.assertGreater(again[-1]["finished"], failed[0]["finished"])
        self.sweep(path, status=1)  # takes the older failure out
        self.assert_whole(self.folder / "s.out", 3)

    def test_what_did_not_converge_is_said(self):
        path = self.file("s.toml", "command = 'ground'\nmodel = 'heisenberg'\nsites = 14\nmethod = 'lanczos'\n[vary]\nmax-iterations = [2, 500]\n")
        said = self.sweep(path, status=3)
        self.assertEqual((said["done"], said["not_converged"]), (1, 1))
        self.assertEqual([r["converged"] for r in self.results(self.folder / "s.out")], [False, True])

    def test_workers_and_ranks(self):
        path = self.file("chains.toml", CHAINS.format(sites=6, count=40))
        self.sweep(path, "--output", self.folder / "one")
        self.sweep(path, "--output", self.folder / "workers", "--ranks", 2)
        done = program.run("sweep", path, "--output", self.folder / "ranks", ranks=2)
        self.assertEqual(done.status, 0, done.err)
        expected = [lasting(r) for r in self.results(self.folder / "one")]
        for folder in ("workers", "ranks"):
            self.assert_whole(self.folder / folder, 80)
            self.assertEqual([r["point"] for r in self.results(self.folder / folder)], [r["point"] for r in expected])
        self.assertIn("80 points in both, 0 of them differ", program.run("results", self.folder / "one", "--diff", self.folder / "ranks").out)

    def test_no_point_is_begun_that_would_not_end_before_the_job(self):
        path = self.file("chains.toml", CHAINS.format(sites=14, count=150))
        self.assertEqual(self.sweep(path, status=1, env={"SLURM_JOB_END_TIME": int(time.time())})["left_for_later"], 300)
        begin = time.monotonic()
        said = self.sweep(path, status=75, env={"SLURM_JOB_END_TIME": time.time() + 11})  # ten seconds are left to the end
        self.assertLess(time.monotonic() - begin, 11)
        self.assertEqual(said["left_for_later"], 300 - said["done"])
        self.assertGreater(said["done"], 0)
        again = program.run("sweep", path, "--ranks", 2, "--json", env={"SLURM_JOB_END_TIME": time.time() + 11}).json()
        self.assertGreaterEqual(again["done"], said["done"])
        self.assertEqual(self.sweep(path)["computed"], 300 - again["done"])
        self.assert_whole(self.folder / "chains.out", 300)

    def test_random_time_limits_lose_no_point(self):
        if not MANY:
            self.skipTest("one limit is tried by the test above")
        path = self.file("chains.toml", CHAINS.format(sites=12, count=200))
        moments, done = random.Random(3), 0
        for _ in range(20):
            end = time.time() + 10 + moments.uniform(0.2, 1.5)
            run = program.run("sweep", path, "--json", env={"SLURM_JOB_END_TIME": end})
            self.assertLess(time.time(), end)
            self.assertGreaterEqual(run.json()["done"], done)
            done = run.json()["done"]
            if run.status == 0:
                break
            self.assertEqual(run.status, 75 if run.json()["computed"] > 0 else 1)
        self.assertEqual(self.sweep(path)["computed"], 400 - done)
        self.assert_whole(self.folder / "chains.out", 400)

    def test_several_ranks_for_each_point(self):
        text = "command = 'ground'\nmodel = 'heisenberg'\nsites = 10\nranks_per_point = 2\nthreads = 1\n[vary]\nj = [1, 2, 3, 4, 5, 6]\n"
        path = self.file("s.toml", text)
        self.sweep(path, "--ranks", 4, "--output", self.folder / "gangs")
        done = program.run("sweep", path, "--output", self.folder / "job", ranks=4)
        self.assertEqual(done.status, 0, done.err)
        path.write_text(text.replace("ranks_per_point = 2\n", ""), encoding="utf-8")
        self.sweep(path, "--output", self.folder / "one")
        for folder in ("gangs", "job"):
            self.assert_whole(self.folder / folder, 6)
            self.assertEqual({r["ranks"] for r in records(self.folder / folder)}, {2})
            self.assertEqual({r["cores"] for r in records(self.folder / folder)}, {2})
            self.assertIn("6 points in both, 0 of them differ", program.run("results", self.folder / "one", "--diff", self.folder / folder).out)
        path.write_text(text, encoding="utf-8")
        self.assert_refused(program.run("sweep", path), 2, "ranks_per_point = 2", "--ranks 2")

    def kill_at_random(self, rounds: int, writers: int, *args):
        """Starts sweeps on one folder, kills them at random moments, and goes on until all is done."""
        path = self.file("chains.toml", CHAINS.format(sites=6, count=300))
        folder = self.folder / "chains.out"
        moments = random.Random(7)
        begin = time.monotonic()
        self.sweep(path, "--output", self.folder / "whole")
        longest = time.monotonic() - begin
        known = {}
        for _ in range(rounds):
            running = [subprocess.Popen([program.PROGRAM, "sweep", path, *args], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                       for _ in range(writers)]
            time.sleep(moments.uniform(0, longest * 1.5 / rounds + 0.03))
            for one in running:
                one.send_signal(signal.SIGKILL)
                one.wait()
            if (folder / "points.jsonl").exists():  # what was there stays as it was
                now = {r["point"]: r["finished"] for r in self.valid(folder)}
                self.assertEqual({point: now.get(point) for point in known}, known)
                known = now
        said = self.sweep(path)
        self.assertEqual((said["done"], said["failed"]), (600, 0))
        if "--ranks" in args:  # workers live on for milliseconds without their master
            self.assertLessEqual(said["computed"], 600 - len(known))
        else:
            self.assertEqual(said["computed"], 600 - len(known))
        self.assert_whole(folder, 600)
        done = program.run("results", folder, "--diff", self.folder / "whole")
        self.assertIn("600 points in both, 0 of them differ; 0 only in", done.out)

    @staticmethod
    def valid(folder) -> list[dict]:
        found = []
        for line in (folder / "points.jsonl").read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def test_killed_at_any_moment(self):
        self.kill_at_random(200 if MANY else 15, 1)

    def test_two_writers_killed_at_any_moment(self):
        self.kill_at_random(200 if MANY else 10, 2)

    def test_workers_killed_with_their_master(self):
        self.kill_at_random(40 if MANY else 4, 1, "--ranks", "2")

    def test_two_that_run_at_once_share_the_work(self):
        path = self.file("chains.toml", CHAINS.format(sites=8, count=100))
        two = [subprocess.Popen([program.PROGRAM, "sweep", path, "--json"], stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = [json.loads(one.communicate(timeout=60)[0]) for one in two]
        self.assertEqual([one.returncode for one in two], [0, 0])
        self.assert_whole(self.folder / "chains.out", 200)
        self.assertTrue(all(one["folder"] == str(self.folder / "chains.out") for one in said))

    def test_a_worker_that_dies_costs_nothing(self):
        path = self.file("chains.toml", CHAINS.format(sites=10, count=150))
        master = subprocess.Popen([program.PROGRAM, "sweep", path, "--ranks", "2", "--json"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.7)
        children = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text().split()
        for child in children[:1]:
            os.kill(int(child), signal.SIGKILL)
        out = master.communicate(timeout=60)[0]
        self.assertEqual(master.returncode, 0)
        self.assertEqual(json.loads(out)["done"], 300)
        self.assert_whole(self.folder / "chains.out", 300)

    def test_status_while_it_runs(self):
        path = self.file("chains.toml", CHAINS.format(sites=10, count=400))
        running = subprocess.Popen([program.PROGRAM, "sweep", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seen = []
        while running.poll() is None:
            if (self.folder / "chains.out" / "points.jsonl").exists():
                seen.append(program.run("status", self.folder / "chains.out", "--json").json())
        self.assertEqual(running.returncode, 0)
        for said in seen:
            self.assertEqual(sum(said[name] for name in ("done", "failed", "not_converged", "running", "waiting")), 800)
        self.assertIn(1, [said["running"] for said in seen])
        last = program.run("status", self.folder / "chains.out", "--json").json()
        self.assertEqual((last["done"], last["running"], last["waiting"], last["remaining_core_seconds"]), (800, 0, 0, 0))
        self.assertIn("800", program.run("status", self.folder / "chains.out").out)


LONG = {
    "cold": """command = "ground"
model = "xxz"
k = 2
sites = 17
warm_starts = false
[vary]
delta = [0.3, 0.5, 0.7, 0.9]
""",
    "warm": """command = "ground"
model = "xxz"
sites = 18
[vary]
delta = [0.3, 0.31, 0.32, 0.33, 0.34]
""",
    "inside": """command = "eigh"
model = "xxz"
sites = 12
method = "filter"
sigma = 0.1
k = 4
[vary]
delta = [0.3, 0.5, 0.7]
""",
    "svds": """command = "svds"
model = "heisenberg"
sites = 13
method = "restarted"
k = 4
[vary]
j = [0.3, 0.5, 0.7]
""",
    "evolve": """command = "evolve"
model = "heisenberg"
sites = 13
state = "neel"
time = 4
steps = 40
observe = ["sz:0"]
[vary]
j = [0.3, 0.5, 0.7]
""",
    "line": """command = "ground"
model = "ising"
sites = 15
k = 2
interpolate = 1e-8
[vary]
bx = {from = 0.7, to = 1.3, count = 30}
""",
    "sectors": """command = "ground"
model = "xxz"
sites = 16
sector = "sz=0..3"
k = 2
[vary]
delta = [0.3, 0.6]
""",
    "levels": """command = "levels"
model = "mbl"
sites = 14
sector = "sz=0..4"
k = 2
[vary]
seed = [1, 2]
""",
}


class Ends(SweepTest):
    """A sweep that is asked to end keeps what is under way, and goes on from it."""

    def setUp(self):
        super().setUp()
        seed = int(os.environ.get("KRONSOLVE_FUZZ_SEED", random.randrange(1 << 32)))
        print(f"KRONSOLVE_FUZZ_SEED={seed}", file=sys.stderr)
        self.random = random.Random(seed)

    def end(self, path, number, *args, ranks=0) -> int:
        """Starts the sweep and asks it to end some time after it has begun; the exit code."""
        folder = path.with_suffix(".out")
        before = len(records(folder)) if folder.exists() else 0
        process = subprocess.Popen(program.command("sweep", path, *args, "--threads", 1, ranks=ranks), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        while process.poll() is None and not (folder / "points.jsonl").exists():
            time.sleep(0.001)
        if self.random.random() < 0.5:  # after one more point, so that the next one has neighbours
            while process.poll() is None and len(records(folder)) <= before:
                time.sleep(0.001)
        time.sleep(self.random.uniform(0, 0.3))
        process.send_signal(number)
        _, err = process.communicate(timeout=100)
        # Before the sweep listens to it the signal ends it as any process. mpirun has been seen to die of SIGPIPE as it passed one on.
        of_mpirun = (-signal.SIGPIPE,) if ranks else ()
        self.assertIn(process.returncode, (0, 75, -number, 128 + number, *of_mpirun), err)
        return process.returncode

    def run_with_ends(self, name, *args, ranks=0, rounds=6) -> int:
        """How often a point went on in the middle; the results are those of an undisturbed sweep."""
        path, undisturbed = self.file(f"{name}.toml", LONG[name]), self.file(f"{name}-whole.toml", LONG[name])
        self.sweep(undisturbed, "--threads", 1)
        folder, kept = self.folder / f"{name}.out", 0
        for _ in range(rounds):
            number = signal.SIGUSR1 if ranks else self.random.choice((signal.SIGTERM, signal.SIGUSR1))  # mpirun answers SIGTERM itself
            if self.end(path, number, *args, ranks=ranks) == 0:
                break
            kept += len(list(folder.glob("checkpoint-*.h5")))
        there = len(list(folder.glob("checkpoint-*.h5")))
        done = program.run("sweep", path, "--json", *args, "--threads", 1, ranks=ranks, timeout=200)
        self.assertEqual(done.status, 0, done.err)
        self.assertEqual(done.err.count("going on from"), there, done.err)
        self.assertEqual(sorted(file.name for file in folder.iterdir() if file.name.startswith(("checkpoint", "stop"))), [])
        whole = {record["point"]: record for record in records(self.folder / f"{name}-whole.out")}
        found = records(folder)
        self.assertEqual({record["point"] for record in found}, set(whole))
        self.assertEqual(len(found), len(whole))
        for record in found:
            if name != "warm":  # a process that begins anew has no neighbours, whose certificate says more
                self.assertEqual(set(record), set(whole[record["point"]]))
            for column in ("eigenvalues", "singular_values", "energies", "sz:0", "levels_energy", "levels_spin"):
                for a, b in zip(record.get(column, []), whole[record["point"]].get(column, [])):
                    self.assertAlmostEqual(a, b, delta=1e-9 if name != "line" else 1e-8)
        if name == "line":  # the same points are solved, and none of them twice
            self.assertEqual([record["bx"] for record in found if not record["interpolated"]],
                             [record["bx"] for record in whole.values() if not record["interpolated"]])
        self.assert_whole(folder, len(whole))
        return kept

    def test_a_point_under_way_goes_on(self):
        kept = {name: self.run_with_ends(name, rounds=30 if MANY else 6) for name in LONG}
        print(f"went on in the middle: {kept}", file=sys.stderr)
        self.assertGreater(sum(kept.values()), 0)

    def test_with_workers_and_ranks(self):
        kept = self.run_with_ends("cold", "--ranks", 2) + self.run_with_ends("warm", ranks=2)
        print(f"went on in the middle: {kept}", file=sys.stderr)

    def test_at_the_end_of_the_job(self):
        path = self.file("long.toml", LONG["evolve"].replace("steps = 40", "steps = 400000").replace("time = 4", "time = 40000"))
        begun = int(time.time())
        done = program.run("sweep", path, "--json", "--threads", 1, timeout=100, env={"KRONSOLVE_JOB_END_TIME": begun + 40})
        self.assertEqual(done.status, 75, done.err)
        self.assertTrue(done.json()["stopped"])
        self.assertLess(time.time(), begun + 40)
        self.assertEqual(len(list((self.folder / "long.out").glob("checkpoint-*.h5"))), 1)

    def test_a_damaged_checkpoint_is_a_failed_point_that_says_what_to_remove(self):
        path = self.file("cold.toml", LONG["cold"])
        self.sweep(path, "--only", "delta = 0.3", "--threads", 1)
        point = records(self.folder / "cold.out")[0]["point"]
        (self.folder / "cold.out" / "points.jsonl").write_text("", encoding="utf-8")
        damaged = self.folder / "cold.out" / f"checkpoint-{point}.h5"
        damaged.write_text("damaged", encoding="utf-8")
        self.sweep(path, "--only", "delta = 0.3", "--threads", 1, status=1)
        self.assertIn("nothing was touched, remove it", records(self.folder / "cold.out")[0]["failure"])
        self.assertEqual(damaged.read_text(encoding="utf-8"), "damaged")
        damaged.unlink()
        # What processes that were killed have left goes when the sweep begins, of points that are done and half a file.
        self.sweep(path, "--only", "delta = 0.3", "--threads", 1, "--retry-failed")
        left = [damaged, damaged.with_name("checkpoint-00000000000000ab.h5.0123456789012345.part")]
        for file in left:
            file.write_text("left", encoding="utf-8")
        self.sweep(path, "--only", "delta = 0.3", "--threads", 1)
        self.assertEqual([file for file in left if file.exists()], [])


class Damage(SweepTest):
    def setUp(self):
        super().setUp()
        self.path = self.file("ising.toml", ISING)
        self.sweep(self.path)
        self.points = self.folder / "ising.out" / "points.jsonl"
        self.whole = self.points.read_bytes()

    def assert_mended(self, lost: int):
        said = self.sweep(self.path)
        self.assertEqual(said["computed"], lost)
        self.assertIn("computed again", self.err)
        self.assert_whole(self.folder / "ising.out", 6)
        self.assertEqual(self.sweep(self.path)["computed"], 0)
        self.assertEqual(self.err, "")

    def test_a_last_record_that_was_cut_short(self):
        last = len(self.whole.splitlines(keepends=True)[-1])
        lengths = range(1, last) if MANY else random.Random(1).sample(range(1, last), 12)
        for cut in lengths:
            with self.subTest(cut):
                self.points.write_bytes(self.whole[:-cut])
                self.assert_mended(1)

    def test_changed_bytes(self):
        lines = self.whole.splitlines(keepends=True)
        moments = random.Random(2)
        for _ in range(200 if MANY else 12):
            line = moments.randrange(6)
            place = sum(map(len, lines[:line])) + moments.randrange(len(lines[line]) - 1)
            changed = bytearray(self.whole)
            changed[place] ^= 1 << moments.randrange(7)
            if bytes([changed[place]]) == b"\n":
                continue
            with self.subTest(place):
                self.points.write_bytes(changed)
                self.assert_refused(program.run("results", self.folder / "ising.out", "--check"), 2, "damaged", f"line {line + 1}")
                self.assert_mended(1)
                self.assertIn(bytes(changed).splitlines()[line], (self.folder / "ising.out" / "damaged.txt").read_bytes())

    def test_a_description_that_is_damaged_is_written_anew(self):
        (self.folder / "ising.out" / "sweep.json").write_text("{", encoding="utf-8")
        self.assert_refused(program.run("status", self.folder / "ising.out"), 2, "damaged", "sweep.json")
        self.assertEqual(self.sweep(self.path)["computed"], 0)

    def test_a_full_disk(self):
        path = self.file("chains.toml", CHAINS.format(sites=4, count=50))

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

        done = subprocess.run([program.PROGRAM, "sweep", path], preexec_fn=limit, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertIn("points.jsonl", done.stderr.splitlines()[-1])
        before = len(records(self.folder / "chains.out"))  # whole lines only
        self.assertGreater(before, 5)
        self.assertEqual(self.sweep(path)["computed"], 100 - before)


    def test_every_call_fails_in_turn(self):
        shim = os.environ.get("KRONSOLVE_FAILING_CALLS")
        if not shim or os.environ.get("KRONSOLVE_SANITIZE"):
            self.skipTest("sanitizers want to be loaded first")
        path = self.file("small.toml", "command = 'ground'\nmodel = 'ising'\nsites = 2\n[vary]\nbx = [0.5, 1, 1.5]\n")
        folder, mark = self.folder / "place", self.folder / "mark"
        faults = 0
        for how in ("once", "ever"):
            for n in range(1, 500, 1 if MANY else 2):
                subprocess.run(["rm", "-rf", folder], check=True)
                mark.unlink(missing_ok=True)
                done = program.run("sweep", path, "--output", folder, env={"LD_PRELOAD": shim, "KRONSOLVE_FAIL_MARK": mark,
                                                                           "KRONSOLVE_FAIL": f"{folder}:{n}:28:{how}"})
                if not mark.exists():
                    self.assertEqual(done.status, 0, done.err)
                    break
                faults += 1
                if done.status != 0:  # else a call whose failure changes nothing
                    self.assertEqual(done.status, 5, done.err)
                    self.assertIn(os.strerror(28), done.err.splitlines()[-1], f"{n} {how}")
                self.sweep(path, "--output", folder)
                self.assert_whole(folder, 3)
        self.assertGreater(faults, 10)


BAD = [
    ("model = 'ising'\n[vary]\nsites = [4]\n", "which command?"),
    ("command = 'grund'\n", ":1:11", "unknown command of a sweep 'grund'", "did you mean ground?"),
    ("command = 'ground'\nmodle = 'ising'\n", ":2:", "unknown key 'modle'", "did you mean model?"),
    ("command = 'ground'\nmodel = 'xy'\nsites = 4\nwarm_starts = 1\n[vary]\njxy = [1, 2]\n", ":4:", "warm_starts is true or false"),
    ("command = 'ground'\nmodel = 'isng'\n", ":2:", "unknown model 'isng'"),
    ("command = 'ground'\nmodel = 'ising'\nbx = 1\n", ":3:", "'bx' is a parameter of the model", "[parameters]"),
    ("command = 'ground'\nmodel = 'ising'\n[parameters]\nbq = 1\n", ":4:", "unknown parameter 'bq'", "did you mean bx?"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsite = [4]\n", ":4:", "unknown key 'site'", "did you mean sites?"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n", "nothing varies"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = []\n", ":4:", "'sites' has no values"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = 4\n", ":4:", "must be a list"),
    ("command = 'ground'\nmodel = 'ising'\nsites = [4, 6]\n[vary]\nbx = [1, 2]\n", ":3:", "takes one value", "[vary]"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nsites = [4, 5]\n", ":5:", "'sites' is given twice", "line 3"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[parameters]\nbx = 1\n[vary]\nbx = [1, 2]\n", ":7:", "'bx' is given twice", "line 5"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = [0.5, 1, 0.50]\n", "two points are the same run", "bx=0.5"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = {from = 0.5, to = 2}\n", ":5:", "'count' or 'step'"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = {from = 0, to = 1, step = -1}\n", ":5:", "does not lead"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = {from = 0, to = 1, cuont = 3}\n", "'cuont'", "did you mean count?"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = {from = 0, to = 1, count = 3, scale = 'log'}\n", "positive"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = {from = 0, to = 1, count = 0}\n", "'count' must be"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\nbx = [1, nan]\n", ":5:", "finite"),
    ("command = 'ground'\nmodel = 'ising'\n[[together]]\nsites = [4, 6]\nbx = [1]\n", ":5:", "equally many"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = [4]\n[derive]\ngap = 'energy +'\n", ":6:", "a value is missing"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = [4]\n[where]\nskip = 'sites = 4'\n", "leaves no point"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = [4]\n[where]\nskip = 'stes = 4'\n", "no field 'stes'", "did you mean sites?"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = [4]\n[where]\nskp = 'sites = 4'\n", ":6:", "did you mean skip?"),
    ("command = 'ground'\nmodel = 'ising'\nranks = 2\n[vary]\nsites = [4]\n", ":3:", "kronsolve sweep --ranks"),
    ("command = 'thermal'\nmodel = 'ising'\nplot = 'a.svg'\n[vary]\nsites = [4]\n", ":3:", "--plot"),
    ("command = 'ground'\nmodel = 'ising'\nsave = 'a.h5'\n[vary]\nsites = [4]\n", ":3:", "--save"),
    ("command = 'ground'\nmodel = 'ising'\nsites = 4\n[vary]\ntol = ['x']\n", "--tol", "'x'"),
    ("command = 'ground'\nterms = 'no.toml'\n[vary]\nk = [1]\n", "no.toml"),
    ("command = 'ground'\nmodel = \n", ":2:"),
    ("command = 'ground'\nmodel = 'ising'\n[vary]\nsites = {from = 1, to = 3000, count = 3000}\nk = {from = 1, to = 9000, count = 9000}\n", "more than"),
]


class Refusals(SweepTest):
    def test_files(self):
        for text, *words in BAD:
            with self.subTest(text):
                path = self.file("s.toml", text)
                status = 5 if "no.toml" in text else 2
                self.assert_refused(program.run("sweep", path), status, *words)
                self.assertFalse((self.folder / "s.out").exists())

    def test_folders(self):
        path = self.file("ising.toml", ISING)
        self.assert_refused(program.run("sweep"), 2, "which sweep?")
        self.assert_refused(program.run("sweep", self.folder / "none.toml"), 5, "none.toml")
        self.assert_refused(program.run("status", self.folder), 5, "not the folder of a sweep")
        self.assert_refused(program.run("sweep", path, "--out", "x"), 2, "did you mean --output DIR?")
        self.assert_refused(program.run("sweep", path, "--output", self.folder), 2, "holds something else")
        self.assert_refused(program.run("sweep", path, "--output", "/proc/sweep"), 5, "/proc/sweep")
        self.assert_refused(program.run("sweep", path, "--output", path / "below"), 5)
        self.assert_refused(program.run("sweep", path, "--only", "colour = 1"), 2, "no field 'colour'")
        self.assert_refused(program.run("sweep", path, "--only", "bx <"), 2, "a value is missing")
        self.assertFalse((self.folder / "ising.out").exists())

        self.sweep(path)
        self.assert_refused(program.run("status", path), 5, "did you mean", "ising.out?")
        other = self.file("other.toml", "command = 'ground'\nmodel = 'xxz'\n[vary]\nsites = [4, 6]\n")
        self.assert_refused(program.run("sweep", other, "--output", self.folder / "ising.out"), 2, "another sweep")
        self.assert_refused(program.run("results", self.folder / "ising.out", "--columns", "bx,gpa"), 2, "'gpa'", "did you mean gap?")
        self.assert_refused(program.run("results", self.folder / "ising.out", "--where", "sites = 99"), 2, "no point")
        self.assert_refused(program.run("results", self.folder / "ising.out", "--csv", "--json-lines"), 2, "exclude each other")
        self.assert_refused(program.run("sweep", path, "--ranks", 2, ranks=2), 2, "mpirun")


if __name__ == "__main__":
    program.main()
