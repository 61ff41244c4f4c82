"""What is wrong is refused with one line that says what is allowed."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp

import kronsolve as ks

h = ks.model("heisenberg", sites=6)
n = 64
good = np.ones(n)
read_only = np.ones(n)
read_only.flags.writeable = False


def throws(ownership):
    raise RuntimeError("no rows today")


def wrong_rows(ownership):
    return np.eye(4)[:2]


def wrong_columns(ownership):
    return np.ones((ownership[1] - ownership[0], 3))


def descending(ownership):
    count = ownership[1] - ownership[0]
    return (np.ones(2 * count), np.tile([1, 0], count), np.arange(0, 2 * count + 1, 2))


def infinite(ownership):
    return np.full((ownership[1] - ownership[0], 4), np.inf)


def complex_rows(ownership):
    return 1j * np.eye(4)[ownership[0] : ownership[1]]


def lower(ownership):
    return np.tril(np.ones((4, 4)))[ownership[0] : ownership[1]]


def fractions(ownership):
    count = ownership[1] - ownership[0]
    return (np.ones(count), np.arange(count) + 0.5, np.arange(count + 1))


def objects(ownership):
    count = ownership[1] - ownership[0]
    return (np.array([None] * count), np.arange(count), np.arange(count + 1))


def outside(ownership):
    count = ownership[1] - ownership[0]
    return (np.ones(count), np.arange(count) - 9, np.arange(count + 1))


def nothing(ownership):
    return None


nan, infinity = np.full(n, np.nan), np.full(n, np.inf)
S = ks.spins(6)
CASES = [
    # call, class, words of the text
    (lambda: h.matvec(np.ones(5)), ks.DimensionError, r"\(64,\).*\(5,\)"),
    (lambda: h.matvec(np.ones((n, 2))), ks.DimensionError, "shape"),
    (lambda: h.matvec(np.array(["a"] * n)), ks.InvalidArgument, "numbers.*<U1"),
    (lambda: h.matvec(np.array([None] * n)), ks.InvalidArgument, "numbers.*object"),
    (lambda: h.matvec(good, out=np.ones(5)), ks.DimensionError, "out must have shape"),
    (lambda: h.matvec(good, out=np.ones(n, dtype=np.float32)), ks.InvalidArgument, "dtype float64, got float32"),
    (lambda: h.matvec(good * 1j, out=np.ones(n)), ks.InvalidArgument, "dtype complex128"),
    (lambda: h.matvec(good, out=np.ones(2 * n)[::2]), ks.InvalidArgument, "contiguous"),
    (lambda: h.matvec(good, out=read_only), ks.InvalidArgument, "read-only"),
    (lambda: h.matvec(good, out=good), ks.InvalidArgument, "shares memory"),
    (lambda: h.matvec(good, out=[0.0] * n), ks.InvalidArgument, "NumPy array, got list"),
    (lambda: h.matvec(np.zeros(n, "M8[s]")), ks.InvalidArgument, "numbers.*datetime64"),
    (lambda: h.matvec(1.0), ks.DimensionError, r"got \(\)"),
    (lambda: h.matvec(None), ks.InvalidArgument, "numbers"),
    (lambda: h.rmatvec(np.ones(5)), ks.DimensionError, r"\(64,\).*\(5,\)"),
    (lambda: h.matmat(np.ones((n, 2)), out=np.empty((n, 4))[:, ::2]), ks.InvalidArgument, "contiguous"),
    (lambda: h.matmat(good), ks.DimensionError, r"\(64, k\)"),
    (lambda: h.to_scipy(rows=(3, 65)), ks.DimensionError, "range within"),
    (lambda: ks.model("heisenburg", sites=4), ks.InvalidArgument, "heisenberg"),
    (lambda: ks.model("heisenberg", sites=4, jj=1), ks.InvalidArgument, "jj"),
    (lambda: ks.model("heisenberg", sites=4, j=float("nan")), ks.InvalidArgument, "finite"),
    (lambda: ks.model("heisenberg", sites=4, cyclic="z"), ks.InvalidArgument, "True, False, 'x' or 'y'"),
    (lambda: h.in_sector(sz=7), ks.InvalidArgument, "sz"),
    (lambda: ks.model("ising", sites=4).in_sector(sz=0), ks.InvalidArgument, "sz"),
    (lambda: h.in_sector(momentum=0), ks.InvalidArgument, "momentum"),
    (lambda: h.in_sector("charge=1"), ks.InvalidArgument, "charge"),
    (lambda: ks.eigh(h, k=0), ks.InvalidArgument, r"\[1, 64\]"),
    (lambda: ks.eigh(h, k=65), ks.InvalidArgument, "got 65"),
    (lambda: ks.eigh(h, k="some"), ks.InvalidArgument, "option k"),
    (lambda: ks.eigh(h, which="XX"), ks.InvalidArgument, "SA, LA"),
    (lambda: ks.eigh(h, method="magic"), ks.InvalidArgument, "lanczos"),
    (lambda: ks.eigh(h, tol=2), ks.InvalidArgument, "tol"),
    (lambda: ks.eigh(h, vectors="some"), ks.InvalidArgument, "keep"),
    (lambda: ks.eigh(h, method="lanczos", start=np.full(n, np.nan)), ks.InvalidArgument, "start"),
    (lambda: ks.eigh(h, start=np.ones(5)), ks.DimensionError, "5"),
    (lambda: ks.eigh(S.p[0] * S.m[1]), ks.InvalidArgument, "Hermitian"),
    (lambda: ks.eigh(np.triu(np.ones((4, 4)))), ks.InvalidArgument, "Hermitian"),
    (lambda: ks.eigh(np.ones((4, 3))), ks.DimensionError, "square"),
    (lambda: ks.eigh(np.array([[np.nan]])), ks.InvalidArgument, "row"),
    (lambda: ks.eigh("heisenberg"), ks.InvalidArgument, "an operator is"),
    (lambda: ks.eigh(h, against=nan), ks.InvalidArgument, "orthonormal"),
    (lambda: ks.eigh(h, against=np.ones((n, 2))), ks.InvalidArgument, "orthonormalise"),
    (lambda: ks.eigh(h, sigma=float("nan")), ks.InvalidArgument, "finite"),
    (lambda: ks.eigh(h, interval=(2, 1)), ks.InvalidArgument, "ascending"),
    (lambda: ks.eigh(h, interval=(0, 1, 2)), ks.InvalidArgument, "option interval"),
    (lambda: ks.eigh(h, progress=3), ks.InvalidArgument, "progress must be True, False or a function, got int"),
    (lambda: ks.eigh(sp.csr_matrix(np.diag([1, np.nan]))), ks.InvalidArgument, "row 1 .* NaN"),
    (lambda: ks.eig(np.full((3, 3), np.nan)), ks.InvalidArgument, "NaN"),
    (lambda: ks.svds(np.full((3, 2), np.inf)), ks.InvalidArgument, "NaN or infinite"),
    (lambda: ks.svds(np.ones((2, 2, 2))), ks.InvalidArgument, "an operator is"),
    (lambda: ks.eigh(ks.Driven(h, [("t", S.x[0])])), ks.InvalidArgument, "depends on time"),
    (lambda: ks.ground_state(h, k=2), ks.InvalidArgument, "k is fixed"),
    (lambda: ks.eigh(h, comm="world"), ks.InvalidArgument, "mpi4py"),
    (lambda: ks.eigh(h, workers=-1), ks.InvalidArgument, "negative"),
    (lambda: ks.svds(np.ones((3, 2)), k=3), ks.InvalidArgument, r"\[1, 2\]"),
    (lambda: ks.svds(np.ones((3, 2)), which="middle"), ks.InvalidArgument, "largest"),
    (lambda: ks.expm_multiply(h, float("nan"), good), ks.InvalidArgument, "finite"),
    (lambda: ks.expm_multiply(h, 1, np.ones(3)), ks.DimensionError, "3 entries"),
    (lambda: ks.expm_multiply(h, 1, nan), ks.InvalidArgument, "NaN"),
    (lambda: ks.expm_multiply(h, 1, np.array([None] * n)), ks.InvalidArgument, "numbers"),
    (lambda: ks.expm_multiply(np.eye(3), 1, np.ones(3)).state, ks.InvalidArgument, "no sites"),
    (lambda: ks.evolve(h, infinity, [1]), ks.InvalidArgument, "infinite"),
    (lambda: ks.evolve(h, "neel", ["soon"]), ks.InvalidArgument, "times must be real numbers"),
    (lambda: ks.evolve(h, "neel", [1j]), ks.InvalidArgument, "times must be real numbers"),
    (lambda: ks.evolve(h, "neel", [1], observe="sz"), ks.InvalidArgument, r"observe=\['sz'\]"),
    (lambda: ks.evolve(h, "neel", [1], observe=[3]), ks.InvalidArgument, "an Operator or a name, got int"),
    (lambda: ks.evolve(h, "neel", [1], observe=[ks.spins(3).z[0]]), ks.DimensionError, "3 sites"),
    (lambda: ks.evolve(h, "neel", [1], observer=3), ks.InvalidArgument, "observer must be a function"),
    (lambda: ks.evolve(np.triu(np.ones((3, 3))), np.ones(3), [1]), ks.InvalidArgument, "not Hermitian"),
    (lambda: ks.expm_multiply(h, 1, "neeel"), ks.InvalidArgument, "neel"),
    (lambda: ks.evolve(h, good * 0, [1]), ks.InvalidArgument, "zero|norm"),
    (lambda: ks.evolve(h, "neel", [float("inf")]), ks.InvalidArgument, "finite"),
    (lambda: ks.evolve(h, "neel", [1], observe=["warmth"]), ks.InvalidArgument, "warmth"),
    (lambda: ks.evolve(sp.eye(4), np.ones(4), [1], observe=["sz"]), ks.InvalidArgument, "no sites"),
    (lambda: ks.solve(h, np.ones(5)), ks.DimensionError, r"\(64,\)"),
    (lambda: ks.solve(h + 20, nan), ks.InvalidArgument, "NaN"),
    (lambda: ks.solve(h + 20, np.array(["a"] * n)), ks.InvalidArgument, "numbers"),
    (lambda: ks.thermodynamics(h, ["warm"]), ks.InvalidArgument, "temperatures must be real numbers"),
    (lambda: ks.thermodynamics(h, [0.0]), ks.InvalidArgument, "temperature"),
    (lambda: ks.Lazy(3, (4, 4)), ks.InvalidArgument, "function"),
    (lambda: ks.Lazy(throws, 4), ks.InvalidArgument, "rows, columns"),
    (lambda: ks.Lazy(throws, (0, 4)), ks.DimensionError, "positive"),
    (lambda: ks.Lazy(throws, (4, 4), dtype=object), ks.InvalidArgument, "dtype"),
    (lambda: ks.eigh(ks.Lazy(throws, (4, 4))), ks.InvalidArgument, "RuntimeError: no rows today"),
    (lambda: ks.eigh(ks.Lazy(wrong_rows, (4, 4))), ks.InvalidArgument, r"shape \(4, 4\), got \(2, 4\)"),
    (lambda: ks.eigh(ks.Lazy(wrong_columns, (4, 4))), ks.InvalidArgument, r"got \(4, 3\)"),
    (lambda: ks.eigh(ks.Lazy(descending, (4, 4))), ks.InvalidArgument, "ascend"),
    (lambda: ks.eigh(ks.Lazy(infinite, (4, 4))), ks.InvalidArgument, "finite"),
    (lambda: ks.eigh(ks.Lazy(complex_rows, (4, 4))), ks.InvalidArgument, "dtype=complex"),
    (lambda: ks.eigh(ks.Lazy(lower, (4, 4))), ks.InvalidArgument, "Hermitian"),
    (lambda: ks.eigh(ks.Lazy(fractions, (4, 4))), ks.InvalidArgument, "columns of rows must be int64, got float64"),
    (lambda: ks.eigh(ks.Lazy(objects, (4, 4))), ks.InvalidArgument, "values of rows must be float64, got object"),
    (lambda: ks.eigh(ks.Lazy(outside, (4, 4))), ks.InvalidArgument, r"column -9 outside \[0, 3\]"),
    (lambda: ks.eigh(ks.Lazy(nothing, (4, 4))), ks.InvalidArgument, r"must have shape \(4, 4\)"),
    (lambda: ks.Lazy(nothing, ("4", 4)), ks.InvalidArgument, "rows, columns"),
    (lambda: h.state(nan), ks.InvalidArgument, "NaN"),
    (lambda: h.state(np.full(n, complex(0, np.inf))), ks.InvalidArgument, "infinite"),
    (lambda: h.state(np.array([None] * n)), ks.InvalidArgument, "numbers"),
    (lambda: h.state(np.ones(5)), ks.DimensionError, "5 amplitudes"),
    (lambda: h.state("012345"), ks.InvalidArgument, "2"),
    (lambda: h.state("neel").expectation("Sz_0 Sz_1"), ks.InvalidArgument, "an Operator is needed, got str"),
    (lambda: h.state("neel").variance(3), ks.InvalidArgument, "an Operator is needed, got int"),
    (lambda: ks.evolve(h, ks.eigh(h), [1]), ks.InvalidArgument, r"got an EighResult; give its `state\(0\)`"),
    (lambda: ks.expm_multiply(h, 1, ks.evolve(h, "neel", [1])), ks.InvalidArgument, "give its `state`"),
    (lambda: ks.model("heisenberg", sites=5).in_sector(sz=0.3), ks.InvalidArgument, "1/2"),
    (lambda: h.state("neel").entanglement_entropy([9]), ks.InvalidArgument, "9|site"),
    (lambda: h.state("neel").entanglement_entropy(2, unit="dits"), ks.InvalidArgument, "nats"),
    (lambda: h.state("neel").site_profile("Sq"), ks.InvalidArgument, "Sq"),
    (lambda: h.state("neel").observe("sz:17"), ks.InvalidArgument, "17"),
    (lambda: ks.spins(0), ks.InvalidArgument, "at least one site"),
    (lambda: ks.spins(2, 0.3), ks.InvalidArgument, "multiple of 1/2"),
    (lambda: float("nan") * S.z[0], ks.InvalidArgument, "NaN"),
    (lambda: S.op("Sq", 0), ks.InvalidArgument, "Sx"),
    (lambda: ks.Operator("Sz_0 Sz_9", sites=2), ks.InvalidArgument, "9"),
    (lambda: ks.Operator("hello", sites=2), ks.InvalidArgument, "hello"),
    (lambda: S.z[0] + ks.spins(5).z[0], ks.DimensionError, "sites"),
    (lambda: h.in_sector(sz=0) + h, ks.InvalidArgument, "sector"),
    (lambda: ks.read_operator("/nowhere/h.toml"), ks.IoError, "/nowhere/h.toml"),
    (lambda: ks.kron(np.ones(3)), ks.DimensionError, "matrix"),
    (lambda: ks.ikron(np.eye(2), [2, 2], 7), ks.InvalidArgument, "7"),
    (lambda: ks.configure(mode="warp"), ks.InvalidArgument, "dynamic"),
    (lambda: ks.eigh(h, max_iterations=1, k=3, method="lanczos").require_converged(), ks.NotConverged, "residuals"),
]


ODD = {
    "every second": np.arange(2.0 * n)[::2],
    "backwards": np.arange(1.0 * n)[::-1],
    "a column": np.arange(3.0 * n).reshape(n, 3)[:, 1],
    "read-only": read_only,
    "float32": np.arange(n, dtype=np.float32),
    "int8": np.arange(n, dtype=np.int8),
    "bool": np.arange(n) % 3 == 0,
    "other bytes first": np.arange(n, dtype=">f8"),
    "a list": [1.0] * n,
    "complex64": np.arange(n, dtype=np.complex64) * 1j,
}


@pytest.mark.parametrize("kind", ODD)
def test_what_numpy_calls_numbers_is_taken(kind):
    """However they lie in memory; nothing is written to."""
    x, dense = ODD[kind], h.to_dense()
    exact = np.array(x, dtype=complex if np.iscomplexobj(x) else float)
    before = exact.copy()

    np.testing.assert_allclose(h.matvec(x), dense @ exact, atol=1e-12)
    np.testing.assert_allclose(ks.solve(h + 20, x).x, np.linalg.solve(dense + 20 * np.eye(n), exact), atol=1e-8)
    np.testing.assert_allclose(ks.expm_multiply(h, -0.0, x).vector, exact, atol=1e-12 * np.linalg.norm(exact))
    assert h.state(x).norm() == pytest.approx(np.linalg.norm(exact))
    np.testing.assert_array_equal(np.array(x, dtype=exact.dtype), before)


@pytest.mark.parametrize("call,error,words", CASES, ids=[str(i) for i in range(len(CASES))])
def test_one_line(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()

    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ks.Error)


def test_classes_are_those_of_python_too():
    assert issubclass(ks.InvalidArgument, ValueError)
    assert issubclass(ks.IoError, OSError)
    assert issubclass(ks.TimeoutError, TimeoutError)


def test_what_the_user_threw_is_the_cause():
    with pytest.raises(ks.InvalidArgument) as caught:
        ks.eigh(ks.Lazy(throws, (4, 4)))

    assert isinstance(caught.value.__cause__, RuntimeError)
    assert caught.value.__cause__.__traceback__ is not None


def test_progress_that_throws_ends_the_solve():
    def progress(p):
        raise KeyError("enough")

    with pytest.raises(ks.InvalidArgument, match="progress threw KeyError"):
        ks.eigh(ks.model("heisenberg", sites=14), k=3, method="lanczos", progress=progress)


def test_attributes_that_are_not_there():
    with pytest.raises(AttributeError, match="Sx"):
        S.q
    with pytest.raises(IndexError, match="6 sites"):
        S.z[6]


def test_pickles_of_others_are_refused():
    with pytest.raises(ks.Error):
        ks.operators._operator_from_state((b"nonsense", [], None))
    assert pickle.loads(pickle.dumps(ks.DimensionError("text"))).args == ("text",)


def test_the_same_operator_serves_after_an_error():
    with pytest.raises(ks.Error):
        ks.eigh(h, k=0)

    assert ks.eigh(h).converged
