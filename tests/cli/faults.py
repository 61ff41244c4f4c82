"""The program when things go wrong: dying ranks, errors on one rank, interrupts, full disks, limits."""

import os
import pathlib
import resource
import signal
import subprocess
import time
import unittest

import program

GUARD = os.environ["KRONSOLVE_GUARD_PROGRAM"]
SANITIZED = bool(os.environ.get("KRONSOLVE_SANITIZE"))

LONG = ("ground", "--model", "heisenberg", "--sites", "22", "-k", "2", "--tol", "1e-14")


def children(pid: int) -> list[int]:
    """All processes below a process."""
    result = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text(encoding="ascii").split()):
            result += [child, *children(child)]
    return result


class Faults(program.ProgramTest):
    def start(self, *arguments, ranks=0, **more) -> subprocess.Popen:
        process = subprocess.Popen(program.command(*arguments, ranks=ranks), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        self.addCleanup(process.kill)
        return process

    def ranks_of(self, process: subprocess.Popen, count: int) -> list[int]:
        """Processes of the ranks, once all of them run the program."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [p for p in children(process.pid) if os.path.realpath(f"/proc/{p}/exe") == os.path.realpath(program.LAUNCHED)]
            if len(found) == count:
                time.sleep(1)  # into the solve
                return found
            time.sleep(0.02)
        self.fail("the ranks did not start")

    def test_a_killed_rank_ends_the_run(self):
        process = self.start(*LONG, ranks=3)
        victim = self.ranks_of(process, 3)[1]

        os.kill(victim, signal.SIGKILL)
        begin = time.monotonic()
        out, _ = process.communicate(timeout=20)

        self.assertLess(time.monotonic() - begin, 10)
        self.assertNotEqual(process.returncode, 0)
        self.assertEqual(out, "")

    def test_an_exception_on_one_rank_only_ends_the_run(self):
        for scenario in ("alone-in-barrier", "alone-in-reduction"):
            done = program.run(scenario, ranks=3, program=GUARD, timeout=30)
            self.assertEqual(done.status, 2, done.err)
            self.assertIn("kronsolve: rank 1 failed alone", done.err)
            self.assertIn("only here", done.err)
            self.assertLess(done.seconds, 10)

    def test_an_exception_on_all_ranks_is_said_once(self):
        done = program.run("together", ranks=3, program=GUARD)
        self.assertEqual(done.status, 5, done.err)
        self.assertEqual(done.err, "kronsolve: everywhere\n")

    def test_a_rank_that_fails_while_another_is_busy_waits_for_it(self):
        done = program.run("late", ranks=3, program=GUARD)
        self.assertEqual(done.status, 4, done.err)
        self.assertEqual(done.err, "kronsolve: agreed\n")

    def test_every_class_of_error_has_its_exit_code(self):
        for scenario, status in (("InvalidArgument", 2), ("DimensionError", 2), ("NotConverged", 3), ("EngineError", 4),
                                 ("MpiError", 4), ("NotSupported", 4), ("IoError", 5), ("Error", 1), ("logic_error", 1),
                                 ("bad_alloc", 1), ("int", 1)):
            for ranks in (0, 2) if scenario in ("EngineError", "int") else (0,):
                done = program.run(scenario, program=GUARD, ranks=ranks)
                self.assertEqual(done.status, status, scenario)
                self.assertEqual(len(done.err.splitlines()), 1, done.err)

    def test_interrupt_ends_cleanly(self):
        for number, word in ((signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")):
            process = self.start(*LONG)
            time.sleep(1.5)
            process.send_signal(number)
            out, err = process.communicate(timeout=100 if SANITIZED else 10)
            self.assertEqual((process.returncode, out), (-number, ""))
            self.assertTrue(err.endswith(f"kronsolve: {word}\n"), err)

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = program.run("ground", "--model", "ising", "--sites", "6", stdout=full)
        self.assert_refused(done, 5, "stdout", "No space left")

    def test_small_solves_start_neither_mpi_nor_an_engine(self):
        for method in ("dense", "lanczos"):
            log = self.folder / "loaded"
            done = program.run("ground", "--model", "heisenberg", "--sites", "10", "--method", method,
                               env={"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": log})
            self.assertEqual(done.status, 0, done.err)
            loaded = "".join(path.read_text(encoding="utf-8") for path in self.folder.glob("loaded.*"))
            self.assertIn("libkronsolve", loaded)
            self.assertNotIn("kronsolve_engine", loaded)
            self.assertNotIn("libhdf5", loaded)
            self.assertNotIn("mca_", loaded)  # components that MPI_Init loads

    def test_sizes_around_32_and_64_bits_are_right_or_refused(self):
        for sites, words in ((31, ("GiB", "available")), (32, ("GiB", "available")), (33, ("GiB", "available")),
                             (62, ("EiB", "64 bits")), (63, ("overflows 64 bits",)), (64, ("64",)), (65, ("65",))):
            done = program.run("ground", "--model", "heisenberg", "--sites", sites, env={"KRONSOLVE_MEMORY_LIMIT": "1G"})
            with self.subTest(sites=sites):
                self.assert_refused(done, 2, *words)

    @unittest.skipIf(SANITIZED, "the sanitizer's own map of the address space is larger")
    def test_address_space_limit_is_an_error_not_a_crash(self):
        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))

        done = subprocess.run(program.command("ground", "--model", "heisenberg", "--sites", "26"), capture_output=True, text=True,
                              preexec_fn=limit, check=False, timeout=60)

        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("available", done.stderr)


if __name__ == "__main__":
    program.main()
