"""Solvers: the numbers of NumPy, of SciPy and of the program."""

import numpy as np
import pytest
import scipy.linalg as sl
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from hypothesis import given
from hypothesis import strategies as st

import kronsolve as ks
from support import program

seeds = st.integers(0, 2**32 - 1)


def random_operator(seed, sites=5):
    """A Hermitian sum with random couplings, complex for odd seeds."""
    rng = np.random.default_rng(seed)
    S = ks.spins(sites)
    h = sum(rng.normal() * S.z[i] + rng.normal() * S.x[i] for i in range(sites))
    for i in range(sites):
        for j in range(i):
            h = h + rng.normal() * S.z[i] * S.z[j] + rng.normal() * (S.p[i] * S.m[j] + S.m[i] * S.p[j])
            if seed % 2:
                h = h + rng.normal() * (S.x[i] * S.y[j] - S.y[i] * S.x[j])
    return h


@given(seeds)
def test_eigenpairs(seed):
    h = random_operator(seed)
    exact, dense = np.linalg.eigvalsh(h.to_dense()), h.to_dense()

    r = ks.eigh(h, k=4)
    values, vectors = r

    np.testing.assert_allclose(values, exact[:4], atol=1e-12 * max(1, abs(exact).max()))
    np.testing.assert_allclose(dense @ vectors, vectors * values, atol=1e-8)
    np.testing.assert_allclose(vectors.conj().T @ vectors, np.eye(4), atol=1e-10)
    assert r.converged and r.require_converged() is r
    assert r.scalar == ("complex" if seed % 2 else "real")
    np.testing.assert_allclose(ks.eigh(h, k="all").eigenvalues, exact, atol=1e-11)
    np.testing.assert_allclose(ks.eigh(h, k=2, which="LA", vectors=False).eigenvalues, exact[-2:], atol=1e-11)
    assert ks.ground_state(h).energy == pytest.approx(exact[0], abs=1e-11)


@pytest.mark.parametrize("method", ["dense", "lanczos", "slepc", "lobpcg"])
def test_methods_agree(method):
    h = ks.model("heisenberg", sites=10, cyclic=True).in_sector(sz=0)
    exact = np.linalg.eigvalsh(h.to_dense())

    r = ks.eigh(h, k=2, method=method)

    np.testing.assert_allclose(r.eigenvalues, exact[:2], atol=1e-9)
    assert r.method == method


def test_targets_and_intervals():
    h = random_operator(7)
    exact = np.linalg.eigvalsh(h.to_dense())
    middle = (exact[10] + exact[11]) / 2

    near = ks.eigh(h, k=2, sigma=middle).eigenvalues
    inside = ks.eigh(h, interval=(exact[3] - 1e-6, exact[6] + 1e-6)).eigenvalues

    np.testing.assert_allclose(near, exact[10:12], atol=1e-9)
    np.testing.assert_allclose(inside, exact[3:7], atol=1e-9)
    assert ks.count_eigenvalues(h, exact[3] - 1e-6, exact[6] + 1e-6) == 4
    np.testing.assert_allclose(ks.bound_spectrum(h), exact[[0, -1]], atol=1e-9)


def test_staying_orthogonal():
    h = random_operator(8)
    exact = np.linalg.eigvalsh(h.to_dense())
    ground = ks.eigh(h)

    r = ks.eigh(h, against=ground.vectors)

    assert r.energy == pytest.approx(exact[1], abs=1e-9)


def test_start_vector_and_plan():
    h = ks.model("heisenberg", sites=10)
    start = ks.eigh(h).vector(0)

    warm = ks.eigh(h, method="slepc", start=start)
    cold = ks.eigh(h, method="slepc")

    assert warm.energy == pytest.approx(cold.energy, abs=1e-10)
    assert warm.products <= cold.products
    assert ks.plan(h, k=1).dimension == 1024
    assert "fits" in repr(ks.plan(h))


def test_ranks_are_planned_for_and_not_started():
    h = ks.model("heisenberg", sites=24)

    one, many = ks.plan(h), ks.plan(h, ranks=16)

    assert many.memory_rank_bytes < one.memory_rank_bytes
    assert many.memory_estimate_bytes > 10 * many.memory_rank_bytes
    with pytest.raises(ks.InvalidArgument, match="at least 1"):
        ks.plan(h, ranks=0)


@given(seeds)
def test_general_matrices(seed):
    a = np.random.default_rng(seed).normal(size=(12, 12))

    r = ks.eig(a, k=3)

    exact = np.linalg.eigvals(a)
    order = exact[np.argsort(-abs(exact), kind="stable")]
    np.testing.assert_allclose(np.sort(abs(r.eigenvalues)), np.sort(abs(order[:3])), atol=1e-9)
    np.testing.assert_allclose(a @ r.vectors, r.vectors * r.eigenvalues, atol=1e-8)


@given(seeds, st.booleans())
def test_singular_values(seed, is_complex):
    rng = np.random.default_rng(seed)
    a = sp.random(40, 23, density=0.3, random_state=rng, format="csr")
    if is_complex:
        a = a * (1 - 0.5j) + sp.random(40, 23, density=0.1, random_state=rng, format="csr")
    exact = np.linalg.svd(a.toarray(), compute_uv=False)

    u, s, vh = ks.svds(a, k=4)

    np.testing.assert_allclose(s, exact[:4], atol=1e-12 * exact[0])
    np.testing.assert_allclose(a @ vh.conj().T, u * s, atol=1e-8)
    assert ks.svds(a, k=1, which="smallest").singular_values[0] == pytest.approx(exact[-1], abs=1e-8)


@given(seeds)
def test_exponentials(seed):
    h = random_operator(seed)
    v = np.random.default_rng(seed).normal(size=32)
    t = -0.7j if seed % 3 else -0.3

    r = ks.expm_multiply(h, t, v)

    exact = sl.expm(t * h.to_dense()) @ v
    np.testing.assert_allclose(r.vector, exact, atol=1e-9 * np.linalg.norm(exact))
    assert r.converged and np.asarray(r).dtype == exact.dtype


@given(seeds)
def test_evolutions(seed):
    h = random_operator(seed)
    times = [0.0, 0.4, 1.5]
    S = ks.spins(5)
    psi = h.state("neel")
    seen = []

    r = ks.evolve(h, psi, times, observe=[S.z[0], "sz:1"], observer=lambda t, a: seen.append((t, abs(a[0]))))

    for i, t in enumerate(times):
        exact = sl.expm(-1j * t * h.to_dense()) @ psi.amplitudes
        z0 = (exact.conj() @ (S.z[0].to_dense() @ exact)).real
        z1 = (exact.conj() @ (S.z[1].to_dense() @ exact)).real
        assert r.expectations[i, 0] == pytest.approx(z0, abs=1e-9)
        assert r.observables["sz:1"][i] == pytest.approx(z1, abs=1e-9)
        assert seen[i] == pytest.approx((t, abs(exact[0])), abs=1e-9)
    np.testing.assert_allclose(r.vector, exact, atol=1e-9)
    in_session = ks.evolve(h, psi, times, observe=[S.z[0]])
    np.testing.assert_allclose(in_session.expectations, r.expectations, atol=1e-10)


def test_imaginary_time_and_stopping():
    h = ks.model("heisenberg", sites=6)

    cold = ks.evolve(h.in_sector(sz=0), "neel", [40.0], imaginary=True)
    stopped = ks.evolve(h, "neel", [0, 1, 2], observer=lambda t, a: t < 1)

    assert cold.energies[-1] == pytest.approx(ks.ground_state(h).energy, abs=1e-8)
    assert cold.vector.dtype == np.float64
    assert stopped.stopped and len(stopped.times) == 2


@given(seeds)
def test_linear_systems(seed):
    h = random_operator(seed) + 20
    b = np.random.default_rng(seed).normal(size=32)

    r = ks.solve(h, b)

    np.testing.assert_allclose(h @ r.x, b, atol=1e-8)
    many = ks.solve(h.to_scipy(), np.column_stack([b, 2 * b]) * (1 if h.is_real else 1 + 0j))
    np.testing.assert_allclose(many.x[:, 1], 2 * r.x, atol=1e-8)


# ---- ways in -----------------------------------------------------------------------------------------


def rows_of_chain(n, ownership):
    """A module's function, which can be sent to workers."""
    begin, end = ownership
    return sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n), format="csr")[begin:end]


def chain_values(n):
    return 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))


def ways_in(n):
    matrix = rows_of_chain(n, (0, n))
    yield "lazy", ks.Lazy(rows_of_chain, (n, n), n)
    yield "csr", matrix
    yield "coo", matrix.tocoo()
    yield "linear operator", spla.aslinearoperator(matrix)
    yield "array", matrix.toarray()
    yield "dense rows", ks.Lazy(lambda ownership: matrix[ownership[0] : ownership[1]].toarray(), (n, n))


@pytest.mark.parametrize("way,a", list(ways_in(50)), ids=[w for w, _ in ways_in(3)])
def test_every_way_in_gives_the_same(way, a):
    exact = chain_values(50)

    np.testing.assert_allclose(ks.eigh(a, k=3).eigenvalues, exact[:3], atol=1e-10)
    assert ks.svds(a, k=1).singular_values[0] == pytest.approx(exact[-1], abs=1e-10)
    x = np.arange(50.0)
    np.testing.assert_allclose(ks.as_operator(a) @ x, rows_of_chain(50, (0, 50)) @ x, atol=1e-11)
    np.testing.assert_allclose(ks.as_operator(a).rmatvec(1j * x), 1j * (rows_of_chain(50, (0, 50)) @ x), atol=1e-11)


def test_lazy_multiples():
    a = 3 * ks.Lazy(rows_of_chain, (20, 20), 20)

    np.testing.assert_allclose(a.to_dense(), 3 * rows_of_chain(20, (0, 20)).toarray())
    np.testing.assert_allclose(ks.eigh(a * 1j * -1j, k=1).energy, 3 * chain_values(20)[0], atol=1e-10)
    assert "rows_of_chain" in repr(a)


# ---- the program -------------------------------------------------------------------------------------

CASES = [
    (["--model", "heisenberg", "--sites", "12", "--cyclic"], dict(sites=12, cyclic=True), "heisenberg", []),
    (["--model", "xxz", "--sites", "11", "-p", "delta=0.3"], dict(sites=11, delta=0.3), "xxz", ["sz=1/2"]),
    (["--model", "heisenberg", "--sites", "12", "--cyclic"], dict(sites=12, cyclic=True), "heisenberg", ["sz=0", "momentum=2"]),
    (["--model", "hubbard", "--sites", "5", "--cyclic"], dict(sites=5, cyclic=True), "hubbard", ["nup=2", "ndown=2"]),
    (["--model", "mbl", "--sites", "9", "-p", "dh=3", "-p", "seed=4"], dict(sites=9, dh=3, seed=4), "mbl", ["sz=1/2"]),
]


@pytest.mark.parametrize("arguments,options,name,sector", CASES)
def test_the_same_numbers_as_the_program(arguments, options, name, sector):
    flags = [w for condition in sector for w in ("--sector", condition)]
    told = program("ground", *arguments, *flags, "-k", "3", "--observe", "entropy:half")
    h = ks.model(name, **options).in_sector(*sector)

    r = ks.eigh(h, k=3)

    np.testing.assert_allclose(r.eigenvalues, told["eigenvalues"], rtol=1e-12, atol=1e-12)
    assert (r.dimension, r.scalar, r.method) == (told["dimension"], told["scalar"], told["method"])
    if told["eigenvalues"][1] - told["eigenvalues"][0] > 1e-6:
        assert r.state(0).observe("entropy:half") == pytest.approx(told["observables"]["entropy:half"][0], abs=1e-8)


SMALL = [
    (["--model", "heisenberg", "--sites", "8"], ks.model("heisenberg", sites=8), "01010101"),
    (["--model", "xxz", "--sites", "8", "--cyclic", "--twist", "0.3"], ks.model("xxz", sites=8, cyclic=True, twist=0.3), "01100110"),
    (["--model", "heisenberg", "--sites", "8", "--cyclic", "--sector", "sz=0", "--sector", "momentum=1"],
     ks.model("heisenberg", sites=8, cyclic=True).in_sector(sz=0, momentum=1), "random"),
    (["--model", "hubbard", "--sites", "4", "--sector", "nup=2", "--sector", "ndown=2"],
     ks.model("hubbard", sites=4).in_sector(nup=2, ndown=2), "1212"),
    (["--model", "ising", "--sites", "7", "-p", "bx=0.7"], ks.model("ising", sites=7, bx=0.7), "0011010"),
]  # fmt: skip


@pytest.mark.parametrize("arguments,h,start", SMALL, ids=["real", "complex", "momentum", "electrons", "field"])
def test_the_same_spectra_triplets_and_evolutions_as_the_program(arguments, h, start):
    levels = program("eigh", *arguments, "-k", "all")
    triplets = program("svds", *arguments, "-k", "3")
    moved = program("evolve", *arguments, "--state", start, "--time", "2", "--steps", "4", "--observe", "entropy:half")
    times = np.linspace(0, 2, 5)

    r = ks.evolve(h, start, times, observe=["entropy:half"])

    scale = abs(np.array(levels["eigenvalues"])).max()
    np.testing.assert_allclose(ks.eigh(h, k="all").eigenvalues, levels["eigenvalues"], atol=1e-12 * scale, rtol=0)
    np.testing.assert_allclose(ks.svds(h, k=3).singular_values, triplets["singular_values"], atol=1e-12 * scale, rtol=0)
    np.testing.assert_allclose(r.energies, moved["energies"], atol=1e-12 * scale, rtol=0)
    np.testing.assert_allclose(r.observables["entropy:half"], moved["observables"]["entropy:half"], atol=1e-12)
    assert h.dtype.kind == {"real": "f", "complex": "c"}[levels["scalar"]]


def test_every_sector_has_the_levels_of_the_program():
    conditions = ["sz=all", "momentum=all"]
    flags = [w for condition in conditions for w in ("--sector", condition)]
    told = program("levels", "--model", "heisenberg", "--sites", "8", "--cyclic", *flags, "-k", "3")

    found = ks.sector_levels(ks.model("heisenberg", sites=8, cyclic=True), *conditions, k=3)

    assert len(found.levels) == len(told["levels"]) > 30
    for level, other in zip(found.levels, told["levels"]):
        assert level.energy == pytest.approx(other["energy"], abs=1e-12)
        assert level.sector == other["sector"] and level.spin == other["spin"]


def test_the_same_temperatures_as_the_program():
    told = program("thermal", "--model", "xxz", "--sites", "8", "-p", "delta=0.4", "--temperature", "0.3,1.5")

    t = ks.thermodynamics(ks.model("xxz", sites=8, delta=0.4), [0.3, 1.5])

    for name in ("energy", "heat_capacity", "entropy", "free_energy", "susceptibility"):
        np.testing.assert_allclose(getattr(t, name), told[name], rtol=1e-12, atol=1e-12)


# ---- spectra and temperatures ------------------------------------------------------------------------


def test_spectral_functions():
    h = ks.model("heisenberg", sites=8, cyclic=True)
    ground = ks.eigh(h.in_sector(sz=0)).state()
    S = ks.spins(8)
    phi = ks.apply_operator(S.p[0], ground, h.in_sector(sz=1))

    f = ks.spectral_function(h.in_sector(sz=1), phi)

    z = -1 + 0.3j
    exact = phi.amplitudes @ np.linalg.solve(z * np.eye(56) - h.in_sector(sz=1).to_dense(), phi.amplitudes)
    assert f.green(z) == pytest.approx(exact, abs=1e-10)
    assert f.weights.sum() == pytest.approx(phi.norm() ** 2, abs=1e-12)


def test_temperatures_and_levels():
    h = ks.model("heisenberg", sites=6, cyclic=True)
    values = np.linalg.eigvalsh(h.to_dense())
    weights = np.exp(-(values - values[0]) / 0.7)

    t = ks.thermodynamics(h, [0.7])
    levels = ks.sector_levels(h, "sz=0", "momentum=all", k=2)

    assert t.energy[0] == pytest.approx(weights @ values / weights.sum(), abs=1e-10)
    assert levels.levels[0].energy == pytest.approx(values[0], abs=1e-10)
    assert levels.levels[0].spin == pytest.approx(0, abs=1e-6)
    density = ks.density_of_states(h, np.linspace(-4, 3, 400), samples=20)
    assert density.sum() * 7 / 400 == pytest.approx(64, rel=0.05)


def test_correlations_out_of_time_order():
    h = ks.model("ising", sites=4, bx=0.8)
    S = ks.spins(4)
    u = sl.expm(-0.9j * h.to_dense())
    w = u.conj().T @ S.x[1].to_dense() @ u
    v = S.z[3].to_dense()
    exact = w @ v - v @ w

    one = ks.out_of_time_order(h, S.x[1], S.z[3], "0101", [0, 0.9])
    mean = ks.out_of_time_order(h, S.x[1], [S.z[3], S.p[0]], None, [0.9], samples=30)

    psi = np.eye(16)[5]
    assert one.converged and one.samples == 0
    assert one.commutators[0, 0] < 1e-30
    assert one.commutators[0, 1] == pytest.approx(np.linalg.norm(exact @ psi) ** 2, abs=1e-9)
    assert one.correlations[0, 1] == pytest.approx(np.vdot(v @ w @ psi, w @ v @ psi), abs=1e-9)
    assert mean.commutators.shape == (2, 1) and mean.samples == 30
    assert abs(mean.commutators[0, 0] - np.linalg.norm(exact) ** 2 / 16) < 5 * mean.errors["commutators"][0, 0]
    assert "products" in repr(mean)


# ---- states ------------------------------------------------------------------------------------------


@given(seeds)
def test_measures(seed):
    h = random_operator(seed)
    S = ks.spins(5)
    a = np.random.default_rng(seed).normal(size=32) + (1j if seed % 2 else 0)
    psi = h.state(a).normalized()
    v = psi.amplitudes
    rho = v.reshape(4, 8) @ v.reshape(4, 8).conj().T

    assert psi.norm() == pytest.approx(1)
    assert psi.energy() == pytest.approx((v.conj() @ h.to_dense() @ v).real, abs=1e-11)
    assert psi.expectation(S.z[0] * S.z[3]) == pytest.approx(v.conj() @ (S.z[0] * S.z[3]).to_dense() @ v, abs=1e-11)
    np.testing.assert_allclose(psi.reduced_density_matrix(2), rho, atol=1e-12)
    p = np.linalg.eigvalsh(rho)
    p = p[p > 1e-15]
    assert psi.entanglement_entropy(2) == pytest.approx(-(p * np.log(p)).sum(), abs=1e-9)
    assert psi.entanglement_entropy([0, 1], unit="bits") == pytest.approx(-(p * np.log2(p)).sum(), abs=1e-9)
    np.testing.assert_allclose(psi.schmidt_values(2)[:4] ** 2, np.sort(np.linalg.eigvalsh(rho))[::-1], atol=1e-12)
    np.testing.assert_allclose(psi.site_profile("Sz")[1], psi.expectation(S.z[1]), atol=1e-12)
    assert psi.overlap(h.state("neel")) == pytest.approx(np.conj(v[0b01010]), abs=1e-12)
    assert psi.fidelity(psi) == pytest.approx(1)
    exact = np.linalg.norm(h.to_dense() @ v - psi.energy() * v) ** 2
    assert psi.variance() == pytest.approx(exact, rel=1e-9)
    assert psi.observe("sz").shape == (5,)
    assert set(psi.observe("norm", "corr:Sz,Sz")) == {"norm", "corr:Sz,Sz"}


def test_texts_are_those_of_the_program():
    r = ks.ground_state(ks.model("heisenberg", sites=10, cyclic=True).in_sector(sz=0))

    lines = repr(r).splitlines()

    assert lines[0] == "252 states, real"
    assert lines[2] == f"energy     {r.energy: #.17g}"
    assert any(line.startswith("converged  1 of 1 pair") for line in lines)
    assert "eigenvalue" in repr(ks.eigh(ks.model("ising", sites=4), k=2))
    for result in (
        ks.svds(np.eye(3)),
        ks.eig(np.eye(3)),
        ks.solve(np.eye(3), np.ones(3)),
        ks.expm_multiply(np.eye(3), -1, np.ones(3)),
        ks.evolve(ks.model("ising", sites=2), "00", [1]),
        ks.thermodynamics(ks.model("ising", sites=2), [1]),
    ):
        assert result.reason if hasattr(result, "reason") else True
        assert len(repr(result)) > 20
