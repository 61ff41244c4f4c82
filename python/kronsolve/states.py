"""States: amplitudes together with what they are amplitudes of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _core, _saving, _vectors
from .errors import InvalidArgument
from .operators import Operator
from .parallel import _handle

Array = NDArray[Any]
SiteSet = Union[int, Sequence[int]]


def _operator(op: Any, what: str) -> _core.Operator:
    if not isinstance(op, Operator):
        raise InvalidArgument(f"{what}: an Operator is needed, got {type(op).__name__}; `Sites.parse` makes one of text")
    return op._core


def _sites(which: SiteSet, total: int) -> list[int]:
    return list(range(which)) if isinstance(which, int) else sorted(int(s) for s in which)


class KeptVector:
    """A vector that has stayed where a solve left it (``vectors="keep"``): in workers, or in this process.

    Measures of it run there, and only their values travel. The end of the last reference releases it.
    """

    __slots__ = ("_core",)

    def __init__(self, core: _core.KeptVector) -> None:
        self._core = core

    @property
    def size(self) -> int:
        """Its length."""
        return self._core.size

    @property
    def ranks(self) -> int:
        """How many hold a part of it."""
        return self._core.ranks

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or complex128."""
        return self._core.dtype

    def norm(self) -> float:
        """The 2-norm."""
        return self._core.norm()

    def overlap(self, other: KeptVector) -> complex:
        """<self|other>; both are kept in the same place."""
        return self._core.overlap(other._core)

    def expectation(self, op: Operator) -> complex:
        """<self|op|self>."""
        return self._core.expectation(_operator(op, "expectation"))

    def variance(self, op: Operator) -> float:
        """<op^2> - <op>^2."""
        return self._core.variance(_operator(op, "variance"))

    def site_profile(self, op: str) -> Array:
        """<op_i> for every site."""
        return self._core.site_profile(op)

    def entanglement_entropy(self, sites: Sequence[int]) -> float:
        """The entropy of some sites, nats."""
        return self._core.entanglement_entropy(list(sites))

    def schmidt_values(self, sites: Sequence[int]) -> Array:
        """The Schmidt values of the cut around some sites, descending."""
        return self._core.schmidt_values(list(sites))

    def gather(self) -> Array:
        """The whole vector, brought here."""
        return self._core.gather()

    def __repr__(self) -> str:
        return f"<KeptVector of {self.size} amplitudes on {self.ranks} ranks, {self.dtype}>"


class State:
    """A state on the rows of an operator, which need not be normalised.

    ``numpy.asarray(psi)`` shares its memory. Made by ``h.state("neel")``, by ``result.state(0)``, or of amplitudes:
    ``State(h, array)``.

    Parameters
    ----------
    h : Operator
        Which sites and sector the rows belong to; what `energy` and `variance` mean.
    what : str or array_like
        A name or digits (see `Operator.state`), or amplitudes: all, or those of this rank.
    seed : int
        Of random states.
    dtype : dtype, optional
        complex128 makes a described state complex.
    comm : mpi4py communicator, optional
        The ranks that hold the state. All methods are then collective.
    """

    __slots__ = ("_core", "operator")

    def __init__(
        self,
        h: Operator,
        what: str | ArrayLike,
        *,
        seed: int = 0,
        dtype: DTypeLike | None = None,
        comm: Any = None,
    ) -> None:
        handle = _handle(comm)
        if isinstance(what, str):
            is_complex = dtype is not None and np.dtype(dtype).kind == "c"
            amplitudes = _core.described_state(h._core, what, seed, is_complex, handle)
        else:
            given = _vectors.numbers(what, "State")
            amplitudes = np.ascontiguousarray(given.reshape(-1) if given.ndim == 2 else given)
        self.operator = h
        self._core = _core.State(h._core, handle, amplitudes)

    @property
    def amplitudes(self) -> Array:
        """The amplitudes, shared."""
        return self._core.amplitudes

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows,)"""
        return self.amplitudes.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or complex128."""
        return self.amplitudes.dtype

    def __array__(self, dtype: DTypeLike | None = None) -> Array:
        return self.amplitudes if dtype is None else self.amplitudes.astype(dtype, copy=False)

    def __len__(self) -> int:
        return len(self.amplitudes)

    def __repr__(self) -> str:
        where = ", ".join(self.operator.sector) or "full space"
        return f"<State on {self.operator.sites} sites, {where}: {len(self)} amplitudes, {self.dtype}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (State, (self.operator, self.amplitudes))

    def norm(self) -> float:
        """The 2-norm."""
        return self._core.norm()

    def normalized(self) -> State:
        """The state divided by its norm."""
        return State(self.operator, self.amplitudes / self.norm())

    def overlap(self, other: State) -> complex:
        """<self|other>."""
        return self._core.overlap(other._core)

    def fidelity(self, other: State) -> float:
        """|<self|other>|^2 of the normalised states."""
        return self._core.fidelity(other._core)

    def matrix_element(self, op: Operator, ket: State) -> complex:
        """<self|op|ket>; the two may be in different sectors."""
        return self._core.matrix_element(_operator(op, "matrix_element"), ket._core)

    def expectation(self, op: Operator) -> complex:
        """<self|op|self>; real (to rounding) if `op` is Hermitian."""
        return self._core.expectation(_operator(op, "expectation"))

    def energy(self) -> float:
        """<H> of the operator it belongs to, divided by the squared norm."""
        return self.expectation(self.operator).real / self.norm() ** 2

    def variance(self, op: Operator | None = None) -> float:
        """<op^2> - <op>^2 of a normalised state; of its own operator if none is given."""
        return self._core.variance(_operator(self.operator if op is None else op, "variance"))

    def amplitude(self, digits: Sequence[int] | str) -> complex:
        """The amplitude of one configuration."""
        return self._core.amplitude([int(d) for d in digits])

    def site_profile(self, op: str) -> Array:
        """<op_i> for every site."""
        return self._core.site_profile(op)

    def correlation_matrix(self, a: str, b: str) -> Array:
        """<a_i b_j> for all pairs of sites, not connected."""
        return self._core.correlation_matrix(a, b)

    def entanglement_entropy(self, sites: SiteSet, *, alpha: float = 1.0, unit: str = "nats") -> float:
        """The entropy of some sites: a number means that many from the first.

        Parameters
        ----------
        sites : int or list of int
            Which sites.
        alpha : float
            1: von Neumann; else Renyi of that order.
        unit : str
            "nats" or "bits".
        """
        return self._core.entanglement_entropy(
            _sites(sites, self.operator.sites), alpha, _is_bits(unit)
        )

    def mutual_information(self, a: SiteSet, b: SiteSet, *, alpha: float = 1.0, unit: str = "nats") -> float:
        """S(a) + S(b) - S(a and b)."""
        n = self.operator.sites
        return self._core.mutual_information(_sites(a, n), _sites(b, n), alpha, _is_bits(unit))

    def logarithmic_negativity(self, a: SiteSet, b: SiteSet) -> float:
        """The logarithmic negativity of two sets of sites, nats."""
        n = self.operator.sites
        return self._core.logarithmic_negativity(_sites(a, n), _sites(b, n))

    def schmidt_values(self, sites: SiteSet) -> Array:
        """The Schmidt values of the cut around some sites, descending."""
        return self._core.schmidt_values(_sites(sites, self.operator.sites))

    def reduced_density_matrix(self, sites: SiteSet) -> Array:
        """The density matrix of some sites."""
        return self._core.reduced_density_matrix(_sites(sites, self.operator.sites))

    def save(self, path: _saving.Path) -> None:
        """Writes the state to a file that `load`, ``kronsolve measure`` and ``kronsolve evolve --state`` read (docs/files.md).

        On a communicator all of its ranks call, and none holds more than its rows.

        Parameters
        ----------
        path : path
            FILE.h5. It is whole or not there; a file of that name is replaced once all is on the disk.

        Raises
        ------
        IoError
            It cannot be written; an older file is as it was.
        """
        to = _saving.destination(path, self.operator, self._core.comm, "state", {"dimension": self.operator.shape[0]})
        to.save_state(_saving.columns([self.amplitudes]))

    def observe(self, *names: str, reference: State | None = None) -> Any:
        """Observables by the names that the program takes: ``psi.observe("sz", "corr:Sz,Sz:0,5", "entropy:half")``.

        One name gives its value, several a dictionary.
        """
        ref = None if reference is None else reference._core
        values = {name: self._core.observe(name, ref) for name in names}
        return values[names[0]] if len(names) == 1 else values


def _is_bits(unit: str) -> bool:
    if unit not in ("nats", "bits"):
        raise InvalidArgument(f"unit must be 'nats' or 'bits', got '{unit}'")
    return unit == "bits"


def apply_operator(op: Operator, psi: State, to: Operator) -> State:
    """op |psi> in the sector of `to`: what changes the charge or the momentum.

    Raises
    ------
    InvalidArgument
        `op` leads out of that sector.
    """
    columns = _core.apply_operator(op._core, psi.operator._core, psi.amplitudes, to._core)
    return State(to, columns[0])
