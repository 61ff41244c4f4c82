"""What the tests of the Python package share."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
MPIEXEC = os.environ.get("KRONSOLVE_MPIEXEC", "mpirun")
PAULI = {
    "Sx": np.array([[0, 0.5], [0.5, 0]], dtype=complex),
    "Sy": np.array([[0, -0.5j], [0.5j, 0]]),
    "Sz": np.array([[0.5, 0], [0, -0.5]], dtype=complex),
    "S+": np.array([[0, 1], [0, 0]], dtype=complex),
    "S-": np.array([[0, 0], [1, 0]], dtype=complex),
}


def kron_all(matrices):
    """The Kronecker product of several matrices, by NumPy."""
    whole = np.eye(1)
    for m in matrices:
        whole = np.kron(whole, m)
    return whole


def dense_of(terms, sites):
    """A sum of products of spin operators, by NumPy."""
    whole = np.zeros((2**sites, 2**sites), dtype=complex)
    for coefficient, factors in terms:
        product = np.eye(2**sites, dtype=complex)
        for name, site in factors:
            product = product @ kron_all([PAULI[name] if s == site else np.eye(2) for s in range(sites)])
        whole += coefficient * product
    return whole


def program(*arguments):
    """What the kronsolve program answers, as JSON."""
    done = subprocess.run(
        [os.environ["KRONSOLVE_PROGRAM"], *arguments, "--json"], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def run_python(code, *, ranks=0, environment=None, timeout=60, interpreter_arguments=()):
    """A script in a process of its own, or on that many ranks."""
    command = [sys.executable, *interpreter_arguments, str(code) if isinstance(code, pathlib.Path) else "-c"]
    if not isinstance(code, pathlib.Path):
        command.append(code)
    if ranks:
        command = [MPIEXEC, "-n", str(ranks), *command]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(environment or {})},
    )
