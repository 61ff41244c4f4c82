#!/usr/bin/env python3
"""Programs and job templates under a real SLURM of two nodes on this machine.

usage: slurm.py ENERGIES DEATHS PROGRAM SOURCE [unittest arguments]
ENERGIES: the example `sweep`; DEATHS: the program of tests/session; PROGRAM: kronsolve.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from cluster import Cluster, processes_of

ENERGIES, DEATHS, PROGRAM, SOURCE = sys.argv[1:5]
TEMPLATES = pathlib.Path(SOURCE, "scripts", "slurm")
LAUNCHER = pathlib.Path(SOURCE, "scripts", "kronsolve-mpi")
# Two nodes that are one machine must not think that they share memory.
NODES = {"OMPI_MCA_btl": "tcp,self"}


class Slurm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        for name in ("KRONSOLVE_MODE", "KRONSOLVE_NUM_WORKERS"):
            os.environ.pop(name, None)
        cls.cluster = Cluster().__enter__()
        cls.addClassCleanup(cls.cluster.__exit__)
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name

    def srun(self, *command, check=True, **variables):
        return self.cluster.run("srun", "--mpi=pmix", *command, check=check, cwd=self.folder, **NODES, **variables)

    def plain(self, program, *arguments, **variables):
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=True,
                              env=os.environ | variables, cwd=self.folder).stdout

    def test_one_program_prints_the_same_however_it_is_started(self):
        expected = self.plain(ENERGIES, KRONSOLVE_NUM_WORKERS="2")
        self.assertIn("-7.1422963606", expected)
        for options in (["-n", "1"], ["-n", "3"], ["-N", "2", "-n", "4"]):
            self.assertEqual(self.srun(*options, ENERGIES).stdout, expected, options)
        self.assertEqual(self.srun("-N", "2", "-n", "3", ENERGIES, KRONSOLVE_MODE="syncro").stdout, expected)

    def test_a_plain_process_in_a_job_starts_its_workers(self):
        expected = self.plain(ENERGIES, KRONSOLVE_NUM_WORKERS="2")
        script = pathlib.Path(self.folder, "plain.sbatch")
        script.write_text(f"#!/bin/sh\n#SBATCH -N 2 --ntasks-per-node=2 -o plain.out -e plain.err\nexec {ENERGIES}\n", encoding="utf-8")
        job = self.cluster.submit(str(script), cwd=self.folder, KRONSOLVE_NUM_WORKERS=3, **NODES)
        self.assertEqual(self.cluster.wait(job), [("COMPLETED", 0)], pathlib.Path(self.folder, "plain.err").read_text())
        self.assertEqual(pathlib.Path(self.folder, "plain.out").read_text(), expected)

    def test_the_launcher_takes_srun(self):
        expected = self.plain(ENERGIES, KRONSOLVE_NUM_WORKERS="2")
        for options in (["-n", "3"], ["-n", "2", "--syncro"]):
            done = self.cluster.run(str(LAUNCHER), *options, "--launcher", "srun", ENERGIES, cwd=self.folder, **NODES)
            self.assertEqual(done.stdout, expected, options)

    def test_a_dead_rank_ends_the_job(self):
        process = subprocess.Popen(["srun", "--mpi=pmix", "--kill-on-bad-exit=1", "-n", "3", DEATHS, "work"],
                                   env=self.cluster.environment | NODES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   stdin=subprocess.DEVNULL)
        workers = []
        for line in process.stdout:
            word, pid = line.split()[:2]
            if word == "worker":
                workers.append(int(pid))
            if word == "result":
                break
        self.assertEqual(len(workers), 2)
        os.kill(workers[0], signal.SIGKILL)
        began = time.monotonic()
        _, err = process.communicate(timeout=30)
        self.assertNotEqual(process.returncode, 0)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn(f"process {workers[0]}", err)
        for pid in workers:
            self.assertFalse(pathlib.Path(f"/proc/{pid}/exe").exists() and pid in processes_of(self.cluster.conf))

    def test_an_exception_that_nobody_catches_is_told_once(self):
        for mode, where, who in (("futures", "task", "rank 0 of 3"), ("syncro", "rank1", "rank 1 of 3")):
            done = self.srun("-N", "2", "-n", "3", DEATHS, "fail", where, check=False, KRONSOLVE_MODE=mode)
            lines = [line for line in done.stderr.splitlines() if line.startswith("kronsolve: ")]
            self.assertEqual((done.returncode, len(lines)), (1, 1), done.stderr)
            self.assertIn(who, lines[0])

    def test_one_solve_over_two_nodes(self):
        job = self.cluster.submit(str(TEMPLATES / "solve.sbatch"), "--model", "heisenberg", "--sites", "14", "--cyclic", "--sector",
                                  "sz=0", cwd=self.folder, KRONSOLVE_PROGRAM=PROGRAM, **NODES)
        log = pathlib.Path(self.folder, f"kronsolve-{job}.log")
        self.assertEqual(self.cluster.wait(job), [("COMPLETED", 0)], log.read_text() if log.exists() else "")
        found = json.loads(pathlib.Path(self.folder, f"kronsolve-{job}.json").read_text())
        self.assertAlmostEqual(found["energy"], -6.263549533547030, delta=1e-9)
        self.assertEqual(found["ranks"], 4)
        self.assertTrue(found["converged"])

    def batch(self, *arguments):
        """The script that batch has written."""
        done = subprocess.run([PROGRAM, "batch", *arguments, "--json"], capture_output=True, text=True, check=True, timeout=60, cwd=self.folder)
        return json.loads(done.stdout)["script"]

    def test_a_sweep_that_batch_wrote(self):
        pathlib.Path(self.folder, "small.toml").write_text("command = 'ground'\nmodel = 'ising'\nsites = 6\n[vary]\n"
                                                           "bx = {from = 0.5, to = 2, count = 40}\n", encoding="utf-8")
        job = self.cluster.submit(self.batch("small.toml", "--nodes", "3", "--threads", "1"), cwd=self.folder, KRONSOLVE_PROGRAM=PROGRAM)
        self.assertEqual(set(self.cluster.wait(job)), {("COMPLETED", 0)})
        self.assertIn("40 records of 40 points", self.plain(PROGRAM, "results", "small.out", "--check"))

    def steps(self) -> list[int]:
        """What runs the steps of jobs on the nodes: it outlives them for a moment, and a job that is run again in that moment fails."""
        found = []
        for pid in processes_of(self.cluster.conf):
            try:
                found += [pid] if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"slurmstepd") else []
            except OSError:
                pass
        return found

    def until(self, holds, limit: float, what):
        deadline = time.monotonic() + limit
        while not holds():
            self.assertLess(time.monotonic(), deadline, what())
            time.sleep(0.2)

    def test_a_solve_on_two_nodes_is_queued_again_and_goes_on(self):
        """What SLURM does before the limit is done here at once: a signal to the ranks; and a job that waits to be run again, for
        two minutes, is told to run now."""
        words = "evolve --model heisenberg --sites 12 --state neel --time 40 --steps 2000"
        script = self.batch(words, "--nodes", "2", "--threads", "1", "--time", "30min")
        job = self.cluster.submit(script, cwd=self.folder, KRONSOLVE_PROGRAM=PROGRAM, **NODES)
        log = pathlib.Path(self.folder, f"evolve-heisenberg-12-{job}.log")

        def said():
            return log.read_text(encoding="utf-8") if log.exists() else ""

        def shown():
            return self.cluster.run("scontrol", "show", "job", job).stdout

        self.until(lambda: "starting from the beginning" in said(), 60, said)
        self.cluster.run("scancel", "--signal=USR1", job)
        self.until(lambda: "Restarts=1" in shown(), 60, lambda: shown() + said())
        self.assertIn("stopped after writing 'evolve-heisenberg-12.checkpoint'", said())
        self.assertIn("Exited with exit code 75", said())
        self.assertFalse(pathlib.Path(self.folder, "evolve-heisenberg-12.json").exists())
        self.until(lambda: "JobState=PENDING" in shown() and not self.steps(), 60, shown)
        time.sleep(3)  # a node takes a run that begins in the second in which one has ended for that one
        self.cluster.run("scontrol", "update", f"JobId={job}", "StartTime=now")
        self.assertEqual(self.cluster.wait(job), [("COMPLETED", 0)], said() + self.cluster.logs())
        self.assertIn("going on", said())
        found = json.loads(pathlib.Path(self.folder, "evolve-heisenberg-12.json").read_text(encoding="utf-8"))
        self.assertEqual((found["ranks"], len(found["times"])), (2, 2001))
        self.assertLess(abs(found["norm_drift"]), 1e-8)

    def test_a_solve_that_is_refused_leaves_no_result(self):
        job = self.cluster.submit(str(TEMPLATES / "solve.sbatch"), "--model", "nonsense", "--sites", "4", cwd=self.folder,
                                  KRONSOLVE_PROGRAM=PROGRAM, **NODES)
        self.assertEqual(self.cluster.wait(job), [("FAILED", 2)])
        self.assertIn("nonsense", pathlib.Path(self.folder, f"kronsolve-{job}.log").read_text())
        self.assertEqual(list(pathlib.Path(self.folder).glob(f"kronsolve-{job}.json*")), [])

    def test_tasks_of_an_array_share_a_sweep_and_go_on_where_one_was_killed(self):
        pathlib.Path(self.folder, "free.toml").write_text("command = 'ground'\nmodel = 'ising'\nsites = 8\n[parameters]\njz = 0\n"
                                                          "[vary]\nbx = {from = 0.5, to = 2, count = 400}\n", encoding="utf-8")
        points = pathlib.Path(self.folder, "free.out", "points.jsonl")

        def submit():
            return self.cluster.submit("--array=0-4%3", "--cpus-per-task=1", str(TEMPLATES / "sweep.sbatch"), "free.toml", cwd=self.folder,
                                       KRONSOLVE_PROGRAM=PROGRAM)

        job = submit()
        while not points.exists() or points.stat().st_size < 20_000:
            time.sleep(0.01)
        self.cluster.run("scancel", "--signal=KILL", "--full", job, check=False)
        self.cluster.run("scancel", job, check=False)
        self.cluster.wait(job)
        before = points.read_bytes()
        self.assertEqual(set(self.cluster.wait(submit())), {("COMPLETED", 0)})

        self.assertTrue(points.read_bytes().startswith(before[:before.rfind(b"\n") + 1]))
        self.assertIn("400 records of 400 points", self.plain(PROGRAM, "results", "free.out", "--check"))
        records = [json.loads(line) for line in points.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len(records), 400)
        for record in records:
            self.assertAlmostEqual(record["energy"], -4 * record["bx"], delta=1e-9)  # 8 free spins of 1/2 in a field


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[5:]])
