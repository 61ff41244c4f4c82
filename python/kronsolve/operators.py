"""Operators as descriptions: sums of products of local operators, and the sectors they act in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Union, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _vectors
from .errors import InvalidArgument
from .linear_map import LinearMap, _is_number

if TYPE_CHECKING:
    from .states import State

Array = NDArray[Any]
Number = Union[int, float, complex, "np.number[Any]"]


class Operator(LinearMap):
    """A sum of products of local operators, on all states of its sites or in a sector of them.

    Made by `model`, by the operators of `spins`, `fermions`, ..., or by `parse`; added, multiplied, scaled like in a
    paper. ``a * b`` and ``a @ b`` are the product of operators, ``a @ x`` with an array is applied. A value: nothing
    changes it. Pickled it has the size of its terms.
    """

    __slots__ = ()

    def __init__(self, text: str, sites: int | Sequence[str], space: str = "spin-1/2") -> None:
        """From text: ``Operator("Sz_0 Sz_1 + 0.5 S+_0 S-_1 + 0.5 S-_0 S+_1", sites=2)``.

        Parameters
        ----------
        text : str
            Terms with + and - between them, each a coefficient (which may be left out) and factors name_site.
        sites : int or list of str
            How many sites of `space`, or the space of each.
        space : str
            ``spin-1/2``, ``spin-1``, ``boson:4``, ``fermion``, ``electron``, ``tj``, ``dim:3``.
        """
        spaces = [space] * sites if isinstance(sites, int) else list(sites)
        self._core = _core.parse(text, spaces)
        self._adjoint_of = None

    @staticmethod
    def _of(core: _core.Operator) -> Operator:
        self = object.__new__(Operator)
        self._core = core
        self._adjoint_of = None
        return self

    # ---- what it is -----------------------------------------------------------------------------

    @property
    def sites(self) -> int:
        """How many sites there are."""
        return self._core.sites

    @property
    def spaces(self) -> list[str]:
        """The local space of each site."""
        return self._core.spaces

    @property
    def sector(self) -> list[str]:
        """The conditions of the sector; none on all states."""
        return self._core.sector

    @property
    def terms(self) -> list[tuple[complex, list[tuple[str, int]]]]:
        """(coefficient, [(operator, site), ...]) for each term."""
        return self._core.terms

    @property
    def text(self) -> str:
        """The sum in one line, which `Operator` reads back."""
        return self._core.text

    @property
    def is_hermitian(self) -> bool:
        """Whether it equals its adjoint, to rounding."""
        return self._core.is_hermitian()

    @property
    def is_real(self) -> bool:
        """Whether its matrix is real."""
        return self.dtype.kind == "f"

    def __repr__(self) -> str:
        where = ", ".join(self.sector) if self.sector else "full space"
        count = len(self.terms)
        kind = "real" if self.is_real else "complex"
        return f"<Operator on {self.sites} sites, {where}: {self.shape[0]} states, {count} terms, {kind}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_operator_from_state, (self._core.state(),))

    def trace(self) -> complex:
        """The trace over all states of the sites."""
        if self.sector:
            raise InvalidArgument("trace: it is known on all states of the sites; use without_sector()")
        return self._core.trace_per_state() * self.shape[0]

    def conserves(self, charge: str) -> bool:
        """Whether it conserves ``sz``, ``n``, ``nup``, ``ndown`` or ``parity``."""
        return self._core.conserves(charge)

    def conserved_charges(self) -> list[str]:
        """The charges that the sites have and the operator conserves."""
        return self._core.conserved_charges()

    # ---- algebra --------------------------------------------------------------------------------

    def _identity(self, factor: Any) -> Operator:
        one = Operator._of(_core.term(self.spaces, complex(factor), []))
        return one.in_sector(*self.sector, lattice=self._core.lattice) if self.sector else one

    @overload
    def __add__(self, other: Operator | Number) -> Operator: ...
    @overload
    def __add__(self, other: Any) -> Any: ...
    def __add__(self, other: Any) -> Any:
        if _is_number(other):
            other = self._identity(other)
        if type(other) is Operator:
            return Operator._of(self._core.plus(other._core))
        return LinearMap.__add__(self, other)

    def __radd__(self, other: Any) -> Any:
        if _is_number(other):
            return self if other == 0 else self + other
        return LinearMap.__radd__(self, other)

    @overload
    def __sub__(self, other: Operator | Number) -> Operator: ...
    @overload
    def __sub__(self, other: Any) -> Any: ...
    def __sub__(self, other: Any) -> Any:
        if _is_number(other):
            other = self._identity(other)
        if type(other) is Operator:
            return Operator._of(self._core.minus(other._core))
        return LinearMap.__sub__(self, other)

    def __rsub__(self, other: Any) -> Any:
        if _is_number(other):
            return -self + other
        return LinearMap.__rsub__(self, other)

    @overload
    def __mul__(self, other: Operator | Number) -> Operator: ...
    @overload
    def __mul__(self, other: Any) -> Any: ...
    def __mul__(self, other: Any) -> Any:
        if _is_number(other):
            return Operator._of(self._core.scaled(complex(other)))
        if type(other) is Operator:
            return Operator._of(self._core.times(other._core))
        return self @ other

    def __rmul__(self, other: Any) -> Any:
        if _is_number(other):
            return Operator._of(self._core.scaled(complex(other)))
        return LinearMap.__rmul__(self, other)

    def __truediv__(self, other: Number) -> Operator:
        return self * (1 / other)

    def __neg__(self) -> Operator:
        return Operator._of(self._core.scaled(-1))

    def __matmul__(self, x: Any) -> Any:
        if type(x) is Operator:
            return Operator._of(self._core.times(x._core))
        return LinearMap.__matmul__(self, x)

    def __pow__(self, exponent: int) -> Operator:
        return Operator._of(self._core.power(exponent))

    def __eq__(self, other: object) -> bool:
        if type(other) is not Operator:
            return NotImplemented
        return self._core.equals(other._core)

    __hash__ = None  # type: ignore[assignment]

    def adjoint(self) -> Operator:
        """The adjoint operator; itself if it is Hermitian."""
        return self if self.is_hermitian else Operator._of(self._core.adjoint())

    @property
    def H(self) -> Operator:
        """The adjoint operator."""
        return self.adjoint()

    def simplified(self) -> Operator:
        """The same operator in few terms."""
        return Operator._of(self._core.simplified())

    def define(self, **matrices: ArrayLike) -> Operator:
        """The same operator, whose sites know matrices by new names.

        ``h.define(M=[[0, 1], [1, 0]])`` lets ``Operator`` texts and products name M.
        """
        core = self._core
        for name, matrix in matrices.items():
            core = core.defined(name, np.asarray(matrix))
        return Operator._of(core)

    # The adjoint of a sum is a sum: it has products of its own.
    def rmatvec(self, x: ArrayLike, out: Array | None = None) -> Array:
        """The product of the adjoint with one vector."""
        if self.is_hermitian:
            return self._apply(_vectors.vector(x, self.shape[0], "rmatvec"), out, "rmatvec")
        if self._adjoint_of is None:
            self._adjoint_of = self.adjoint()
        return self._adjoint_of.matvec(x, out)

    _rmatvec = rmatvec

    # ---- sectors and states ---------------------------------------------------------------------

    def in_sector(self, *conditions: str, lattice: Any = None, **values: Any) -> Operator:
        """The operator on the states that meet all conditions.

        ``h.in_sector(sz=0, momentum=1)`` or ``h.in_sector("sz=0", "momentum=1")``: sz, n, nup, ndown, parity; momentum,
        reflection, reflection_x, reflection_y, rotation, spinflip, where the operator has these symmetries.

        Raises
        ------
        InvalidArgument
            The operator does not respect a condition: the term is named.
        """
        texts = list(conditions)
        for name, value in values.items():
            shown = ",".join(map(_shown, value)) if isinstance(value, (tuple, list)) else _shown(value)
            texts.append(f"{name.replace('_', '-')}={shown}")
        return Operator._of(self._core.in_sector(texts, lattice))

    def without_sector(self) -> Operator:
        """The operator on all states of its sites."""
        return Operator._of(self._core.without_sector())

    def configurations(self, rows: tuple[int, int] | None = None) -> NDArray[np.uint8]:
        """The digits of the states, a row each: in sectors of symmetries those of representatives."""
        found: NDArray[np.uint8] = self._core.configurations(*self._range(rows, "configurations"))
        return found

    def row(self, digits: Sequence[int] | str) -> int:
        """The row of a configuration; -1 if it is not in the sector."""
        return self._core.row([int(d) for d in digits])

    def state(self, what: str | ArrayLike, *, seed: int = 0, comm: Any = None) -> State:
        """A state on the rows of this operator.

        Parameters
        ----------
        what : str or array_like
            ``neel``, ``neel-down``, ``domain-wall``, ``up``, ``down``, ``plus``, ``w``, ``ghz``, ``singlets``, ``random``
            or digits such as ``0101``; or all amplitudes.
        seed : int
            Of random states.
        comm : mpi4py communicator, optional
            The state is dealt to its ranks. Collective.
        """
        from .states import State

        return State(self, what, seed=seed, comm=comm)

    def product_state(self, spinors: Iterable[ArrayLike]) -> State:
        """Every site in its own state: one vector of amplitudes for each site."""
        from .states import State

        vectors = [np.asarray(s, dtype=complex).tolist() for s in spinors]
        return State(self, _core.product_state(self._core, vectors))


def _shown(value: Any) -> str:
    """The value of a condition as text: 0.5 is 1/2, as in the Sz of an odd number of spins."""
    if isinstance(value, (float, np.floating)) and (2 * value).is_integer():
        return str(int(value)) if value.is_integer() else f"{int(2 * value)}/2"
    return str(value)


def _operator_from_state(state: Any) -> Operator:
    return Operator._of(_core.operator_from_state(state))


def commutator(a: Operator, b: Operator) -> Operator:
    """a b - b a, in few terms."""
    return Operator._of(a._core.commutator(b._core))


def anticommutator(a: Operator, b: Operator) -> Operator:
    """a b + b a, in few terms."""
    return Operator._of(a._core.anticommutator(b._core))


def read_operator(path: str, **parameters: float | int | str) -> Operator:
    """The operator of an operator file (TOML), as ``kronsolve --terms`` takes it.

    `parameters` hold in place of those of the file: numbers, or expressions such as ``"J/2"``. Files with a [[drive]] are
    for `read_driven`.
    """
    return Operator._of(_core.read_operator_file(path, _parameter_texts(parameters)))


def _parameter_texts(parameters: dict[str, float | int | str]) -> dict[str, str]:
    return {k: repr(float(v)) if isinstance(v, float) else str(v) for k, v in parameters.items()}


def pauli_decomposition(matrix: ArrayLike) -> Operator:
    """A matrix of 2^n rows as a sum of products of X, Y, Z on n sites."""
    return Operator._of(_core.pauli_decomposition(np.asarray(matrix, dtype=complex)))
