"""A wheel of this build, installed by pip without a network, works away from the source tree: with MPI and PETSc, and without."""

import os
import pathlib
import subprocess
import sys

import pytest

SOURCE, BUILD = (pathlib.Path(os.environ[name]) for name in ("KRONSOLVE_SOURCE", "KRONSOLVE_BUILD"))
AWAY = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KRONSOLVE_ENGINE_DIR")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that pip has installed it into."""
    target = tmp_path_factory.mktemp("wheel") / "site"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", target,
         "--config-settings", f"build-dir={BUILD}", SOURCE],
        capture_output=True, text=True, check=False, env=AWAY, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def answers(site, code, **environment):
    """The words that a program prints which has nothing but the wheel."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=site.parent,
        env={**AWAY, "PYTHONPATH": str(site), **environment}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


SOLVE = """
import kronsolve as ks
h = ks.model('heisenberg', sites=12, cyclic=True).in_sector(sz=0)
maps = lambda: open('/proc/self/maps').read()
"""


def test_a_wheel_finds_mpi_and_petsc(site):
    code = SOLVE + "print(ks.__file__, f'{ks.eigh(h, method=\"slepc\").energy:.9f}', ks.eigh(h, workers=2, method='lanczos').ranks)"

    assert answers(site, code) == [str(site / "kronsolve" / "__init__.py"), "-5.387390917", "2"]
    assert sum(f.stat().st_size for f in site.rglob("*") if f.is_file()) < 40 * 2**20


def test_importing_loads_no_petsc(site):
    assert answers(site, SOLVE + "ks.eigh(h, method='lanczos'); print('petsc' in maps(), 'libmpi.so' in maps())") == ["False", "True"]


# As if the loader did not find it; or told so.
HIDE = """
import ctypes
find = ctypes.CDLL
def nothing(name, *more):
    if '/' not in str(name):
        raise OSError(f'{name}: cannot open shared object file')
    return find(name, *more)
ctypes.CDLL = nothing
"""
ALONE = """
import numpy as np
where = {line.split()[-1] for line in maps().splitlines() if 'libmpi' in line}
print(len(where), all('without_mpi' in path for path in where))
psi = ks.evolve(h, 'neel', [0.5], observe=['sz']).state
u, s, vh = ks.svds(np.diag([3.0, 2.0, 1.0]), k=2)
print(f'{ks.eigh(h).energy:.9f}', ks.eigh(h).ranks, ks.session().mode, f'{psi.norm():.9f}', *s.round(9))
for ask in (lambda: ks.eigh(h, method='slepc'), lambda: ks.eigh(h).save('a.h5')):
    try:
        ask()
    except ks.Error as error:
        print(type(error).__name__, str(error).count('\\n'), 'MPI' in str(error))
print(ks.pool(2).submit(abs, -3).result())
"""


@pytest.mark.parametrize("how", ["not found", "told"])
def test_a_wheel_solves_without_mpi(site, how):
    hidden, environment = (HIDE, {}) if how == "not found" else ("", {"KRONSOLVE_WITHOUT_MPI": "1"})

    found = answers(site, hidden + SOLVE + ALONE, **environment)

    assert found == ["1", "True", "-5.387390917", "1", "serial", "1.000000000", "3.0", "2.0",
                     "NotSupported", "0", "True", "NotSupported", "0", "True", "3"]  # fmt: skip
