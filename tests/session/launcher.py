#!/usr/bin/env python3
"""scripts/kronsolve-mpi starts what it is asked to, with what it is asked to, and refuses nonsense.

usage: launcher.py LAUNCHER PROGRAM
"""

import os
import subprocess
import sys
import unittest

LAUNCHER, PROGRAM = sys.argv[1:3]


def run(*arguments, **variables):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KRONSOLVE_", "SLURM_", "OMPI_"))}
    environment |= {"KRONSOLVE_NUM_WORKERS": "2", **variables}
    return subprocess.run([LAUNCHER, *arguments], capture_output=True, text=True, timeout=60, check=False, env=environment,
                          stdin=subprocess.DEVNULL)


class Launcher(unittest.TestCase):
    def test_the_program_prints_the_same_through_it(self):
        plain = subprocess.run([PROGRAM, "energies"], capture_output=True, text=True, timeout=60, check=True,
                               env=os.environ | {"KRONSOLVE_NUM_WORKERS": "2"}).stdout
        for options in (["-n", "1"], ["-n", "3"], ["--np", "2", "--syncro"], ["-n", "2", "-s", "-t", "2", "-b", "none"]):
            done = run(*options, PROGRAM, "energies")
            self.assertEqual((done.returncode, done.stdout), (0, plain), (options, done.stderr))

    def test_ranks_get_mode_and_threads(self):
        show = ["sh", "-c", "echo $KRONSOLVE_MODE $KRONSOLVE_NUM_THREADS $OPENBLAS_NUM_THREADS"]
        self.assertEqual(run("-n", "2", *show).stdout, "futures 1 1\n" * 2)
        self.assertEqual(run("-n", "2", "--syncro", "--threads", "3", *show).stdout, "syncro 3 3\n" * 2)

    def printed(self, *arguments, **variables):
        done = run(*arguments, **variables)
        self.assertEqual(done.returncode, 0, (arguments, done.stdout, done.stderr))
        return done.stdout

    def test_ranks_get_their_cores(self):
        cores = len(os.sched_getaffinity(0))
        if cores < 2:
            self.skipTest("one core: nothing to bind to")
        show = [sys.executable, "-c", "import os; print(len(os.sched_getaffinity(0)))"]
        self.assertEqual(self.printed("-n", "1", "--bind", "core", *show), "1\n")
        self.assertEqual(self.printed("-n", "1", "--bind", "core", "--threads", "2", *show), "2\n")
        # mpirun may mix the pieces of their lines
        self.assertEqual(sorted(self.printed("-n", "2", *show)), sorted(f"{cores}\n" * 2))
        self.assertEqual(self.printed("-n", "2", "-t", str(cores), PROGRAM, "cores", OMP_PROC_BIND="true"),
                         f"threads {cores} of {cores}\nworkers {cores}\n")

    def test_more_ranks_than_cores(self):
        ranks = 2 * os.cpu_count() + 1
        self.assertEqual(self.printed("-n", str(ranks), "echo", "here"), "here\n" * ranks)

    def test_the_status_is_that_of_the_program(self):
        self.assertEqual(run("-n", "2", "--", PROGRAM, "fail", "exit").returncode, 3)

    def test_the_command_it_would_run(self):
        cases = [
            (["-n", "4", "p"], ["KRONSOLVE_MODE=futures mpirun -n 4 -x KRONSOLVE_MODE", "p"]),
            (["-n", "4", "--launcher", "srun", "p", "-x"], ["srun --mpi=pmix --kill-on-bad-exit=1 --cpu-bind=none -n 4 p -x"]),
            (["-l", "srun", "-b", "core", "-s", "p"], ["KRONSOLVE_MODE=syncro srun --mpi=pmix --kill-on-bad-exit=1 p"]),
            (["-n", "2", "-l", "srun", "-t", "4", "p"], ["--cpu-bind=none --cpus-per-task=4 -n 2 p"]),
            (["-n", "2", "-s", "-l", "mpirun --hostfile h", "p"], ["mpirun --hostfile h -n 2 -x KRONSOLVE_MODE "]),
            (["-l", "mpiexec.hydra -v", "-n", "2", "p"], ["mpiexec.hydra -v -n 2 p"]),
            (["-n4", "--threads=2", "p", "-n3"], ["KRONSOLVE_NUM_THREADS=2", "mpirun -n 4 ", "p -n3"]),
            (["--np=2", "-t2", "--bind=core", "p"], ["OMPI_MCA_rmaps_base_mapping_policy=slot:PE=2", "mpirun -n 2 "]),
        ]
        for arguments, words in cases:
            done = run("--dry-run", *arguments)
            self.assertEqual(done.returncode, 0, done.stderr)
            for word in words:
                self.assertIn(word, done.stdout)

    def test_nonsense_is_refused(self):
        for arguments, word in ((["-n", "0", "p"], "-n wants a number from 1, got '0'"), (["-n", "two", "p"], "'two'"),
                                (["-n"], "-n wants a number"), (["--bind", "socket", "p"], "core or none, got 'socket'"),
                                (["--fast", "p"], "unknown option '--fast'"), (["-t", "-1", "p"], "-t wants"),
                                (["-n", "2"], "usage: kronsolve-mpi")):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertIn(word, done.stderr)
        done = run("p", PATH="/usr/bin/none")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("neither mpirun nor srun", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
