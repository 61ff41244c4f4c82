"""What is done with operators: the solvers, with the names, options and defaults of the C++ library.

All take ``comm=``: a communicator of mpi4py whose ranks solve together, each calling with the same arguments. Without it
the session decides: small problems are solved in this process, large ones (from 2^17 rows) by worker processes that are
started when they are first needed, and kept. ``workers=1`` keeps a solve in this process with its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _vectors
from ._progress import ProgressLike, ended, told
from .drives import Driven
from .errors import InvalidArgument
from .lazy import as_operator
from .linear_map import LinearMap
from .operators import Operator
from .parallel import _handle, _place
from .results import (
    EighResult,
    EigResult,
    EvolutionResult,
    ExpmResult,
    OutOfTimeOrder,
    Plan,
    SectorLevels,
    SolveResult,
    SpectralFunction,
    SvdsResult,
    Thermodynamics,
)
from .states import KeptVector, State

Array = NDArray[Any]
OperatorLike = Any  # LinearMap, a sparse matrix or LinearOperator of SciPy, an array
StateLike = Union[State, KeptVector, str, ArrayLike]
Vectors = Union[bool, Literal["keep"]]


def _options(**given: Any) -> dict[str, Any]:
    """What was given; k = "all" is the number that stands for it."""
    if given.get("k") == "all":
        given["k"] = -1
    return {name: value for name, value in given.items() if value is not None}


def _start(psi: StateLike) -> Any:
    if isinstance(psi, State):
        return psi.amplitudes
    if isinstance(psi, KeptVector):
        return psi._core
    if isinstance(psi, str):
        return psi
    if isinstance(psi, (EighResult, EvolutionResult)):
        which = "state(0)" if isinstance(psi, EighResult) else "state"
        raise InvalidArgument(f"a state is needed, got an {type(psi).__name__}; give its `{which}`")
    return _vectors.numbers(psi, "the state")


def _numbers(given: ArrayLike, what: str) -> list[float]:
    """A number or a list of them."""
    array = np.atleast_1d(np.asarray(given))
    if array.dtype.kind not in "biuf" or array.ndim != 1:
        raise InvalidArgument(f"{what} must be real numbers, a list of them or one, got {given!r}")
    return [float(x) for x in array]


def _check_observers(observe: Sequence[Operator | str], observer: Any) -> None:
    if isinstance(observe, str):
        raise InvalidArgument(f"evolve: observe is a list, as in observe=['{observe}']")
    for what in observe:
        if not isinstance(what, (Operator, str)):
            raise InvalidArgument(f"evolve: what observe lists is an Operator or a name, got {type(what).__name__}")
    if observer is not None and not callable(observer):
        raise InvalidArgument(f"evolve: observer must be a function, got {type(observer).__name__}")


def _word(vectors: Vectors) -> str:
    if vectors is True:
        return "gather"
    if vectors is False:
        return "drop"
    if vectors == "keep":
        return "keep"
    raise InvalidArgument(f"vectors must be True, False or 'keep', got {vectors!r}")


def eigh(
    h: OperatorLike,
    k: int | Literal["all"] = 1,
    which: str = "SA",
    *,
    sigma: float | None = None,
    position: float | None = None,
    interval: tuple[float, float] | None = None,
    tol: float = 1e-10,
    max_iterations: int = 0,
    ncv: int = 0,
    seed: int = 0,
    start: ArrayLike | None = None,
    method: str = "auto",
    form: str = "auto",
    factors: str = "auto",
    vectors: Vectors = True,
    against: ArrayLike | None = None,
    certify: bool = True,
    preconditioner: str = "auto",
    petsc_options: str = "",
    progress: ProgressLike = None,
    comm: Any = None,
    workers: int = 0,
    gather: bool = True,
) -> EighResult:
    """Eigenpairs of a Hermitian operator.

    Real or complex, dense or Krylov, stored or matrix-free are chosen unless told; `reason` of the result says why.

    Parameters
    ----------
    h : Operator, Lazy, sparse matrix, LinearOperator or array, shape (n, n)
        Checked to be Hermitian.
    k : int or "all"
        Pairs; "all" is the whole spectrum, dense.
    which : str
        SA, LA (smallest, largest), LM, SM (magnitude), TM, TR (nearest to `sigma`: TM if nothing is said).
    sigma : float, optional
        Target, in units of `h`; `which` is then TM or TR.
    position : float, optional
        The target by its place in the spectrum, from 0 to 1.
    interval : (float, float), optional
        Every pair with a value in it.
    tol : float
        Converged when |Hx - lx| <= tol times the scale of the level.
    max_iterations, ncv : int
        0: chosen.
    seed : int
        Of the start vector.
    start : array_like, shape (n,), optional
        A start vector.
    method : str
        auto, dense, slepc, lanczos, lobpcg, jd, gd, filter, ciss.
    form : str
        auto, assembled, matrix-free.
    factors : str
        auto, mumps, superlu_dist: of slepc with a target.
    vectors : bool or "keep"
        False: values alone. "keep": the vectors stay where they are found; ``result.kept`` names them.
    against : array_like, shape (n, j), optional
        Orthonormal vectors to stay orthogonal to.
    certify : bool
        Check that no level is missing.
    preconditioner : str
        auto, none, jacobi, block_jacobi, multigrid.
    petsc_options : str
        Raw options for the engine.
    progress : callable or True, optional
        Called with a `Progress` now and then; True shows a bar, in a terminal and in a notebook.
    comm : mpi4py communicator, optional
        Whose ranks solve together. Collective.
    workers : int
        Of the session. 0: chosen, 1: this process.
    gather : bool
        With `comm`: whole vectors on every rank, else the rows of this rank.

    Returns
    -------
    EighResult

    Raises
    ------
    InvalidArgument
        Not Hermitian (the term or entry is named), options out of range, memory that cannot fit.
    NotSupported
        The engine that is needed is not installed.
    """
    a = as_operator(h)
    handle, in_session = _place(comm, a, workers)
    options = _options(
        k=k,
        which=which,
        sigma=sigma,
        position=position,
        interval=interval,
        tol=tol,
        max_iterations=max_iterations,
        ncv=ncv,
        seed=seed,
        start=start,
        method=method,
        form=form,
        factors=factors,
        vectors=bool(vectors),
        certify=certify,
        preconditioner=preconditioner,
        petsc_options=petsc_options,
    )
    if (sigma is not None or position is not None) and which == "SA":
        options["which"] = "TM"
    if against is not None:
        options["against"] = _vectors.columns_of(against, a.shape[0], "eigh: against")
        in_session = False
    word = _word(vectors)
    if word == "keep" and not in_session:
        raise InvalidArgument("eigh: vectors='keep' goes without comm and against; gather=False leaves rows on their ranks")
    with told(progress) as tell:
        if in_session:
            facts = _core.eigh_in_session(a._core, options, workers, word, tell)
        else:
            facts = _core.eigh_on(a._core, options, handle, gather, tell)
        ended(tell, facts)
    return EighResult(facts, a, None if gather else handle)


def ground_state(h: OperatorLike, **options: Any) -> EighResult:
    """The lowest eigenpair: `eigh` with k = 1 and which = "SA"."""
    for name in ("k", "which"):
        if name in options:
            raise InvalidArgument(f"ground_state: {name} is fixed; eigh takes it")
    return eigh(h, 1, "SA", **options)


def plan(h: Operator, *, ranks: int = 1, **options: Any) -> Plan:
    """Method, form and memory that `eigh` would choose, with the same options; runs nothing.

    ``ranks`` processes are planned for, all on a machine like this one; none is started.
    """
    return Plan(_core.plan(h._core, _options(**options), ranks))


def eig(
    a: OperatorLike,
    k: int | Literal["all"] = 1,
    which: str = "LM",
    *,
    sigma: complex | None = None,
    tol: float = 1e-10,
    max_iterations: int = 0,
    ncv: int = 0,
    seed: int = 0,
    method: str = "auto",
    petsc_options: str = "",
    comm: Any = None,
) -> EigResult:
    """Right eigenpairs of a general square matrix.

    Parameters
    ----------
    a : Operator, Lazy, sparse matrix, LinearOperator or array, shape (n, n)
    k : int or "all"
    which : str
        LM, SM, LR, SR, LI, SI, TM; with `sigma` TM.
    sigma, tol, max_iterations, ncv, seed, method, petsc_options, comm
        As in `eigh`; methods are auto, dense, slepc.
    """
    options = _options(
        k=k,
        which="TM" if sigma is not None else which,
        sigma=sigma,
        tol=tol,
        max_iterations=max_iterations,
        ncv=ncv,
        seed=seed,
        method=method,
        petsc_options=petsc_options,
    )
    return EigResult(_core.eig_on(as_operator(a)._core, options, _handle(comm)))


def svds(
    a: OperatorLike,
    k: int | Literal["all"] = 1,
    which: str = "largest",
    *,
    tol: float = 1e-10,
    max_iterations: int = 0,
    ncv: int = 0,
    seed: int = 0,
    method: str = "auto",
    vectors: bool = True,
    certify: bool = True,
    progress: ProgressLike = None,
    comm: Any = None,
    workers: int = 0,
    gather: bool = True,
) -> SvdsResult:
    """Singular triplets of a matrix of any shape, the largest or smallest.

    Parameters
    ----------
    a : Operator, Lazy, sparse matrix, LinearOperator or array, shape (m, n)
    k : int or "all"
    which : str
        largest, smallest.
    tol : float
        Converged when the residual is <= tol max(s, min(1, |A|)).
    method : str
        auto, dense, bidiagonal, cross, restarted.
    max_iterations, ncv, seed, vectors, certify, progress, comm, workers, gather
        As in `eigh`.
    """
    operator = as_operator(a)
    handle, in_session = _place(comm, operator, workers)
    options = _options(
        k=k,
        which=which,
        tol=tol,
        max_iterations=max_iterations,
        ncv=ncv,
        seed=seed,
        method=method,
        vectors=vectors,
        certify=certify,
    )
    if in_session and not isinstance(operator, Operator):
        facts = _core.svds_in_session(operator._core, options, workers, _word(vectors))
    else:
        with told(progress) as tell:
            facts = _core.svds_on(operator._core, options, handle, gather, tell)
            ended(tell, facts)
    return SvdsResult(facts, operator, None if gather else handle)


def expm_multiply(
    h: OperatorLike,
    t: complex,
    psi: StateLike,
    *,
    method: str = "auto",
    tol: float = 1e-10,
    bounds: tuple[float, float] | None = None,
    max_products: int = 10_000_000,
    seed: int = 0,
    vectors: Vectors = True,
    comm: Any = None,
    workers: int = 0,
    gather: bool = True,
) -> ExpmResult:
    """exp(t H) |psi>; t = -1j * dt for Schroedinger time dt (hbar = 1), t = -tau for imaginary time.

    Parameters
    ----------
    h : Operator, Lazy, sparse matrix, LinearOperator or array, shape (n, n)
    t : complex
        t H has no unit.
    psi : State, KeptVector, str or array_like, shape (n,)
    method : str
        auto, chebyshev (Hermitian `h`), mfn (SLEPc's, any `h`).
    tol : float
        2-norm error, relative to the norm of the result.
    bounds : (float, float), optional
        An interval around the spectrum, if known.
    max_products, seed, vectors, comm, workers, gather
        As in `eigh`.

    Returns
    -------
    ExpmResult
        Real if `h`, `t` and `psi` are.
    """
    a = as_operator(h)
    handle, in_session = _place(comm, a, workers)
    options = _options(method=method, tol=tol, bounds=bounds, max_products=max_products, seed=seed)
    # Operators that are not Hermitian have a method of their own, which takes the product.
    if in_session and not (isinstance(a, Operator) and not a.is_hermitian):
        facts = _core.expm_multiply_in_session(
            a._core, complex(t), _start(psi), options, workers, _word(vectors)
        )
    else:
        facts = _core.expm_multiply_on(a._core, complex(t), _start(psi), options, handle, gather)
    return ExpmResult(facts, a)


def evolve(
    h: OperatorLike,
    psi: StateLike,
    times: ArrayLike,
    *,
    imaginary: bool = False,
    method: str = "auto",
    start: float = 0.0,
    tol: float = 1e-10,
    bounds: tuple[float, float] | None = None,
    max_products: int = 10_000_000,
    max_step: float = 0.0,
    observe: Sequence[Operator | str] = (),
    observer: Callable[[float, Array], Any] | None = None,
    vectors: Vectors = True,
    comm: Any = None,
    workers: int = 0,
    gather: bool = True,
) -> EvolutionResult:
    """exp(-i H t) |psi>, or exp(-H t) |psi> normalised, at each of `times`.

    Parameters
    ----------
    h : Operator, Driven, Lazy, sparse matrix, LinearOperator or array, shape (n, n)
        Hermitian. A `Driven` depends on time; the method is then integrate or magnus.
    psi : State, KeptVector, str or array_like, shape (n,)
        Given at the time `start`.
    times : array_like
        In any order (hbar = 1).
    method : str
        auto, solve, expm, integrate, magnus, mfn.
    tol : float
        2-norm error of the state at each time, relative to its norm.
    observe : list of Operator or str
        Measured at each time: operators give ``result.expectations``, names (see `State.observe`) ``result.observables``.
    observer : callable, optional
        ``observer(time, amplitudes)`` at each time; False ends the evolution.
    bounds, max_products, max_step, vectors, comm, workers, gather
        As in `expm_multiply`; `max_step` limits steps of integrate and magnus.
    """
    a = h.h if isinstance(h, Driven) else as_operator(h)
    drives = h._parts() if isinstance(h, Driven) else []
    handle, in_session = _place(comm, a, workers)
    options = _options(
        imaginary=imaginary,
        method=method,
        start=start,
        tol=tol,
        bounds=bounds,
        max_products=max_products,
        max_step=max_step,
    )
    listed = _numbers(times, "evolve: times")
    _check_observers(observe, observer)
    names = [o for o in observe if isinstance(o, str)]
    ops = [o._core for o in observe if not isinstance(o, str)]
    if drives and workers > 1:
        raise InvalidArgument("evolve: an operator with drives is followed in this process, or by the ranks of comm; leave out workers")
    if in_session and not names and observer is None and not drives:
        facts = _core.evolve_in_session(a._core, _start(psi), listed, options, ops, workers, _word(vectors))
    else:
        if vectors == "keep":
            raise InvalidArgument("evolve: vectors='keep' goes without drives, names to observe, observer and comm")
        facts = _core.evolve_on(
            a._core, drives, _start(psi), listed, options, names, ops, observer, handle, gather
        )
    reached = facts["times"]
    facts.update(dimension=a.shape[0], scalar="real" if a.dtype.kind == "f" else "complex")
    facts.update(imaginary=imaginary, start_time=float(start), end_time=float(reached[-1] if len(reached) else start))
    return EvolutionResult(facts, a, None if gather else handle, drives)


def solve(
    a: OperatorLike,
    b: ArrayLike,
    *,
    method: str = "auto",
    tol: float = 1e-10,
    max_iterations: int = 0,
    restart: int = 50,
    comm: Any = None,
) -> SolveResult:
    """x with A x = b.

    Parameters
    ----------
    a : Operator, Lazy, sparse matrix, LinearOperator or array, shape (n, n)
    b : array_like, shape (n,) or (n, k)
    method : str
        auto, cg, minres, gmres, direct.
    tol : float
        Converged when |b - A x| <= tol |b|.
    max_iterations, restart : int
        0: chosen; vectors that gmres keeps.
    """
    operator = as_operator(a)
    columns = _vectors.columns_of(b, operator.shape[0], "solve: b")
    options = _options(method=method, tol=tol, max_iterations=max_iterations, restart=restart)
    facts = _core.solve_on(operator._core, columns, options, _handle(comm))
    return SolveResult(facts, np.ndim(b) == 1)


def out_of_time_order(
    h: Operator,
    moved: Operator,
    probes: Operator | Sequence[Operator],
    psi: StateLike | None,
    times: ArrayLike,
    *,
    samples: int = 10,
    seed: int = 0,
    tol: float = 1e-10,
    comm: Any = None,
) -> OutOfTimeOrder:
    """F(t) = <W(t)^+ V^+ W(t) V> and C(t) = <\\|[W(t), V]\\|^2>, W(t) = exp(i H t) W exp(-i H t).

    Parameters
    ----------
    h : Operator
        Hermitian, in the sector of the state.
    moved : Operator
        W. It may lead out of the sector, and so may the probes.
    probes : Operator or list of Operator
        V.
    psi : State, str, array_like or None
        None: the mean over all states of the sector, from random ones.
    samples, seed : int
        Of these.
    tol : float
        2-norm error of a state after each course in time.
    """
    options = _options(samples=samples, seed=seed, tol=tol)
    listed = _numbers(times, "out_of_time_order: times")
    ops = [p._core for p in ([probes] if isinstance(probes, Operator) else probes)]
    start = None if psi is None else _start(psi)
    return OutOfTimeOrder(_core.out_of_time_order_on(h._core, moved._core, ops, start, listed, options, _handle(comm)))


def spectral_function(h: OperatorLike, phi: StateLike, *, steps: int = 200) -> SpectralFunction:
    """The spectral function of the vector phi = B |psi> under H, with at most `steps` products."""
    return SpectralFunction(_core.spectral_function(as_operator(h)._core, _start(phi), steps))


def density_of_states(
    h: OperatorLike, energies: ArrayLike, *, moments: int = 128, samples: int = 8, seed: int = 0
) -> Array:
    """States per unit energy at `energies`, by the kernel polynomial method."""
    options = _options(moments=moments, samples=samples, seed=seed)
    points = np.ascontiguousarray(np.atleast_1d(energies), dtype=float)
    density: Array = _core.density_of_states(as_operator(h)._core, points, options)[0]
    return density


def thermodynamics(
    h: Operator,
    temperatures: ArrayLike,
    *,
    method: str = "auto",
    samples: int = 20,
    steps: int = 100,
    seed: int = 0,
    comm: Any = None,
) -> Thermodynamics:
    """Energy, heat capacity, entropy, free energy and susceptibility at temperatures (k_B = 1), over the whole space.

    `method` is auto, exact (every eigenvalue), ftlm or typical (random vectors, with errors).
    """
    options = _options(method=method, samples=samples, steps=steps, seed=seed)
    listed = _numbers(temperatures, "thermodynamics: temperatures")
    return Thermodynamics(_core.thermodynamics_on(h._core, listed, options, _handle(comm)))


def sector_levels(h: Operator, *conditions: str, k: int = 1, comm: Any = None, **options: Any) -> SectorLevels:
    """The k lowest levels of each sector that conditions name: ``sector_levels(h, "sz=0..2", "momentum=all", k=3)``."""
    given = _options(k=k, **options)
    return SectorLevels(_core.sector_levels_on(h._core, list(conditions), given, _handle(comm)))


def count_eigenvalues(h: Operator, low: float, high: float) -> int:
    """How many eigenvalues lie in [low, high], proven by the inertia of two factorisations."""
    return _core.count_eigenvalues(h._core, low, high)


def bound_spectrum(h: Operator) -> tuple[float, float]:
    """The lowest and the highest eigenvalue."""
    return _core.spectrum_ends(h._core)
