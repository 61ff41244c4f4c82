"""What solvers give: small classes whose arrays share the memory of the solver's vectors.

What a result has one of is an attribute (`EvolutionResult.state`), what it has several of is called with its number
(`EighResult.state`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core, _saving, _text, _vectors
from .errors import InvalidArgument, NotConverged
from .linear_map import LinearMap
from .operators import Operator
from .states import KeptVector, State

Array = NDArray[Any]


class Progress:
    """Where a running solve is.

    Attributes
    ----------
    wanted, converged : int
        Pairs.
    worst_residual : float
        Estimate of the worst wanted pair that has not converged.
    best_value : float
        As known now, of the level that is sought.
    products, iterations : int
    seconds : float
        Since the solve began.
    remaining_seconds : float or None
        Guessed from the rate of convergence.
    """

    __slots__ = (
        "best_value",
        "converged",
        "iterations",
        "products",
        "remaining_seconds",
        "seconds",
        "wanted",
        "worst_residual",
    )
    wanted: int
    converged: int
    worst_residual: float
    best_value: float
    products: int
    iterations: int
    seconds: float
    remaining_seconds: float | None

    def __init__(self, facts: dict[str, Any]) -> None:
        for name, value in facts.items():
            setattr(self, name, value)

    def __repr__(self) -> str:
        left = "" if self.remaining_seconds is None else f", about {_text.seconds(self.remaining_seconds)} left"
        return (
            f"{self.converged} of {self.wanted} pairs, value {self.best_value:.12g}, residual {self.worst_residual:.1e}, "
            f"{_text.counted(self.products, 'product')} in {_text.seconds(self.seconds)}{left}"
        )


class _Result:
    """The facts of a result as attributes."""

    _hidden: tuple[str, ...] = ("columns", "kept")

    def __init__(self, facts: dict[str, Any]) -> None:
        self._facts = facts
        for name, value in facts.items():
            if name not in self._hidden:
                setattr(self, name, value)


def _place(ranks: int, threads: int) -> str:
    each = " each" if ranks > 1 else ""
    return f"{_text.counted(ranks, 'rank')} with {_text.counted(threads, 'thread')}{each}"


def _not_converged(call: str, converged: int, what: str, residuals: Array, reason: str) -> NotConverged:
    shown = " ".join(f"{r:g}" for r in residuals)
    return NotConverged(
        f"{call}: {converged} of {len(residuals)} {what} converged ({reason}); "
        f"residuals {shown}; allow more iterations or a larger ncv"
    )


def _table(head: str, what: str, values: Array, residuals: Array) -> str:
    text = f"{head:>5}  {' ' + what:<24}  residual\n"
    for i, (value, residual) in enumerate(zip(values, residuals)):
        text += f"{i:>5}  {_text.value(value):<24}  {_text.residual(residual)}\n"
    return text


class EighResult(_Result):
    """Eigenpairs of a Hermitian operator and how they were found.

    ``values, vectors = eigh(h, k=3)`` takes it apart.

    Attributes
    ----------
    eigenvalues : ndarray, shape (k,)
        Ascending.
    residuals : ndarray, shape (k,)
        2-norms of H x - l x in that order; `residual_kind` says whether they are "explicit" or a "bound".
    converged : bool
        As many pairs as asked, all with a residual within the tolerance. `converged_pairs` counts them.
    certified : bool or None
        No level is missing, where that was checked; `certificate` says how.
    method, operator, scalar, reason : str
        What was chosen, and why.
    iterations, products, dimension : int
    setup_seconds, solve_seconds : float
    memory_estimate_bytes, ranks, threads : int
    kept : list of KeptVector
        With ``vectors="keep"``: the vectors, which have stayed where they were found.
    """

    eigenvalues: Array
    residuals: Array
    residual_kind: str
    converged: bool
    converged_pairs: int
    certified: bool | None
    certificate: str
    method: str
    operator: str
    scalar: str
    reason: str
    iterations: int
    products: int
    dimension: int
    setup_seconds: float
    solve_seconds: float
    memory_estimate_bytes: int
    ranks: int
    threads: int
    row_range: tuple[int, int]
    kept: list[KeptVector]

    def __init__(self, facts: dict[str, Any], h: LinearMap, comm: _core.Comm | None = None) -> None:
        self.threads = _core.num_threads()
        self.kept = [KeptVector(k) for k in facts.get("kept", [])]
        super().__init__(facts)
        self._h = h
        self._comm = comm
        self._columns: list[Array] = facts["columns"]
        self._vectors: Array | None = None

    @property
    def energy(self) -> float:
        """The lowest of the eigenvalues."""
        return float(self.eigenvalues[0])

    @property
    def vectors(self) -> Array:
        """The eigenvectors as columns, shape (n, k). One vector shares the solver's memory; several are put together once."""
        if self._vectors is None:
            self._vectors = _vectors.together(self._columns, self.dimension)
            self._columns = [self._vectors[:, j] for j in range(self._vectors.shape[1])]
            self._facts["columns"] = self._columns  # those of the solver are given up
        return self._vectors

    def vector(self, j: int = 0) -> Array:
        """One eigenvector, shape (n,): shared, never copied."""
        return self._columns[j]

    def state(self, j: int = 0) -> State:
        """One eigenvector as a state, which can be measured."""
        if not isinstance(self._h, Operator):
            raise InvalidArgument("state: rows of the user have no sites; vector(j) gives the amplitudes")
        return State(self._h, self._columns[j], comm=self._comm)

    def save(self, path: _saving.Path, *, observe: Sequence[str] = ()) -> None:
        """Writes pairs to a file as ``--save`` of the program does: `load`, ``kronsolve measure`` and ``--state`` read it.

        With ``gather=False`` all ranks of the communicator call, and none holds more than its rows. Vectors that were kept
        are brought here, one after the other.

        Parameters
        ----------
        path : path
            FILE.h5 (docs/files.md). It is whole or not there; a file of that name is replaced once all is on the disk.
        observe : list of str
            Measured of every state and written along (see `State.observe`).

        Raises
        ------
        IoError
            It cannot be written; an older file is as it was.
        """
        columns = _saving.columns([k.gather() for k in self.kept] if self.kept else self._columns)
        recorded = None
        if observe:
            if not isinstance(self._h, Operator):
                raise InvalidArgument("save: rows of the user have no sites; leave `observe` empty")
            states = [State(self._h, c, comm=self._comm)._core for c in columns]
            recorded = _core.record(states, list(observe))
        to = _saving.destination(path, self._h, self._comm, "eigh", self._facts)
        to.save_pairs(self._facts, columns, recorded)

    def require_converged(self) -> EighResult:
        """Itself.

        Raises
        ------
        NotConverged
            Fewer pairs than asked; with their residuals.
        """
        if not self.converged:
            raise _not_converged("eigh", self.converged_pairs, "pairs", self.residuals, self.reason)
        return self

    def __iter__(self) -> Iterator[Array]:
        yield self.eigenvalues
        yield self.vectors

    def __repr__(self) -> str:
        text = f"{_text.counted(self.dimension, 'state')}, {self.scalar}\n\n"
        if len(self.eigenvalues) == 1:
            text += _text.line("energy", _text.value(self.energy))
            text += _text.line("residual", " " + _text.residual(self.residuals[0]))
        else:
            text += _table("level", "eigenvalue", self.eigenvalues, self.residuals)
        kind = " (residuals are bounds)" if self.residual_kind == "bound" else ""
        count = len(self.eigenvalues)
        if self.converged:
            shown = f"{self.converged_pairs} of {_text.counted(count, 'pair')}{kind}"
        else:
            shown = f"NO: {_text.counted(self.converged_pairs, 'pair')} only{kind}"
        text += "\n" + _text.line("converged", shown)
        if self.certificate:
            text += _text.line("certified", ("yes: " if self.certified else "NO: ") + self.certificate)
        text += _text.line("method", f"{self.method}, {self.operator} operator")
        text += _text.line("", self.reason) if self.reason else ""
        text += _text.line(
            "products", f"{_text.grouped(self.products)} in {_text.counted(self.iterations, 'iteration')}"
        )
        text += _text.line("time", _text.seconds(self.setup_seconds + self.solve_seconds))
        return text + _text.line("on", _place(self.ranks, self.threads)).rstrip("\n")


class EigResult(_Result):
    """Right eigenpairs of a general matrix, the most wanted first."""

    eigenvalues: Array
    residuals: Array
    converged: bool
    converged_pairs: int
    iterations: int
    products: int
    dimension: int
    method: str
    scalar: str
    reason: str

    @property
    def vectors(self) -> Array:
        """The eigenvectors as columns, shape (n, k)."""
        return _vectors.together(self._facts["columns"], self.dimension)

    def __iter__(self) -> Iterator[Array]:
        yield self.eigenvalues
        yield self.vectors

    def __repr__(self) -> str:
        values = "\n".join(f"{i:>5}  {v:.17g}  {r:.1e}" for i, (v, r) in enumerate(zip(self.eigenvalues, self.residuals)))
        return f"{values}\n{_text.line('method', self.method)}{_text.line('', self.reason)}".rstrip("\n")


class SvdsResult(_Result):
    """Singular triplets: A v = s u.

    ``u, s, vh = svds(a, k=3)`` takes it apart as NumPy and SciPy do.

    Attributes
    ----------
    singular_values : ndarray, shape (k,)
        Descending.
    residuals : ndarray, shape (k,)
        sqrt(|A v - s u|^2 + |A^H u - s v|^2).
    converged, certified : bool
        All have a residual within the tolerance; none is missing.
    """

    _hidden = ("left_columns", "right_columns", "kept")
    singular_values: Array
    residuals: Array
    residual_kind: str
    converged: bool
    converged_triplets: int
    certified: bool
    certificate: str
    iterations: int
    products: int
    rows: int
    cols: int
    method: str
    scalar: str
    reason: str
    solve_seconds: float
    memory_estimate_bytes: int
    ranks: int

    def __init__(self, facts: dict[str, Any], a: LinearMap, comm: _core.Comm | None = None) -> None:
        super().__init__(facts)
        self._a = a
        self._comm = comm

    def save(self, path: _saving.Path) -> None:
        """Writes triplets to a file as ``kronsolve svds --save`` does; see `EighResult.save`."""
        facts = dict(self._facts)
        for name in ("left_columns", "right_columns"):
            facts[name] = _saving.columns(facts[name])
        _saving.destination(path, self._a, self._comm, "svds", facts).save_triplets(facts)

    @property
    def left(self) -> Array:
        """Left vectors as columns, shape (m, k)."""
        return _vectors.together(self._facts["left_columns"], self.rows)

    @property
    def right(self) -> Array:
        """Right vectors as columns, shape (n, k)."""
        return _vectors.together(self._facts["right_columns"], self.cols)

    def require_converged(self) -> SvdsResult:
        """Itself.

        Raises
        ------
        NotConverged
            Fewer triplets than asked; with their residuals.
        """
        if not self.converged:
            raise _not_converged("svds", self.converged_triplets, "triplets", self.residuals, self.reason)
        return self

    def __iter__(self) -> Iterator[Array]:
        yield self.left
        yield self.singular_values
        yield self.right.conj().T

    def __repr__(self) -> str:
        text = f"{self.rows} x {self.cols}, {self.scalar}\n\n"
        text += _table("", "singular value", self.singular_values, self.residuals)
        count = len(self.singular_values)
        shown = f"{self.converged_triplets} of {_text.counted(count, 'triplet')}"
        text += "\n" + _text.line("converged", shown if self.converged else f"NO: {shown}")
        if self.certificate:
            text += _text.line("certified", ("yes: " if self.certified else "NO: ") + self.certificate)
        text += _text.line("method", self.method) + _text.line("", self.reason)
        return text + _text.line("products", _text.grouped(self.products)).rstrip("\n")


class ExpmResult(_Result):
    """exp(t A) v and how good it is; ``numpy.asarray(result)`` is the vector."""

    error: float
    converged: bool
    products: int
    degree: int
    reason: str
    bounds: dict[str, float]
    kept: list[KeptVector]

    def __init__(self, facts: dict[str, Any], h: LinearMap) -> None:
        self.kept = [KeptVector(k) for k in facts.get("kept", [])]
        super().__init__(facts)
        self._h = h

    @property
    def vector(self) -> Array:
        """exp(t A) v, shape (n,): shares the solver's memory."""
        column: Array = self._facts["columns"][0]
        return column

    @property
    def state(self) -> State:
        """The same as a state."""
        if not isinstance(self._h, Operator):
            raise InvalidArgument("state: rows of the user have no sites; `vector` has the amplitudes")
        return State(self._h, self.vector)

    def __array__(self, dtype: Any = None) -> Array:
        return self.vector if dtype is None else self.vector.astype(dtype, copy=False)

    def __repr__(self) -> str:
        return (
            _text.line("error", _text.residual(self.error))
            + _text.line("converged", "yes" if self.converged else "NO")
            + _text.line("products", _text.grouped(self.products))
            + _text.line("", self.reason)
        ).rstrip("\n")


class EvolutionResult(_Result):
    """A state moved through times, and what was measured on the way.

    Attributes
    ----------
    times, energies, norms, errors : ndarray
        At each output time; errors are those of the state, accumulated, in the 2-norm.
    log_norms : ndarray
        Imaginary time: the logarithm of the norm that was divided out.
    norm_drift, energy_drift : float
    converged : bool
        Every error is within the tolerance.
    expectations : ndarray, shape (times, operators)
        Of the operators of `observe`, divided by the squared norm.
    observables : dict
        Of the names of `observe`: a value for each time.
    """

    _hidden = ("columns", "kept", "expectations", "observables", "recorded")
    times: Array
    energies: Array
    norms: Array
    log_norms: Array
    errors: Array
    norm_drift: float
    energy_drift: float
    products: int
    steps: int
    converged: bool
    stopped: bool
    method: str
    reason: str
    kept: list[KeptVector]

    def __init__(
        self,
        facts: dict[str, Any],
        h: LinearMap,
        comm: _core.Comm | None = None,
        drives: list[_core.Drive] | None = None,
    ) -> None:
        self.kept = [KeptVector(k) for k in facts.get("kept", [])]
        super().__init__(facts)
        self._h = h
        self._comm = comm
        self._drives = drives
        expectations = np.array(facts["expectations"])
        self.expectations: Array = expectations.real if np.all(expectations.imag == 0) else expectations
        self.observables: dict[str, Array] = {
            name: np.array(values) for name, values in facts["observables"].items()
        }

    @property
    def vector(self) -> Array:
        """The amplitudes at the last time, shape (n,): they share the solver's memory."""
        column: Array = self._facts["columns"][0]
        return column

    @property
    def state(self) -> State:
        """The state at the last time."""
        if not isinstance(self._h, Operator):
            raise InvalidArgument("state: rows of the user have no sites; `vector` has the amplitudes")
        return State(self._h, self.vector, comm=self._comm)

    def save(self, path: _saving.Path) -> None:
        """Writes times, what was measured at them and the last state, as ``kronsolve evolve --save`` does.

        Expectations of operators are `expectations`, along `time` and `expectations operator`. See `EighResult.save`.
        """
        found = [k.gather() for k in self.kept] if self.kept else self._facts["columns"]
        to = _saving.destination(path, self._h, self._comm, "evolve", self._facts, self._drives)
        to.save_evolution(self._facts, _saving.columns(found), self._facts["recorded"])

    def __repr__(self) -> str:
        text = f"{'time':>12}  {' energy':<24}  {'norm':<20}  error\n"
        for t, e, n, r in zip(self.times, self.energies, self.norms, self.errors):
            text += f"{t:>12g}  {_text.value(e):<24}  {n:<20.16g}  {_text.residual(r)}\n"
        text += "\n" + _text.line("converged", "yes" if self.converged else "NO")
        text += _text.line("method", self.method) + _text.line("", self.reason)
        return text + _text.line("products", _text.grouped(self.products)).rstrip("\n")


class SolveResult(_Result):
    """Solutions of A x = b."""

    residuals: Array
    converged: bool
    iterations: int
    products: int
    method: str
    reason: str

    def __init__(self, facts: dict[str, Any], one: bool) -> None:
        super().__init__(facts)
        self._one = one

    @property
    def x(self) -> Array:
        """The solution in the shape of b."""
        columns: list[Array] = self._facts["columns"]
        return columns[0] if self._one else _vectors.together(columns, len(columns[0]))

    def __array__(self, dtype: Any = None) -> Array:
        return self.x if dtype is None else self.x.astype(dtype, copy=False)

    def __repr__(self) -> str:
        residuals = " ".join(_text.residual(r) for r in self.residuals)
        return (
            _text.line("converged", "yes" if self.converged else "NO")
            + _text.line("residuals", residuals)
            + _text.line("method", self.method)
            + _text.line("", self.reason)
        ).rstrip("\n")


class SpectralFunction(_Result):
    """<phi| (z - H)^-1 |phi> as poles with weights."""

    _hidden = ()
    poles: Array
    weights: Array
    norm_squared: float
    products: int

    def green(self, z: Any) -> Array:
        """<phi| (z - H)^-1 |phi> at complex numbers z."""
        points = np.asarray(z, dtype=complex)
        found: Array = (self.weights / (points[..., None] - self.poles)).sum(axis=-1)
        return found

    def density(self, energies: Any, eta: float) -> Array:
        """-Im green(energy + i eta) / pi."""
        found: Array = -self.green(np.asarray(energies) + 1j * eta).imag / np.pi
        return found

    def __repr__(self) -> str:
        return f"<SpectralFunction: {len(self.poles)} poles, norm squared {self.norm_squared:.12g}>"


class Thermodynamics(_Result):
    """Averages at temperatures: totals with k_B = 1; each quantity has its standard errors in ``errors``."""

    _hidden = ("energy", "heat_capacity", "entropy", "free_energy", "susceptibility")
    method: str
    temperatures: Array
    states: int
    sectors: int
    products: int
    samples: int
    energy: Array
    heat_capacity: Array
    entropy: Array
    free_energy: Array
    susceptibility: Array

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        self.errors: dict[str, Array] = {}
        for name in self._hidden:
            values, errors = facts[name]
            setattr(self, name, values)
            self.errors[name] = errors

    def __repr__(self) -> str:
        text = f"{'T':>10}  {'energy':>18}  {'heat capacity':>18}  {'entropy':>18}\n"
        for t, e, c, s in zip(self.temperatures, self.energy, self.heat_capacity, self.entropy):
            text += f"{t:>10g}  {e:>18.12g}  {c:>18.12g}  {s:>18.12g}\n"
        return text + _text.line("method", self.method).rstrip("\n")


class OutOfTimeOrder(_Result):
    """Correlations out of time order.

    Attributes
    ----------
    times : array
    correlations : complex array, shape (probes, times)
        F = <W(t)^+ V^+ W(t) V>.
    commutators : array, shape (probes, times)
        C = <\\|[W(t), V]\\|^2>.
    errors : dict of str to array
        ``steps``: of both, from the courses in time; ``correlations`` and ``commutators``: standard errors of means over random states,
        0 for a state.
    samples, products : int
        Random states (0 for a state); products with H.
    converged : bool
    """

    _hidden = ("points",)
    times: Array
    samples: int
    products: int
    converged: bool

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts)
        columns = np.array(facts["points"]).reshape(-1, len(self.times), 5)
        self.correlations: Array = columns[..., 0].copy()
        self.commutators: Array = columns[..., 1].real.copy()
        names = ("steps", "correlations", "commutators")
        self.errors: dict[str, Array] = {name: columns[..., 2 + i].real.copy() for i, name in enumerate(names)}

    def __repr__(self) -> str:
        text = f"{'t':>10}  C = <|[W(t), V]|^2> of each probe\n"
        for t, row in zip(self.times, self.commutators.T):
            text += f"{t:>10g}  " + "  ".join(f"{c:>12.6g}" for c in row) + "\n"
        return text + _text.line("products", str(self.products)).rstrip("\n")


class Level:
    """A level of a sector.

    Attributes
    ----------
    energy, residual : float
    sector : list of str
        The conditions.
    spin : float or None
        The total spin, where it is conserved.
    """

    __slots__ = ("energy", "residual", "sector", "spin")

    def __init__(self, energy: float, residual: float, sector: list[str], spin: float | None) -> None:
        self.energy, self.residual, self.sector, self.spin = energy, residual, sector, spin

    def __repr__(self) -> str:
        spin = "" if self.spin is None else f"  S = {self.spin:g}"
        return f"{_text.value(self.energy)}  {', '.join(self.sector)}{spin}"


class SectorLevels:
    """The lowest levels of several sectors, by energy.

    Attributes
    ----------
    levels : list of Level
    sectors : list of (conditions, states)
    complete_below : float or None
        Up to this energy no level is missing; None: all are there.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.sectors: list[tuple[list[str], int]] = facts["sectors"]
        self.levels = [Level(e, r, self.sectors[s][0], spin) for e, r, s, spin in facts["levels"]]
        self.complete_below: float | None = facts["complete_below"]
        self.converged: bool = facts["converged"]
        self.certified: bool | None = facts["certified"]

    def __repr__(self) -> str:
        return "\n".join(repr(level) for level in self.levels)


class Plan(_Result):
    """What `eigh` would do, found out without allocating anything large."""

    _hidden = ()
    dimension: int
    method: str
    operator: str
    scalar: str
    memory_estimate_bytes: int
    memory_rank_bytes: int
    fits: bool
    reason: str

    def __repr__(self) -> str:
        fits = "fits" if self.fits else "DOES NOT FIT"
        return (
            f"{_text.counted(self.dimension, 'state')}, {self.scalar}\n\n"
            + _text.line("method", f"{self.method}, {self.operator} operator")
            + _text.line("", self.reason)
            + _text.line("memory", f"{_core.format_bytes(self.memory_estimate_bytes)}: {fits}")
        ).rstrip("\n")
