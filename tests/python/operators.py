"""Operators: algebra, rows, products, sectors, Kronecker products, pickles."""

import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given
from hypothesis import strategies as st

import kronsolve as ks
from support import PAULI, dense_of, kron_all

coefficients = st.complex_numbers(max_magnitude=2, allow_nan=False, allow_infinity=False).map(
    lambda z: complex(round(z.real, 3), round(z.imag, 3))
)


@st.composite
def sums(draw):
    """Sites and terms of a random operator."""
    sites = draw(st.integers(1, 5))
    factor = st.tuples(st.sampled_from(sorted(PAULI)), st.integers(0, sites - 1))
    term = st.tuples(coefficients, st.lists(factor, min_size=1, max_size=3))
    return sites, draw(st.lists(term, min_size=1, max_size=5))


def built(sites, terms):
    S = ks.spins(sites)
    total = 0 * S.identity
    for coefficient, factors in terms:
        product = S.identity
        for name, site in factors:
            product = product * S.op(name, site)
        total = total + coefficient * product
    return total


@given(sums())
def test_matrices_are_those_of_numpy(case):
    sites, terms = case
    h, exact = built(sites, terms), dense_of(terms, sites)

    assert h.shape == exact.shape
    np.testing.assert_allclose(h.to_dense(), exact, atol=1e-12)
    np.testing.assert_allclose(h.to_scipy().toarray(), exact, atol=1e-12)
    np.testing.assert_allclose(h.adjoint().to_dense(), exact.conj().T, atol=1e-12)
    assert h.is_hermitian == np.allclose(exact, exact.conj().T, atol=1e-13)


@given(sums(), st.integers(0, 2**32 - 1))
def test_products_are_those_of_numpy(case, seed):
    sites, terms = case
    h, exact = built(sites, terms), dense_of(terms, sites)
    rng = np.random.default_rng(seed)
    n = 2**sites
    real, matrix = rng.normal(size=n), rng.normal(size=(n, 3)) + 1j * rng.normal(size=(n, 3))

    np.testing.assert_allclose(h @ real, exact @ real, atol=1e-12)
    np.testing.assert_allclose(h.matvec(matrix[:, :1]), exact @ matrix[:, :1], atol=1e-12)
    np.testing.assert_allclose(h @ matrix, exact @ matrix, atol=1e-12)
    np.testing.assert_allclose(h.rmatvec(matrix[:, 0]), exact.conj().T @ matrix[:, 0], atol=1e-12)
    np.testing.assert_allclose(h.H @ matrix, exact.conj().T @ matrix, atol=1e-12)
    np.testing.assert_allclose(h.T @ real, exact.T @ real, atol=1e-12)
    np.testing.assert_allclose(real @ h, real @ exact, atol=1e-12)
    assert (h @ real).dtype == h.dtype


@given(sums(), sums())
def test_algebra_is_that_of_matrices(first, second):
    sites = max(first[0], second[0])
    a, b = built(sites, first[1]), built(sites, second[1])
    x, y = a.to_dense(), b.to_dense()

    np.testing.assert_allclose((a + b).to_dense(), x + y, atol=1e-11)
    np.testing.assert_allclose((a - 2j * b).to_dense(), x - 2j * y, atol=1e-11)
    np.testing.assert_allclose((a * b).to_dense(), x @ y, atol=1e-10)
    np.testing.assert_allclose((a @ b).to_dense(), x @ y, atol=1e-10)
    np.testing.assert_allclose(ks.commutator(a, b).to_dense(), x @ y - y @ x, atol=1e-10)
    np.testing.assert_allclose((a**2).to_dense(), x @ x, atol=1e-10)
    np.testing.assert_allclose((a + 1.5).to_dense(), x + 1.5 * np.eye(len(x)), atol=1e-11)
    np.testing.assert_allclose((1 - a / 2).to_dense(), np.eye(len(x)) - x / 2, atol=1e-11)
    assert a.trace() == pytest.approx(np.trace(x), abs=1e-11)
    assert a + b == b + a


def test_sums_are_written_as_in_a_paper():
    n = 8
    S = ks.spins(n)
    h = sum(
        S.z[i] * S.z[(i + 1) % n] + 0.5 * (S.p[i] * S.m[(i + 1) % n] + S.m[i] * S.p[(i + 1) % n]) for i in range(n)
    )

    assert h == ks.model("heisenberg", sites=n, cyclic=True)
    assert h.dtype == np.float64
    assert S.z[-1] == S.z[n - 1]
    assert ks.Operator(h.text, sites=n) == h


def test_what_spaces_have():
    assert "y" in dir(ks.spins(2)) and "nup" not in dir(ks.spins(2))
    F = ks.fermions(3)
    anti = ks.anticommutator(F.cp[0], F.cm[0])
    np.testing.assert_allclose(anti.to_dense(), np.eye(8))
    np.testing.assert_allclose(ks.anticommutator(F.cp[0], F.cm[2]).to_dense(), 0 * np.eye(8))
    assert ks.bosons(2, 4).n[1].shape == (16, 16)
    assert ks.electrons(1).ndn[0].to_dense().trace() == 2
    assert ks.spins(1, 1).z[0].to_dense().tolist() == np.diag([1.0, 0.0, -1.0]).tolist()
    assert ks.spins(1, "3/2").z[0].shape == (4, 4)


@pytest.mark.parametrize("sector", [{}, {"sz": 0}, {"sz": 1}, {"sz": 0, "momentum": 1}, {"sz": 0, "spinflip": -1}])
def test_sectors_together_are_the_spectrum(sector):
    h = ks.model("heisenberg", sites=8, cyclic=True)
    inside = h.in_sector(**sector)
    whole = np.linalg.eigvalsh(h.to_dense())

    part = np.linalg.eigvalsh(inside.to_dense())

    for value in part:
        assert np.min(np.abs(whole - value)) < 1e-12
    x = np.random.default_rng(1).normal(size=inside.shape[0])
    np.testing.assert_allclose(inside @ x, inside.to_dense() @ x, atol=1e-12)
    assert inside.configurations().shape == (inside.shape[0], 8)


@pytest.mark.parametrize("half", [0.5, np.float64(0.5), Fraction(1, 2), "1/2"])
def test_halves_of_a_charge(half):
    h = ks.model("heisenberg", sites=5)

    assert h.in_sector(sz=half).sector == ["sz=1/2"] and h.in_sector(sz=half).shape == (10, 10)
    assert h.in_sector(sz=-1.5).sector == ["sz=-3/2"]
    assert ks.model("heisenberg", sites=4).in_sector(sz=1.0).sector == ["sz=1"]


def test_rows_of_a_basis():
    h = ks.model("heisenberg", sites=6).in_sector(sz=0)

    digits = h.configurations()

    assert all(h.row(d) == i for i, d in enumerate(digits))
    assert h.row("000000") == -1
    assert (digits.sum(axis=1) == 3).all()


def test_any_rows_of_the_matrix():
    h = ks.model("xxz", sites=8, delta=0.5).in_sector(sz=0)
    whole = h.to_scipy()

    pieces = [h.to_scipy(rows=(b, min(b + 13, h.shape[0]))) for b in range(0, h.shape[0], 13)]

    assert abs(sp.vstack(pieces) - whole).nnz == 0
    assert h.to_scipy(rows=(5, 5)).shape == (0, h.shape[1])


def test_numpy_leaves_products_to_operators():
    h = ks.model("ising", sites=4)
    x = np.arange(16.0)

    assert (np.float64(2) * h).to_dense().tolist() == (2 * h.to_dense()).tolist()
    np.testing.assert_allclose(x @ h, x @ h.to_dense())
    np.testing.assert_allclose(np.eye(16) @ h, h.to_dense())


# ---- SciPy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["heisenberg", "complex"])
def test_scipy_solves_with_our_product(name):
    h = ks.model("heisenberg", sites=8, cyclic=True)
    if name == "complex":
        S = ks.spins(8)
        h = h + 0.3 * sum(S.x[i] * S.y[(i + 1) % 8] - S.y[i] * S.x[(i + 1) % 8] for i in range(8))
    exact = np.linalg.eigvalsh(h.to_dense())
    v = np.random.default_rng(2).normal(size=256)

    assert isinstance(h, spla.LinearOperator) and isinstance(h, ks.Operator)
    np.testing.assert_allclose(spla.eigsh(h, k=1, which="SA")[0], exact[:1], atol=1e-10)
    np.testing.assert_allclose(spla.svds(h, k=2)[1], np.sort(np.abs(exact))[-2:], atol=1e-9)
    with pytest.warns(UserWarning, match="Trace"):
        moved = spla.expm_multiply(-1j * h, v)
    np.testing.assert_allclose(moved, spla.expm_multiply(-1j * h.to_scipy(), v), atol=1e-11)
    np.testing.assert_allclose(spla.aslinearoperator(h).matvec(v), h @ v)


def test_arithmetic_of_linear_operators():
    h = ks.model("heisenberg", sites=6)
    other = spla.aslinearoperator(sp.diags(np.arange(64.0)))
    x = np.random.default_rng(3).normal(size=64)

    for mixed, exact in [
        (h + other, h @ x + other @ x),
        (other - h, other @ x - h @ x),
        (2 * (h @ other), 2 * (h @ (other @ x))),
        (h.as_linear_operator() * 3, 3 * (h @ x)),
    ]:
        np.testing.assert_allclose(mixed @ x, exact, atol=1e-12)


# ---- memory ------------------------------------------------------------------------------------------


def test_with_out_nothing_of_the_size_of_a_vector_is_allocated():
    h = ks.model("heisenberg", sites=16, cyclic=True)
    x, y = np.random.default_rng(4).normal(size=2**16), np.empty(2**16)
    h.matvec(x, out=y)  # tables of the product

    tracemalloc.start()
    result = h.matvec(x, out=y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert result is y
    assert peak < x.nbytes / 16


def test_large_products_lie_at_the_beginning_of_huge_pages():
    h = ks.model("heisenberg", sites=18)
    x = np.random.default_rng(5).normal(size=2**18)

    for y in (h @ x, h @ (1j * x), h.matvec(x.reshape(-1, 1))):
        assert y.ctypes.data % 2**21 == 0 and y.flags.writeable and y.flags.c_contiguous
        assert np.vdot(x, y) == pytest.approx(np.vdot(x, h.to_scipy() @ x) * (1j if y.dtype.kind == "c" else 1))


def test_arrays_are_shared():
    h = ks.model("heisenberg", sites=8)

    r = ks.eigh(h)

    assert np.shares_memory(r.vectors, r.vector(0))
    assert np.shares_memory(r.state(0).amplitudes, r.vector(0))
    assert np.shares_memory(np.asarray(r.state(0)), r.vector(0))
    mine = np.ones(256)
    assert np.shares_memory(h.state(mine).amplitudes, mine)


# ---- travelling --------------------------------------------------------------------------------------


def test_pickles_are_bytes():
    h = ks.model("heisenberg", sites=32, cyclic=True).in_sector(sz=0, momentum=0)

    text = pickle.dumps(h)

    assert len(text) < 10 * 1024
    assert pickle.loads(text) == h
    assert pickle.loads(text).in_sector(reflection=1).sector == ["sz=0", "momentum=0", "reflection=1"]


@given(sums())
def test_pickles_are_the_same_operator(case):
    h = built(*case)

    again = pickle.loads(pickle.dumps(h))

    assert again == h and again.text == h.text


def test_pickles_of_lattices_and_states():
    for h in (
        ks.model("heisenberg2d", size=(2, 4), cyclic="y"),
        ks.model("heisenberg", sites=4, edges=[(0, 1), (1, 3, 0.5), (2, 3, 1, 2)]),
        ks.model("hubbard", sites=3, cyclic=True),
        ks.model("kondo", sites=6, cyclic=True, twist=0.3),
        ks.model("heisenberg", cluster=((3, 1), (-1, 3))),
    ):
        again = pickle.loads(pickle.dumps(h))
        assert again == h and again._core.lattice == h._core.lattice
    assert pickle.loads(pickle.dumps(h)).in_sector("momentum=0,3").shape == h.in_sector("momentum=0,3").shape
    psi = ks.model("heisenberg", sites=6).state("neel")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(psi)).amplitudes, psi.amplitudes)


def test_operator_files_take_parameters(tmp_path):
    path = tmp_path / "h.toml"
    path.write_text("lattice = 'chain'\nsize = 'L'\ncyclic = true\n[parameters]\nL = 4\nJ = 1\n[[bond]]\nj = 'J'\n")

    assert ks.read_operator(str(path)) == ks.model("heisenberg", sites=4, cyclic=True)
    h = ks.read_operator(str(path), L=6, J="1/2")
    assert h == ks.model("heisenberg", sites=6, cyclic=True, j=0.5)
    assert h.in_sector(momentum=0).sector == ["momentum=0"]


# ---- Kronecker products ------------------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_kronecker_products_are_those_of_numpy(seed, is_complex):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.normal(size=rng.integers(1, 4, 2)) for _ in range(3))
    if is_complex:
        b = b * (1 + 2j)
    exact = kron_all([a, b, c])

    np.testing.assert_allclose(ks.kron(a, b, c).toarray(), exact, atol=1e-13)
    begin, end = sorted(rng.integers(0, exact.shape[0] + 1, 2))
    np.testing.assert_allclose(ks.kron(a, sp.csr_matrix(b), c, rows=(begin, end)).toarray(), exact[begin:end], atol=1e-13)


def test_operators_on_some_sites():
    rng = np.random.default_rng(5)
    a, b, two, one = rng.normal(size=(2, 2)), rng.normal(size=(3, 3)), np.eye(2), np.eye(3)
    swap = np.eye(4)[[0, 2, 1, 3]]

    np.testing.assert_allclose(ks.ikron(a, [2, 3, 2], 2).toarray(), kron_all([two, one, a]))
    np.testing.assert_allclose(ks.ikron([a, b], [2, 3, 2], [0, 1]).toarray(), kron_all([a, b, two]))
    np.testing.assert_allclose(ks.pkron(swap, [2, 2, 2], [2, 1]).toarray(), kron_all([two, swap]))
    np.testing.assert_allclose(ks.ikron(a, [2, 2], -1).toarray(), kron_all([two, a]))


def test_matrices_become_sums():
    m = np.random.default_rng(6).normal(size=(8, 8))

    np.testing.assert_allclose(ks.pauli_decomposition(m).to_dense(), m, atol=1e-12)


# ---- lists and texts ---------------------------------------------------------------------------------


def test_models_are_listed():
    names = [m.name for m in ks.models()]

    assert "heisenberg" in names and "hubbard" in names
    assert "J" in repr(ks.models()[0]) or "j" in repr(ks.models()[0])


def test_texts():
    h = ks.model("heisenberg", sites=8)

    assert "8 sites" in repr(h) and "256 states" in repr(h) and "real" in repr(h)
    assert "sz=0" in repr(h.in_sector(sz=0))
    assert h.terms[0][1][0][1] == 0
    assert h.conserves("sz") and not ks.model("ising", sites=4).conserves("sz")
    assert "sz" in h.conserved_charges()


def test_defined_matrices():
    S = ks.spins(2)
    h = S.identity.define(M=[[1, 2], [2, 3]])

    again = ks.Operator._of(h._core)

    assert pickle.loads(pickle.dumps(again)) == h
