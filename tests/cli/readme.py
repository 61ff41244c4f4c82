"""The commands of the README and of the pages that show any, run as written, print what these say (numbers that depend on the machine aside)."""

import os
import pathlib
import re
import subprocess

import program

# Lines about time, memory, rounding and the way there: not the same on two machines.
VOLATILE = re.compile(r"^(residual|products|time|memory|on|method|certified|difference|  )")
# The second and further lines of a long text.
CONTINUED = re.compile(r"^ {11}\S")
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]\d+)?")


def blocks(text: str) -> list[list[tuple[str, list[str]]]]:
    """The console blocks: commands with the lines they printed."""
    result = []
    for block in re.findall(r"^```console\n(.*?)^```", text, re.M | re.S):
        steps = []
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            else:
                steps[-1][1].append(line)
        result.append(steps)
    return result


PAGES = [f"docs/{name}.md" for name in ("cli", "campaigns", "how-it-works", "sectors", "time", "spectra", "memory", "batch-jobs")]


class TranscriptTest(program.ProgramTest):
    """Runs console blocks and compares what is printed."""

    def assert_line(self, expected: str, got: str):
        """Equal but for the last digits of numbers and the residual behind a level."""
        if re.match(r"\s+\d+  -?\d", expected):  # a level: its residual is rounding
            expected, got = expected.rsplit(None, 1)[0], got.rsplit(None, 1)[0]
        self.assertEqual(NUMBER.sub("#", expected).split(), NUMBER.sub("#", got).split())
        for a, b in zip(NUMBER.findall(expected), NUMBER.findall(got)):
            self.assertAlmostEqual(float(a), float(b), delta=1e-9, msg=expected)

    def run_block(self, steps):
        for command, expected in steps:
            if command.startswith("cat "):
                self.file(command.split()[1], "\n".join(expected) + "\n")
            done = subprocess.run(command, shell=True, cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
                                  env=os.environ | {"PATH": f"{pathlib.Path(program.PROGRAM).parent}:{os.environ['PATH']}"})
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
            expected, printed = ([line for line in lines if not CONTINUED.match(line)] for lines in (expected, done.stdout.splitlines()))
            for want, line in zip(expected, printed):
                if want == "...":
                    break
                if not VOLATILE.match(want) or re.match(r"\s+\d+  -?\d", want):
                    self.assert_line(want, line)
            else:
                self.assertEqual(len(expected), len(printed), command)


class Readme(TranscriptTest):
    def test_every_command(self):
        for document in ("README.md", *PAGES):
            found = blocks((program.SOURCE / document).read_text(encoding="utf-8"))
            self.assertGreaterEqual(len(found), 1)
            for steps in found:
                with self.subTest(steps[0][0]):
                    self.run_block(steps)

    def test_commands_for_users_of_hphi(self):
        text = (program.SOURCE / "docs" / "coming-from-hphi.md").read_text(encoding="utf-8")
        commands = re.findall(r"^\| .+ \| `([^`]+)` \|$", text, re.M)
        self.assertGreaterEqual(len(commands), 25)
        for command in commands:
            with self.subTest(command):
                self.run_block([(command.replace("mpirun", f"{program.MPIEXEC} -q"), ["..."])])

    def test_commands_too_large_to_run_are_planned(self):
        text = (program.SOURCE / "README.md").read_text(encoding="utf-8")
        lines = [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S) for line in block.splitlines()]
        self.assertGreaterEqual(len(lines), 3)
        for line in lines:
            command = line.split("#")[0].split()
            if command[0].startswith("scripts/"):
                self.assertTrue(os.access(program.SOURCE / command[0], os.X_OK), line)
            elif command[0] == "kronsolve":
                done = subprocess.run([program.PROGRAM, "plan", *command[2:]], capture_output=True, text=True, check=False,
                                      timeout=60, cwd=self.folder)
                self.assertEqual(done.returncode, 0, f"{line}: {done.stderr}")
            else:
                self.assertEqual(command[0], "git", f"{line}: of this kind of command nothing is checked")

    def test_its_sources_are_those_of_the_examples(self):
        text = (program.SOURCE / "README.md").read_text(encoding="utf-8") + (program.SOURCE / "docs" / "cpp.md").read_text(encoding="utf-8")
        found = re.findall(r"\]\((?:\.\./)?(examples/[\w.]+)\)[^`]*:\n\n```cpp\n(.*?)^```", text, re.M | re.S)
        self.assertEqual(len(found), text.count("```cpp"))
        for name, code in found:
            example = (program.SOURCE / name).read_text(encoding="utf-8")
            for line in code.splitlines():
                self.assertIn(line.strip(), example, name)

    def test_scripts_and_files_that_it_names_exist(self):
        text = (program.SOURCE / "README.md").read_text(encoding="utf-8")
        for name in re.findall(r"\]\(([\w./-]+)\)|^(scripts/\w+)", text, re.M):
            self.assertTrue((program.SOURCE / (name[0] or name[1])).exists(), name)


if __name__ == "__main__":
    program.main()
