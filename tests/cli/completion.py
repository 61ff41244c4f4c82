"""What shells complete: driven in real shells where they are, and the man page as `man` shows it."""

import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import time
import unittest

import program

COMPLETION = program.SOURCE / "src" / "cli" / "completion"

# Completes a line as bash does when a tab is typed at its end: the same variables, the same function.
BASH = r"""
source "$1"
COMP_LINE=$2
COMP_POINT=${#COMP_LINE}
compopt() { :; }
_kronsolve kronsolve
printf '%s\n' "${COMPREPLY[@]}"
"""


def environment() -> dict:
    return {"PATH": f"{pathlib.Path(program.PROGRAM).parent}:/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "dumb"}


def offered(*typed) -> list[str]:
    """The words that the program offers."""
    done = program.run("complete", *typed)
    assert done.status == 0, done.err
    return [line.split("\t")[0] for line in done.out.splitlines()]


class Terminal:
    """A program on a terminal of its own, to which keys are typed."""

    def __init__(self, command: list[str], folder: pathlib.Path):
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment() | {"PS1": "> "})

    def type(self, keys: str):
        os.write(self.file, keys.encode())

    def read_until(self, text: str, seconds: float = 50) -> str:
        end, shown = time.monotonic() + seconds, ""
        while text not in shown and time.monotonic() < end:
            if select.select([self.file], [], [], 0.2)[0]:
                shown += os.read(self.file, 65536).decode(errors="replace")
        return shown

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.file)


class Completion(program.ProgramTest):
    def bash(self, line: str) -> list[str]:
        done = subprocess.run(["bash", "--norc", "-c", BASH, "bash", str(COMPLETION / "kronsolve.bash"), line], env=environment(),
                              cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_words_that_fit(self):
        self.assertIn("ground", offered("g"))
        self.assertIn("selftest", offered(""))
        self.assertIn("--sector", offered("ground", "--sec"))
        self.assertNotIn("--time", offered("ground", "--"))
        self.assertIn("--time", offered("evolve", "--t"))
        self.assertEqual(offered("ground", "--method", "lanc"), ["lanczos"])
        self.assertEqual(offered("ground", "--cyclic=x"), ["--cyclic=x"])
        self.assertIn("hubbard", offered("ground", "--model", "hub"))
        self.assertIn("delta=", offered("ground", "--model", "xxz", "-p", ""))
        self.assertEqual(offered("ground", "-p", ""), [])
        self.assertIn("entropy:half", offered("ground", "--observe", "ent"))
        self.assertEqual(offered("models", "hubbard-"), ["hubbard-hardcore"])
        self.assertEqual(offered("ground", "--terms", ""), [":files .toml"])
        self.assertEqual(offered("status", ""), [":folders"])
        self.assertEqual(offered("no-such-command", ""), [])

    def test_every_value_that_is_offered_is_taken(self):
        for option in ("--method", "--operator", "--preconditioner"):
            for value in offered("plan", option, ""):
                done = program.run("plan", "--model", "ising", "--sites", "4", option, value)
                self.assertNotIn("unknown value", done.err)

    def test_bash(self):
        self.file("chain.toml", "")
        self.file("psi.h5", "")
        (self.folder / "ising.out").mkdir()

        self.assertIn("ground", self.bash("kronsolve gr"))
        self.assertIn("--model", self.bash("kronsolve ground --mo"))
        self.assertIn("heisenberg", self.bash("kronsolve ground --model "))
        self.assertEqual(self.bash("kronsolve ground --terms c"), ["chain.toml"])
        self.assertEqual(self.bash("kronsolve status "), ["ising.out"])
        # bash has ended words at = and : and wants what stands behind.
        self.assertEqual(self.bash("kronsolve ground --cyclic=x"), ["x"])
        self.assertIn("half", self.bash("kronsolve ground --observe entropy:h"))

    def test_a_tab_typed_in_bash_completes_a_command_that_then_runs(self):
        terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], self.folder)
        self.addCleanup(terminal.close)
        terminal.type(f"source {COMPLETION / 'kronsolve.bash'}\n")
        terminal.type("kronsolve mod\thubbard-h\t; echo the end $?\n")
        shown = terminal.read_until("the end 0")

        self.assertIn("model      hubbard-hardcore", shown)

    @unittest.skipUnless(shutil.which("zsh"), "no zsh here")
    def test_zsh_reads_its_script(self):
        subprocess.run(["zsh", "-n", str(COMPLETION / "_kronsolve")], check=True, timeout=60)
        script = f"autoload -U compinit; compinit -u -D -d {self.folder}/dump; source {COMPLETION}/_kronsolve; print $_comps[kronsolve]"
        done = subprocess.run(["zsh", "-f", "-c", script], env=environment(), capture_output=True, text=True, check=True, timeout=60)
        self.assertEqual(done.stdout.strip(), "_kronsolve", done.stderr)

    @unittest.skipUnless(shutil.which("fish"), "no fish here")
    def test_fish(self):
        script = f"source {COMPLETION}/kronsolve.fish; complete -C 'kronsolve ground --model hub'"
        home = environment() | {"HOME": str(self.folder)}
        done = subprocess.run(["fish", "--no-config", "-c", script], env=home, capture_output=True, text=True, check=True, timeout=60,
                              cwd=self.folder)
        self.assertIn("hubbard", [line.split("\t")[0] for line in done.stdout.splitlines()])

    def test_the_program_prints_the_scripts_that_are_installed(self):
        for shell, name in (("bash", "kronsolve.bash"), ("zsh", "_kronsolve"), ("fish", "kronsolve.fish")):
            self.assertEqual(program.run("completion", shell).out, (COMPLETION / name).read_text(encoding="utf-8"))
        self.assert_refused(program.run("completion", "tcsh"), 2, "bash, zsh, fish")
        self.assert_refused(program.run("completion"), 2, "which shell")


class Manual(program.ProgramTest):
    def test_it_has_every_command_and_option(self):
        page = program.run("manual").out.replace("\\-", "-")
        reference = program.run("manual", "--markdown").out
        helped = program.run("--help").out
        commands = [line.split()[0] for line in helped.splitlines() if line.startswith("  ") and not line.startswith(("  kronsolve", "  mpirun", "  -", "   "))]
        self.assertGreaterEqual(len(commands), 19)
        for command in commands:
            self.assertIn(f".SS kronsolve {command}", page)
            self.assertIn(f"### {command}", reference)
            for word in program.run(command, "--help").out.split():
                option = word.strip(",;().")
                if option.startswith("--") and "=" not in option:
                    self.assertTrue(f"{option}" in page, option)

    def test_man_shows_it_without_warnings(self):
        page = self.file("kronsolve.1", program.run("manual").out)
        tools = {"groff": ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)],
                 "mandoc": ["mandoc", "-T", "lint", "-W", "warning", str(page)]}
        for name, command in tools.items():
            if shutil.which(name):
                done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
                # The page of a build has no date.
                said = [line for line in (done.stdout + done.stderr).splitlines() if "missing date" not in line]
                self.assertEqual(said, [], name)
        if shutil.which("man"):
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(page)], capture_output=True, text=True, check=True,
                                  timeout=60, env=environment() | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
            self.assertEqual(done.stderr, "")
            self.assertIn("--sector WHAT=VALUE", done.stdout)


if __name__ == "__main__":
    program.main()
