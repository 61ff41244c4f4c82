"""What the documents show runs as it is written."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

DOCS = pathlib.Path(os.environ["KRONSOLVE_SOURCE"]) / "docs"


def test_the_tutorial_runs(tmp_path):
    text = (DOCS / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    # What has a main part is a program of its own: workers run all that stands before it.
    programs = [block for block in blocks if "__main__" in block]
    programs.append("\n".join(block for block in blocks if block not in programs))
    program = tmp_path / "tutorial.py"
    for text in programs:
        program.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=280, cwd=tmp_path)
        assert done.returncode == 0, done.stderr

    assert len(blocks) > 8 and len(programs) == 2
    for line in re.findall(r"^# (.*)$", "\n".join(blocks), re.MULTILINE):
        assert line in done.stdout, line


@pytest.mark.parametrize("page,prefix", [
    ("coming-from-quimb.md", ""), ("coming-from-quspin.md", "L = 10\n"), ("coming-from-xdiag.md", "N = 12\n"),
    ("coming-from-slepc.md", "n = 700\n")])
def test_pages_for_newcomers_run(page, prefix, tmp_path):
    rows = re.findall(r"^\| .+ \| `([^`]+)` \|$", (DOCS / page).read_text(encoding="utf-8"), re.MULTILINE)
    calls = [r for r in rows if "mpirun" not in r and r != "---"]
    program = tmp_path / "calls.py"
    body = "".join(f"    {call}\n" for call in calls)
    program.write_text(
        f"import kronsolve as ks\nimport numpy as np\n{prefix}\nif __name__ == '__main__':\n{body}", encoding="utf-8"
    )

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=280)

    assert done.returncode == 0, done.stderr
    assert len(calls) >= 20


def test_the_documentation_of_the_package_runs():
    import doctest

    import kronsolve

    assert doctest.testmod(kronsolve).failed == 0
