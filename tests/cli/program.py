"""Runs the program for the tests: plain or under mpiexec, with its output, exit code and time."""

import dataclasses
import fcntl
import json
import os
import pathlib
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

PROGRAM = os.environ["KRONSOLVE_PROGRAM"]
LAUNCHED = pathlib.Path(PROGRAM).parent.parent / "lib" / "kronsolve" / "kronsolve"  # what PROGRAM becomes
MPIEXEC = os.environ["KRONSOLVE_MPIEXEC"]
SOURCE = pathlib.Path(os.environ["KRONSOLVE_SOURCE"])


@dataclasses.dataclass
class Done:
    """How a run ended."""

    status: int
    out: str
    err: str
    seconds: float
    ranks: int

    def json(self) -> dict:
        return json.loads(self.out)


def command(*args, ranks=0, program=PROGRAM) -> list[str]:
    """ranks = 0: a plain process. -q keeps mpiexec's own words about exit codes away."""
    launcher = [MPIEXEC, "-q", "-n", str(ranks)] if ranks else []
    return [*launcher, program, *map(str, args)]


def run(*args, ranks=0, timeout=60, env=None, cwd=None, program=PROGRAM, stdout=subprocess.PIPE) -> Done:
    begin = time.monotonic()
    done = subprocess.run(command(*args, ranks=ranks, program=program), stdin=subprocess.DEVNULL, stdout=stdout,
                          stderr=subprocess.PIPE, text=True, timeout=timeout, check=False, cwd=cwd,
                          env=os.environ | {k: str(v) for k, v in (env or {}).items()})
    return Done(done.returncode, done.stdout or "", done.stderr, time.monotonic() - begin, ranks)


def on_terminal(*args, columns=100, term="xterm", program=PROGRAM) -> str:
    """All that the program writes to a terminal of that width."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = term
        os.environ.pop("NO_COLOR", None)
        os.execv(program, [program, *map(str, args)])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    written = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # the other side has gone
            break
        if not part:
            break
        written += part
    os.waitpid(child, 0)
    os.close(terminal)
    return written.decode()


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own for files."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)

    def file(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def solve(self, *args, ranks=0, **more) -> dict:
        """The JSON of a run that must succeed."""
        done = run(*args, "--json", ranks=ranks, **more)
        self.assertEqual(done.status, 0, f"{args} on {ranks} ranks: {done.err}")
        return done.json()

    def assert_refused(self, done: Done, status: int, *words: str):
        """One line on stderr that starts with the program's name and holds the words, nothing on stdout."""
        self.assertEqual(done.status, status, done.err)
        self.assertEqual(done.out, "")
        lines = done.err.splitlines()
        if done.ranks:  # mpiexec may add words of its own about the exit code, even with -q
            lines = [line for line in lines if line.startswith("kronsolve: ")]
        self.assertEqual(len(lines), 1, done.err)
        self.assertTrue(lines[0].startswith("kronsolve: "), done.err)
        for word in words:
            self.assertIn(word, lines[0])


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]], verbosity=2)
