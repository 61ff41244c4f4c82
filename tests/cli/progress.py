"""Where a solve is, as a terminal shows it: the energy, and what is left of the time."""

import math
import os
import re
import subprocess

import program

GUARD = os.environ["KRONSOLVE_GUARD_PROGRAM"]
SECONDS = {"ms": 1e-3, "s": 1, "min": 60}
TIMES = re.compile(r"([\d.]+) (ms|s|min), about ([\d.]+) (ms|s|min) left")


def drawn(written: str) -> list[str]:
    """The line each time it was redrawn."""
    return [part.split("\033[K")[0] for part in re.split(r"\r(?!\n)", written) if "\033[K" in part and part.split("\033[K")[0]]


def ends(lines: list[str]) -> list[float]:
    """Seconds of the whole solve, as each line has it."""
    found = [TIMES.search(line) for line in lines]
    return [float(m[1]) * SECONDS[m[2]] + float(m[3]) * SECONDS[m[4]] for m in found if m]


class Progress(program.ProgramTest):
    def test_a_solve_shows_its_energy_and_what_is_left(self):
        written = program.on_terminal("ground", "--model", "heisenberg", "--sites", 20, "--cyclic", "--threads", 1)
        lines = drawn(written)
        values = [float(m[1]) for m in (re.match(r"0/1 pairs  value (-?[\d.]+)  worst residual \S+  \d+ products?  ", line) for line in lines) if m]
        self.assertGreaterEqual(len(values), 2, written)
        self.assertAlmostEqual(values[-1], -8.904386529877, delta=1e-2)
        self.assertTrue(ends(lines), lines)
        # It is taken away before the answer comes.
        self.assertLess(written.rindex("\r\033[K"), written.index("energy     -8.90438652987"))

    def test_what_is_left_does_not_jump(self):
        guessed = ends(drawn(program.on_terminal("jumping-guesses", program=GUARD)))
        self.assertGreaterEqual(len(guessed), 6)
        # The guesses go to and fro by a factor of five.
        for before, now in zip(guessed, guessed[1:], strict=False):
            self.assertLess(abs(math.log(now / before)), math.log(1.35), guessed)

    def test_work_that_says_nothing_has_a_line_too(self):
        lines = drawn(program.on_terminal("quiet-work", program=GUARD))
        self.assertGreaterEqual(len(lines), 2)
        for line, expected in zip(lines, ("at work for 1.0 s", "at work for 2."), strict=False):
            self.assertIn(expected, line)

    def test_parts_of_the_work_are_counted(self):
        written = program.on_terminal("levels", "--model", "heisenberg", "--lattice", "square", "--size", "4x4", "--cyclic", "-k", 2)
        self.assertTrue(any(re.match(r"sector \d+ of 50, [\d.]+ m?s$", line) for line in drawn(written)), written)

    def test_waiting_threads_do_not_spin(self):
        # The library of threads says how it waits while it is loaded; what the user has set stays.
        for asked, waits in ((None, "PASSIVE"), ("active", "ACTIVE")):
            env = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
            env |= {"OMP_DISPLAY_ENV": "true"} | ({"OMP_WAIT_POLICY": asked} if asked else {})
            done = subprocess.run(program.command("info"), env=env, capture_output=True, text=True, timeout=60, check=True)
            self.assertRegex(done.stderr, rf"OMP_WAIT_POLICY *= *'{waits}'")

    def test_a_log_has_no_line_that_is_redrawn(self):
        done = program.run("ground", "--model", "heisenberg", "--sites", 18, "--cyclic", "--threads", 1)
        self.assertEqual((done.status, done.err), (0, ""))


if __name__ == "__main__":
    program.main()
