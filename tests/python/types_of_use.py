"""Annotations: the package itself, and a program that uses it, pass mypy --strict."""

import os
import pathlib
import subprocess
import sys

import pytest

from support import HERE

PACKAGE = pathlib.Path(os.environ["KRONSOLVE_SOURCE"]) / "python"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


@pytest.mark.parametrize("what", ["package", "program"])
def test_mypy_finds_nothing(what, cache):
    pytest.importorskip("mypy")
    target = ["-p", "kronsolve"] if what == "package" else [str(HERE / "typed_use.py")]

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", cache, *target],
        capture_output=True,
        text=True,
        check=False,
        cwd=PACKAGE,
        env={**os.environ, "MYPYPATH": str(PACKAGE), "PYTHONPATH": ""},
        timeout=280,
    )

    assert done.returncode == 0, done.stdout + done.stderr
