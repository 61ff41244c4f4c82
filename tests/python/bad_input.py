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
    (lambda: ks.ground_state(h, k=2), ks.InvalidArgument, "k is fixed"),
    (lambda: ks.eigh(h, comm="world"), ks.InvalidArgument, "mpi4py"),
    (lambda: ks.eigh(h, workers=-1), ks.InvalidArgument, "negative"),
    (lambda: ks.svds(np.ones((3, 2)), k=3), ks.InvalidArgument, r"\[1, 2\]"),
    (lambda: ks.svds(np.ones((3, 2)), which="middle"), ks.InvalidArgument, "largest"),
    (lambda: ks.expm_multiply(h, float("nan"), good), ks.InvalidArgument, "finite"),
    (lambda: ks.expm_multiply(h, 1, np.ones(3)), ks.DimensionError, "3 entries"),
    (lambda: ks.expm_multiply(h, 1, "neeel"), ks.InvalidArgument, "neel"),
    (lambda: ks.evolve(h, good * 0, [1]), ks.InvalidArgument, "zero|norm"),
    (lambda: ks.evolve(h, "neel", [float("inf")]), ks.InvalidArgument, "finite"),
    (lambda: ks.evolve(h, "neel", [1], observe=["warmth"]), ks.InvalidArgument, "warmth"),
    (lambda: ks.evolve(sp.eye(4), np.ones(4), [1], observe=["sz"]), ks.InvalidArgument, "no sites"),
    (lambda: ks.solve(h, np.ones(5)), ks.DimensionError, r"\(64,\)"),
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
    (lambda: h.state(np.ones(5)), ks.DimensionError, "5 amplitudes"),
    (lambda: h.state("012345"), ks.InvalidArgument, "2"),
    (lambda: h.state("neel").entanglement_entropy([9]), ks.InvalidArgument, "9|site"),
    (lambda: h.state("neel").entanglement_entropy(2, unit="dits"), ks.InvalidArgument, "nats"),
    (lambda: h.state("neel").site_profile("Sq"), ks.InvalidArgument, "Sq"),
    (lambda: h.state("neel").observe("sz:17"), ks.InvalidArgument, "17"),
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
