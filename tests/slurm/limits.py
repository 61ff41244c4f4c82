#!/usr/bin/env python3
"""Jobs that meet their limits of time: they end before it, are queued again, and finish; nothing is lost or computed twice.

usage: limits.py PROGRAM [unittest arguments]
A limit of SLURM is a minute at least, so that this takes a quarter of an hour. What is computed is as long as the machine is fast, so
that some limits are met on each.
"""

import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time
import unittest

from cluster import Cluster, processes_of

PROGRAM = sys.argv[1]
NODES = {"OMPI_MCA_btl": "tcp,self"}  # two nodes that are one machine must not think that they share memory


class Limits(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.cluster = Cluster().__enter__()
        self.addCleanup(self.cluster.__exit__)

    def batch(self, *arguments):
        """The script that batch has written, for jobs of a minute."""
        done = subprocess.run([PROGRAM, "batch", *arguments, "--threads", "1", "--time", "1min", "--json"], capture_output=True, text=True,
                              check=True, timeout=60, cwd=self.folder)
        return json.loads(done.stdout)["script"]

    def seconds(self, *arguments) -> float:
        """What a run takes on one thread."""
        done = subprocess.run([PROGRAM, *arguments, "--threads", "1", "--json"], capture_output=True, text=True, check=True, cwd=self.folder)
        return json.loads(done.stdout)["seconds"]["total"]

    def write_sweep(self, seconds: float) -> int:
        """A sweep of so many seconds on one core; the number of its points."""
        point = self.seconds("ground", "--model", "xxz", "--sites", "18", "-p", "delta=0.9")
        points = max(40, round(seconds / point))
        (self.folder / "field.toml").write_text("command = 'ground'\nmodel = 'xxz'\nsites = 18\nwarm_starts = false\n[vary]\n"
                                                f"delta = {{from = 0.1, to = 2, count = {points}}}\n", encoding="utf-8")
        return points

    def records(self) -> list[str]:
        path = self.folder / "field.out" / "points.jsonl"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def assert_complete(self, points: int):
        checked = subprocess.run([PROGRAM, "results", "field.out", "--check"], capture_output=True, text=True, check=False, cwd=self.folder)
        count = f"{points:,}".replace(",", " ")
        self.assertIn(f"{count} records of {count} points, all of them whole", checked.stdout)
        records = [json.loads(line) for line in self.records()]
        self.assertEqual((len(records), len({record["point"] for record in records})), (points, points))
        self.assertEqual({record["status"] for record in records}, {"done"})

    def steps(self) -> bool:
        """Something is left of a job on the nodes: it fails if it is run again now."""
        for pid in processes_of(self.cluster.conf):
            try:
                if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"slurmstepd"):
                    return True
            except OSError:
                pass
        return False

    def run_to_its_end(self, *submitted) -> int:
        """Lets waiting tasks begin at once, not after two minutes; the number of times that one was queued again."""
        job = self.cluster.submit(*submitted, cwd=self.folder, KRONSOLVE_PROGRAM=PROGRAM, **NODES)
        deadline = time.monotonic() + 1500
        while True:
            text = self.cluster.run("scontrol", "show", "job", job).stdout
            tasks = re.findall(r"JobId=(\d+).*?JobState=(\w+) Reason=(\w+).*?Restarts=(\d+).*?ExitCode=(\d+):", text, re.S)
            self.assertLess(time.monotonic(), deadline, text)
            self.assertFalse({state for _, state, *_ in tasks} & {"TIMEOUT", "FAILED", "CANCELLED", "NODE_FAIL"}, text + self.said())
            if all(state == "COMPLETED" for _, state, *_ in tasks):
                return sum(int(restarts) for *_, restarts, _ in tasks)
            if not self.steps():
                time.sleep(3)  # a node takes a run that begins in the second in which one has ended for that one
                for number, state, reason, *_ in tasks:
                    if (state, reason) == ("PENDING", "BeginTime"):
                        self.cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now", check=False)
            time.sleep(0.5)

    def said(self) -> str:
        return "\n".join(log.read_text(encoding="utf-8") for log in self.folder.glob("*.log"))

    def test_tasks_of_an_array_end_before_their_limit_and_are_queued_again(self):
        """The job number of one of the tasks is that of the array, which means all of them to SLURM."""
        points = self.write_sweep(2 * 100)
        restarts = self.run_to_its_end(self.batch("field.toml", "--nodes", "2"))
        self.assertGreaterEqual(restarts, 2, self.said())
        self.assert_complete(points)
        print(f"queued again {restarts} times", file=sys.stderr)

    def test_a_solve_on_two_nodes_that_is_longer_than_its_limit_finishes(self):
        words = "evolve --model heisenberg --sites 16 --state neel --steps 2000 --time {}"
        words = words.format(round(50 * 250 / self.seconds(*words.format(50).split())))
        script = self.batch(words, "--nodes", "2")
        restarts = self.run_to_its_end("--signal=USR1@1", script)  # the end of the job is what ends it
        self.assertGreaterEqual(restarts, 1, self.said())
        self.assertIn("going on from", self.said())
        found = json.loads((self.folder / "evolve-heisenberg-16.json").read_text(encoding="utf-8"))
        self.assertEqual((found["ranks"], len(found["times"])), (2, 2001))
        alone = subprocess.run([PROGRAM, *words.split(), "--json"], capture_output=True, text=True, check=True, cwd=self.folder)
        for name in ("energies", "norms"):
            for a, b in zip(found[name], json.loads(alone.stdout)[name], strict=True):
                self.assertAlmostEqual(a, b, delta=1e-10)
        print(f"queued again {restarts} times", file=sys.stderr)

    def test_signals_reach_a_solve_under_both_launchers(self):
        """USR1 as before a limit, TERM as before another job takes the nodes: a checkpoint, 75, and the same products in all."""
        words = "ground --model xxz -p delta=0.3 --sites 20 --threads 1 --json".split()
        alone = json.loads(subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=True).stdout)
        for launcher, to in (("srun --mpi=pmix", ()), ("exec mpirun -q -n 2", ("--batch",))):
            for number in ("USR1", "TERM"):
                with self.subTest(launcher=launcher, number=number):
                    name = f"{launcher.split()[-1]}-{number}"
                    script = self.folder / f"{name}.sbatch"
                    script.write_text(f"#!/bin/bash\n{launcher} {PROGRAM} {' '.join(words)} --checkpoint {name}.h5 > {name}.json\n",
                                      encoding="utf-8")
                    submit = ("--nodes=2", "--ntasks-per-node=1", f"--output={name}.log", "--time=5", str(script))
                    job = self.cluster.submit(*submit, cwd=self.folder, **NODES)
                    log = self.folder / f"{name}.log"
                    while not log.exists() or "starting from the beginning" not in log.read_text(encoding="utf-8"):
                        time.sleep(0.05)
                    time.sleep(0.5)
                    self.cluster.run("scancel", *to, f"--signal={number}", job)
                    ((_, status),) = self.cluster.wait(job)
                    # mpirun ends at SIGTERM with a status of its own, once its ranks have written and ended.
                    self.assertEqual(status, 1 if (to, number) == (("--batch",), "TERM") else 75, log.read_text(encoding="utf-8"))
                    self.assertTrue((self.folder / f"{name}.h5").exists())
                    ((state, _),) = self.cluster.wait(self.cluster.submit(*submit, cwd=self.folder, **NODES))
                    self.assertEqual(state, "COMPLETED", log.read_text(encoding="utf-8"))
                    found = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
                    self.assertAlmostEqual(found["eigenvalues"][0], alone["eigenvalues"][0], delta=1e-10)
                    self.assertLess(found["products"], 1.1 * alone["products"])

    def test_no_point_is_lost_by_limits_at_random_moments(self):
        """Ends that the program knows of, where it is queued again, and ends that nobody has told it."""
        seed = int(os.environ.get("KRONSOLVE_FUZZ_SEED", random.randrange(1 << 32)))
        print(f"KRONSOLVE_FUZZ_SEED={seed}", file=sys.stderr)
        choose = random.Random(seed)
        turns, longest = 20, 15
        points = self.write_sweep(turns * longest)
        script = self.batch("field.toml")
        before: list[str] = []
        for turn in range(turns):
            seconds, known = choose.uniform(1, longest), turn % 2 == 0
            end = {"SLURM_JOB_END_TIME": int(time.time() + 12 + seconds)} if known else {}  # nothing begins in the last ten seconds
            job = self.cluster.submit(script, cwd=self.folder, KRONSOLVE_PROGRAM=PROGRAM, **end)
            limit = time.monotonic() + (60 if known else seconds)
            while "Restarts=0" in self.shown(job) and time.monotonic() < limit:
                time.sleep(0.2)
            with self.subTest(turn=turn, seconds=seconds, known=known):
                self.assertEqual("Restarts=0" not in self.shown(job), known, self.said())
                self.cluster.run("scancel", job)
                while self.steps():
                    time.sleep(0.2)
                now = self.records()
                self.assertEqual(now[:len(before)], before)
                self.assertLess(len(now), points, "the sweep was too short")
            before = now
        self.assertGreater(len(before), turns)
        subprocess.run([PROGRAM, "sweep", "field.toml", "--ranks", "2"], capture_output=True, text=True, check=True, cwd=self.folder)
        self.assertEqual(self.records()[:len(before)], before)
        self.assert_complete(points)
        print(f"{len(before)} of {points} points in {turns} jobs", file=sys.stderr)

    def shown(self, job: str) -> str:
        return self.cluster.run("scontrol", "show", "job", job).stdout


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
