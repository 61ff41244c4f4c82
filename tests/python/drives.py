"""Operators that depend on time."""

import json
import os
import pickle
import subprocess

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import kronsolve as ks
from support import run_python

S = ks.spins(4)
CHAIN = sum(S.z[i] * S.z[i + 1] + 0.5 * (S.p[i] * S.m[i + 1] + S.m[i] * S.p[i + 1]) for i in range(3))
X = sum(S.x[i] for i in range(4))
Y = sum(S.y[i] for i in range(4))


def by_scipy(driven, psi, times):
    """The same by an integrator of SciPy on dense matrices."""
    fixed, parts = driven.h.to_dense(), [(f, op.to_dense()) for f, op in zip(driven._functions, (op for _, op in driven.drives))]
    right = lambda t, y: -1j * (fixed @ y + sum(f(t) * (a @ y) for f, a in parts))
    found = solve_ivp(right, (0, max(times)), np.asarray(psi, complex), "DOP853", times, rtol=1e-11, atol=1e-12)
    return found.y.T


def wave(t):
    return 0.7 * np.sin(2 * t)


FUNCTIONS = {
    "formula": [("A*sin(w*t)", X)],
    "python": [(wave, X)],
    "table": [(np.column_stack([np.linspace(0, 3, 7), [0, 1, -1, 0.5, 2, 0, 0]]), X)],
    "two": [("A*sin(w*t)", X), (lambda t: 0.3 * np.cos(t), Y)],
}


@pytest.mark.parametrize("method", ["integrate", "magnus"])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_driven_states_are_scipys(kind, method):
    driven = ks.Driven(CHAIN, FUNCTIONS[kind], A=0.7, w=2.0)
    times = [0.5, 1.0, 2.5]

    found = ks.evolve(driven, "neel", times, method=method, observe=[S.z[0], "sz"])

    wanted = by_scipy(driven, CHAIN.state("neel"), times)
    assert found.converged and found.method == method
    np.testing.assert_allclose(found.vector, wanted[-1], atol=3e-8)
    z = S.z[0].to_dense()
    np.testing.assert_allclose(found.expectations[:, 0], [(y.conj() @ z @ y).real for y in wanted], atol=3e-8)
    np.testing.assert_allclose(found.observables["sz"][:, 0], found.expectations[:, 0], atol=1e-12)
    energies = [(y.conj() @ driven.at(t).to_dense() @ y).real for t, y in zip(times, wanted)]
    np.testing.assert_allclose(found.energies, energies, atol=1e-7)


def test_a_formula_and_a_function_of_python_are_the_same():
    by_formula = ks.evolve(ks.Driven(CHAIN, [("0.7*sin(2*t)", X)]), "neel", [2.0])
    by_function = ks.evolve(ks.Driven(CHAIN, [(wave, X)]), "neel", [2.0])

    assert by_formula.state.fidelity(by_function.state) == pytest.approx(1, abs=1e-9)


def test_a_jump_of_a_formula_is_found():
    """A rectangle: three operators one after the other."""
    driven = ks.Driven(CHAIN, [("(t > 0.9999)*(t < 1.0001)*A", X)], A=2e4)

    found = ks.evolve(driven, "neel", [2.0])

    free, kicked = (expm(-1j * t * driven.at(at).to_dense()) for t, at in ((0.9999, 0.0), (0.0002, 1.0)))
    wanted = free @ kicked @ free @ CHAIN.state("neel").amplitudes
    assert abs(np.vdot(wanted, found.vector)) == pytest.approx(1, abs=1e-7)


def test_sectors_are_of_all_parts():
    bonds = sum((-1) ** i * (S.p[i] * S.m[i + 1] + S.m[i] * S.p[i + 1]) for i in range(3))
    whole = ks.Driven(CHAIN, [("sin(t)", bonds)])
    inside = whole.in_sector(sz=0)

    assert inside.shape == (6, 6) and inside.drives[0][1].sector == ["sz=0"]
    a, b = ks.evolve(whole, "neel", [1.0], observe=[S.z[1]]), ks.evolve(inside, "neel", [1.0], observe=[S.z[1]])
    np.testing.assert_allclose(a.expectations, b.expectations, atol=1e-9)
    with pytest.raises(ks.InvalidArgument, match="sz"):
        ks.Driven(CHAIN, [("sin(t)", X)]).in_sector(sz=0)
    with pytest.raises(ks.InvalidArgument, match="sz"):
        ks.Driven(CHAIN.in_sector(sz=0), [("sin(t)", X)])


FILE = """
sites = 2
terms = [[1, "Sz", 0, "Sz", 1], [0.5, "S+", 0, "S-", 1], [0.5, "S-", 0, "S+", 1]]
parameters.w = 3
[[drive]]
function = "sin(w*t)"
terms = [[1, "Sx", 0]]
[[drive]]
table = [[0, 0], [1, 1], [2, 0.5]]
terms = [[0.5, "Sz", 1]]
"""


def test_operator_files_with_drives(tmp_path):
    path = tmp_path / "h.toml"
    path.write_text(FILE)
    done = subprocess.run(
        [os.environ["KRONSOLVE_PROGRAM"], "evolve", "--terms", path, "--state", "neel", "--time", "2", "--steps", "4",
         "--observe", "sz", "--save", tmp_path / "program.h5", "--json"],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    told = json.loads(done.stdout)

    driven = ks.read_driven(str(path))
    found = ks.evolve(driven, "neel", np.linspace(0, 2, 5), observe=["sz"])
    found.save(tmp_path / "python.h5")

    np.testing.assert_allclose(found.energies, told["energies"], atol=1e-12)
    np.testing.assert_allclose(found.observables["sz"], told["observables"]["sz"], atol=1e-12)
    program, python = (ks.load(tmp_path / f"{name}.h5") for name in ("program", "python"))
    np.testing.assert_allclose(python["state"], program["state"], atol=1e-12)
    descriptions = [json.loads(s._file.text("description")) for s in (program, python)]
    assert descriptions[0]["drives"] == descriptions[1]["drives"]
    other = ks.read_driven(str(path), w=1.5)
    assert other.at(1.0) != driven.at(1.0) and "w=1.5" in repr(other)


def test_they_travel():
    driven = ks.Driven(CHAIN, [("A*sin(w*t)", X), ([[0, 0], [4, 1]], Y), (wave, X)], A=0.7, w=2.0)

    there = pickle.loads(pickle.dumps(driven))

    for t in (0.0, 0.3, 2.0):
        assert there.at(t) == driven.at(t)


def throws(t):
    raise RuntimeError("no field today")


CASES = [
    (lambda: ks.Driven(CHAIN, [("sin(w*t)", X)]), "'w'"),
    (lambda: ks.Driven(CHAIN, [("sin(t", X)]), "sin"),
    (lambda: ks.Driven(CHAIN, [("t", X)], t=1.0), "t is the time"),
    (lambda: ks.Driven(CHAIN, [([[0, 1]], X)]), "two at least"),
    (lambda: ks.Driven(CHAIN, [([[0, 1], [0, 2]], X)]), "ascend"),
    (lambda: ks.Driven(CHAIN, [([[0, np.nan], [1, 2]], X)]), "finite"),
    (lambda: ks.Driven(CHAIN, [(np.ones(4), X)]), r"points \[\[time"),
    (lambda: ks.Driven(CHAIN, [X]), "pair"),
    (lambda: ks.Driven(np.eye(4), []), "Operator is driven, got ndarray"),
    (lambda: ks.Driven(CHAIN, [("t", ks.spins(3).x[0])]), "sites"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", S.p[0])]), "neel", [1]), "Hermitian"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [(throws, X)]), "neel", [1]), "a drive threw RuntimeError: no field today"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [(lambda t: "x", X)]), "neel", [1]), "a drive threw TypeError"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [(lambda t: float("inf"), X)]), "neel", [1]), "is inf at t"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("sqrt(-t)", X)]), "neel", [1]), "nan at t"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [([[0, 0], [1, 1]], X)]), "neel", [2]), "needed is 2"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", X)]), "neel", [1], imaginary=True), "time"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", X)]), "neel", [1], method="expm"), "integrate"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", X)]), "neel", [1], observe=["variance"]), "depend on time"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", X)]), "neel", [1], workers=2), "workers"),
    (lambda: ks.evolve(ks.Driven(CHAIN, [("t", X)]), "neel", [1], vectors="keep"), "keep"),
    (lambda: ks.eigh(ks.Driven(CHAIN, [("t", X)])), "evolve"),
]


@pytest.mark.parametrize("call,words", CASES, ids=range(len(CASES)))
def test_what_is_wrong_is_refused(call, words):
    with pytest.raises(ks.InvalidArgument, match=words) as caught:
        call()

    assert "\n" not in str(caught.value)


RANKS = """
from mpi4py import MPI
import numpy as np
import kronsolve as ks
comm = MPI.COMM_WORLD
h = ks.model("heisenberg", sites=8, cyclic=True)
S = ks.spins(8)
driven = ks.Driven(h, [("sin(2*t)", S.x[0]), (lambda t: 0.5 * t if comm.rank == 0 else 1 / 0, S.z[3])])
there = ks.evolve(driven, "neel", [0.5], comm=comm, observe=["sz"], gather=False)
there.save("there.h5")
comm.Barrier()
if comm.rank == 0:
    alone = ks.evolve(driven, "neel", [0.5], observe=["sz"])
    print(ks.load("there.h5").state().fidelity(alone.state) - 1 < 1e-9,
          np.allclose(ks.load("there.h5")["sz"], alone.observables["sz"], atol=1e-8), flush=True)
def throws(t):
    raise RuntimeError("rank 0 alone")
try:
    ks.evolve(ks.Driven(h, [(throws, S.x[0])]), "neel", [1], comm=comm)
except ks.InvalidArgument as error:
    failed = comm.gather("rank 0 alone" in str(error))
    print(failed, flush=True) if comm.rank == 0 else None
"""


def test_on_ranks(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(RANKS.replace('"there.h5"', f'"{tmp_path}/there.h5"'))

    done = run_python(script, ranks=3, timeout=240)

    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:2] == ["True True", "[True, True, True]"]
