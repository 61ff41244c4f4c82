"""Valgrind sees no error of memory that our code has a part in, while the tests of the package run.

Long: five minutes of one core, many more on a busy machine. What Python, NumPy, MPI and OpenBLAS do among themselves is left out: an error
counts if one of the calls that led to it is ours.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from support import HERE

OURS = ("libkronsolve", "kronsolve_", "_core.")  # the library, its modules, the compiled part of the package
# Other processes, limits of time and of memory: what valgrind changes, or does not see.
CASES = {
    "operators.py": "not nothing_of_the_size",
    "solvers.py": "not program",
    "bad_input.py": "",
    "drives.py": "not program and not scipys",
    "files.py": "evolutions or triplets or refused or kind or make",
    "manners.py": "goes_on or two_threads or progress or bar",
}


# The loader and MPI's start and end read and keep what they like; our own copy of MPI_COMM_SELF lives as long as MPI does.
NOT_OURS = {"_dl_open", "_dl_fini", "PMPI_Init_thread", "PMPI_Finalize", "kronsolve::Comm::handle() const"}


def is_ours(error):
    """Whether a call in it is one of our libraries, and none is one of those that answer for themselves."""
    ours = any(os.path.basename(place.text or "").startswith(OURS) for place in error.iter("obj"))
    return ours and not NOT_OURS & {call.text for call in error.iter("fn")}


def told(error):
    """One error as a paragraph: its kind, and the calls from the inside to the outside."""
    what = error.findtext("what") or error.findtext("xwhat/text") or error.findtext("kind")
    calls = [f"  {f.findtext('fn') or '?'} in {f.findtext('obj')}" for f in error.iter("frame")]
    return "\n".join([str(what), *calls[:15]])


@pytest.mark.parametrize("file", CASES)
def test_no_error_is_ours(file, tmp_path):
    valgrind = shutil.which("valgrind")
    assert valgrind, "valgrind is not here: apt-get install valgrind"
    found = tmp_path / "errors.xml"
    command = [valgrind, "--xml=yes", f"--xml-file={found}", "--leak-check=full", "--show-leak-kinds=definite", "--num-callers=40",
               sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", CASES[file], HERE / file]  # fmt: skip
    # malloc in place of Python's own pools, which valgrind cannot look into.
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "KRONSOLVE_EXAMPLES": "3"}

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    errors = [e for e in ElementTree.parse(found).getroot().iter("error") if is_ours(e)]
    assert not errors, "\n\n".join(map(told, errors))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
