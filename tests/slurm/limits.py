#!/usr/bin/env python3
"""Jobs that meet their limits of time: they end before it, are queued again, and finish; nothing is lost or computed twice.

usage: limits.py PROGRAM [unittest arguments]
A limit of SLURM is a minute at least, so that this takes some. A slower machine needs more turns.
"""

import json
import pathlib
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
        (self.folder / "field.toml").write_text("command = 'ground'\nmodel = 'xxz'\nsites = 16\nwarm_starts = false\n[vary]\n"
                                                "delta = {from = 0.1, to = 2, count = 500}\n", encoding="utf-8")
        restarts = self.run_to_its_end(self.batch("field.toml", "--nodes", "2"))
        self.assertGreaterEqual(restarts, 2, self.said())
        checked = subprocess.run([PROGRAM, "results", "field.out", "--check"], capture_output=True, text=True, check=False, cwd=self.folder)
        self.assertIn("500 records of 500 points, all of them whole", checked.stdout)
        records = [json.loads(line) for line in (self.folder / "field.out" / "points.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual((len(records), len({record["point"] for record in records})), (500, 500))
        self.assertEqual({record["status"] for record in records}, {"done"})
        print(f"queued again {restarts} times", file=sys.stderr)

    def test_a_solve_on_two_nodes_that_is_longer_than_its_limit_finishes(self):
        words = "evolve --model heisenberg --sites 12 --state neel --time 20 --steps 2000"
        script = self.batch(words, "--nodes", "2")
        restarts = self.run_to_its_end("--signal=USR1@1", script)  # the end of the job is what ends it
        self.assertGreaterEqual(restarts, 1, self.said())
        self.assertIn("going on from", self.said())
        found = json.loads((self.folder / "evolve-heisenberg-12.json").read_text(encoding="utf-8"))
        self.assertEqual((found["ranks"], len(found["times"])), (2, 2001))
        alone = subprocess.run([PROGRAM, *words.split(), "--json"], capture_output=True, text=True, check=True, cwd=self.folder)
        for name in ("energies", "norms"):
            for a, b in zip(found[name], json.loads(alone.stdout)[name], strict=True):
                self.assertAlmostEqual(a, b, delta=1e-10)
        print(f"queued again {restarts} times", file=sys.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]])
