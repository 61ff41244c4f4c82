"""What the documents say about the program is so: options, variables, links, examples; and what the program says fits a terminal."""

import os
import pathlib
import re
import shlex

import program

DOCUMENTS = [program.SOURCE / "README.md", program.SOURCE / "CHANGELOG.md", *sorted((program.SOURCE / "docs").rglob("*.md"))]
GENERATED = {"command-line.md"}  # scripts/site makes it
COMMANDS = ("ground", "eigh", "levels", "svds", "evolve", "floquet", "otoc", "thermal", "spectral", "measure", "rerun", "sweep", "status", "results", "batch", "plot", "report", "plan", "models", "observables", "info", "selftest",
            "manual", "completion")
SWEEP = "command = 'ground'\nmodel = 'ising'\n[vary]\nsites = [4, 8]\nbx = [0.5, 1]\n[derive]\ngap = 'energy'\n"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]")


def text(path) -> str:
    return pathlib.Path(path).read_text(encoding="utf-8")


def help_of(*command) -> str:
    return program.run(*command, "--help").out


def prose(path: pathlib.Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", text(path), flags=re.M | re.S)


def anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def on_terminal(columns: int, *arguments) -> list[str]:
    """What the program writes to a terminal of that width, progress taken away."""
    written = program.on_terminal(*arguments, columns=columns, term="dumb")
    return [line for line in written.replace("\r\n", "\n").splitlines() if not line.startswith("kronsolve: ")]


class Documents(program.ProgramTest):
    def test_options_of_the_help_and_of_the_document_are_the_same(self):
        helped = set().union(*(OPTION.findall(help_of(command)) for command in COMMANDS))
        written = set(OPTION.findall(text(program.SOURCE / "docs" / "cli.md")))

        self.assertEqual(helped - written, set())
        self.assertEqual(written - helped, set())

    def test_models_at_the_prompt_are_those_of_the_document(self):
        named = self.solve("models")["models"]
        document = text(program.SOURCE / "docs" / "models.md")
        listed = program.run("models").out
        self.assertGreaterEqual(len(named), 19)
        for model in named:
            self.assertIn(f"`{model['name']}`", document)
            self.assertIn(model["name"], listed)
            self.assertEqual(self.solve("models", model["name"])["models"], [model])
            said = program.run("models", model["name"]).out
            for parameter in model["parameters"]:
                self.assertIn(f"-p {parameter['name']}", said)
        self.assert_refused(program.run("models", "heisenberk"), 2, "heisenberg")

    def test_environment_variables_are_documented_and_exist(self):
        sources = [path for folder in ("src", "operators", "solvers") for path in (program.SOURCE / folder).rglob("*.[ch]pp")]
        sources.append(program.SOURCE / "scripts" / "kronsolve-mpi")
        read = set(re.findall(r'getenv\("(KRONSOLVE_\w+)"\)|environment\w*\("(KRONSOLVE_\w+)"', "".join(map(text, sources))))
        read = {a or b for a, b in read} - {"KRONSOLVE_WORKER"}  # which we set for our own workers
        known = "".join(map(text, [*sources, *(program.SOURCE / "scripts" / "cmake").glob("*.cmake"), program.SOURCE / "scripts" / "setup",
                                   *(program.SOURCE / "tests" / "storm").glob("*.cpp"), *(program.SOURCE / "python").glob("*/*.py")]))
        written = set(re.findall(r"\bKRONSOLVE_[A-Z_]+\b", "".join(map(prose, DOCUMENTS))))

        self.assertGreaterEqual(len(read), 3)
        self.assertEqual(read - written, set())
        self.assertEqual({name for name in written if name not in known}, set())

    def test_links_lead_somewhere(self):
        for document in DOCUMENTS:
            for target in re.findall(r"\]\(([^)\s]+)\)", prose(document)):
                if target.startswith("http"):
                    continue
                name, _, place = target.partition("#")
                path = document.parent / name if name else document
                if path.name in GENERATED:
                    continue
                self.assertTrue(path.exists(), f"{document.name}: {target}")
                if place:
                    self.assertIn(place, map(anchor, re.findall(r"^#+ (.*)$", text(path), re.M)), f"{document.name}: {target}")

    def test_files_of_the_documents_are_read(self):
        blocks = re.findall(r"^ *```toml\n(.*?)^ *```", "".join(map(text, DOCUMENTS)), re.M | re.S)
        header = text(program.SOURCE / "include" / "kronsolve" / "operators" / "op_file.hpp")
        blocks.append(re.search(r"\(TOML\):\n///\n((///     .*\n)+)", header).group(1).replace("///", ""))
        self.assertGreaterEqual(len(blocks), 2)
        for block in blocks:
            if "command =" in block:
                self.solve("sweep", self.file("sweep.toml", block), "--dry-run")
            else:
                command = ("evolve", "--state", "neel", "--time", 0.1) if "[[drive]]" in block else ("ground",)
                self.solve(command[0], "--terms", self.file("h.toml", block), *command[1:])

    def test_the_help_fits_80_columns_and_its_examples_run(self):
        self.file("ising.toml", SWEEP)
        self.file("driven.toml", "sites = 2\nparameters.w = 3\nterms = [[1, 'Sz', 0]]\n[[drive]]\nfunction = 'w/10'\nterms = [[1, 'Sx', 0, 'Sx', 1]]\n")
        self.file("FILE.mtx", "%%MatrixMarket matrix coordinate real symmetric\n6 6 3\n1 1 2\n3 2 1\n6 6 0.25\n")
        for command in ((), *((name,) for name in COMMANDS)):
            helped = help_of(*command)
            self.assertEqual([line for line in helped.splitlines() if len(line) > 80], [])
            examples = re.findall(r"^  (?:mpirun -n 2 )?(kronsolve .*)$", helped.partition("Examples:\n")[2].replace("\\\n", ""), re.M)
            self.assertGreaterEqual(len(examples), 1)
            for example in examples:
                done = program.run(*shlex.split(example)[1:], ranks=2 if "mpirun" in helped else 0, cwd=self.folder)
                self.assertEqual(done.status, 0, f"{example}: {done.err}")

    def test_commands_of_the_job_templates_are_accepted(self):
        for script in sorted((program.SOURCE / "scripts" / "slurm").glob("*.sbatch")):
            words = shlex.split(re.search(r"sbatch .*\.sbatch (.*)$", text(script), re.M).group(1))
            self.file("ising.toml", SWEEP)
            done = program.run("plan", *words) if words[0].startswith("--") else program.run("sweep", *words, "--dry-run", cwd=self.folder)
            self.assertEqual(done.status, 0, f"{script.name}: {done.err}")

    def test_a_narrow_terminal_gets_tables_that_fit(self):
        evolve = ("evolve", "--model", "heisenberg", "--sites", "6", "--state", "neel", "--time", "1", "--steps", "2", "--observe", "sz")
        lines = on_terminal(60, *evolve)
        table = lines[lines.index("sz") + 1:next(i for i, line in enumerate(lines) if line.startswith("converged"))]
        heads = [line.split() for line in table if line.startswith("time ")]

        self.assertLessEqual(max(map(len, table)), 60)
        self.assertGreater(len(heads), 1)
        self.assertEqual([site for head in heads for site in head[1:]], [str(i) for i in range(6)])
        whole = program.run(*evolve).out.splitlines()
        self.assertIn(["time", *map(str, range(6))], [line.split() for line in whole])

        lines = on_terminal(60, "ground", "--model", "heisenberg", "--sites", "6", "--observe", "sz")
        values = lines[lines.index("sz") + 1:lines.index("", lines.index("sz"))]
        self.assertLessEqual(max(map(len, values)), 60)
        self.assertEqual(len(" ".join(values).split()), 6)

    def test_long_texts_are_cut_at_80_columns(self):
        out = program.run("plan", "--model", "heisenberg", "--sites", "24", "--cyclic", "-k", "3").out.splitlines()

        self.assertEqual([line for line in out if len(line) > 80 and "--sector" not in line], [])


if __name__ == "__main__":
    program.main()
