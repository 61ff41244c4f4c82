"""Operators that depend on time: H(t) = h + sum of f(t) A."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from .errors import InvalidArgument
from .operators import Operator, _parameter_texts

TimeFunctionLike = Union[str, Callable[[float], float], ArrayLike]


class Driven:
    """An operator that depends on time: h + sum of f(t) A over its drives. `evolve` takes it.

    Parameters
    ----------
    h : Operator
        What does not depend on time; in the sector where all of it is to act.
    drives : list of (function, Operator)
        Each function is a formula in the time t (``"A*sin(w*t)"``), a table of points ``[[time, value], ...]`` with straight
        lines between them, or a function of Python. Formulas are fast and their jumps and pulses are found by bounds; a
        function of Python is called some 65536 times between two output times, and a pulse narrower than that needs
        ``max_step``.
    **values : float
        Of the names in the formulas.

    Examples
    --------
    >>> S = ks.spins(1)
    >>> sweep = Driven(0.5 * S.x[0], [("v*t", S.z[0])], v=2.0)  # Landau and Zener
    >>> sweep.at(3.0) == 0.5 * S.x[0] + 6.0 * S.z[0]
    True
    """

    __slots__ = ("_functions", "drives", "h", "values")

    def __init__(
        self, h: Operator, drives: Iterable[tuple[TimeFunctionLike, Operator]], **values: float
    ) -> None:
        if type(h) is not Operator:
            raise InvalidArgument(f"Driven: an Operator is driven, got {type(h).__name__}")
        self.h = h
        self.values = {name: float(value) for name, value in values.items()}
        self.drives: list[tuple[TimeFunctionLike, Operator]] = []
        self._functions: list[_core.TimeFunction] = []
        for drive in drives:
            if not (isinstance(drive, tuple) and len(drive) == 2 and type(drive[1]) is Operator):
                raise InvalidArgument('Driven: a drive is a pair (function, Operator): ("sin(t)", S.x[0])')
            what, op = drive
            op = op if op.sector == h.sector else op.without_sector().in_sector(*h.sector, lattice=h._core.lattice)
            op._core.plus(h._core)  # refuses other sites
            self._functions.append(_function(what, self.values))
            self.drives.append((what, op))

    def at(self, t: float) -> Operator:
        """The operator at one time."""
        whole = self.h
        for f, (_, op) in zip(self._functions, self.drives):
            whole = whole + f(float(t)) * op
        return whole

    def in_sector(self, *conditions: str, lattice: Any = None, **values: Any) -> Driven:
        """The same in a sector, which h and every drive must respect; see `Operator.in_sector`."""
        return Driven(self.h.in_sector(*conditions, lattice=lattice, **values), self.drives, **self.values)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.h.shape

    def __repr__(self) -> str:
        return f"<Driven {self.h!r} by {', '.join(f.text for f in self._functions)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_driven, (self.h, self.drives, self.values))

    def _parts(self) -> list[_core.Drive]:
        return [_core.Drive(f, op._core) for f, (_, op) in zip(self._functions, self.drives)]


def _driven(h: Operator, drives: list[tuple[TimeFunctionLike, Operator]], values: dict[str, float]) -> Driven:
    return Driven(h, drives, **values)


def _function(what: TimeFunctionLike, values: dict[str, float]) -> _core.TimeFunction:
    if isinstance(what, str):
        return _core.time_formula(what, values)
    if callable(what):
        return _core.time_callable(what)
    points: NDArray[Any] = np.asarray(what)
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "biuf":
        raise InvalidArgument(
            "Driven: a function of time is a formula, a function, or points [[time, value], ...]; "
            f"got {type(what).__name__}"
        )
    return _core.time_table([(float(t), float(f)) for t, f in points])


def read_driven(path: str, **parameters: float | int | str) -> Driven:
    """The operator of an operator file with what [[drive]] adds to it, as ``kronsolve evolve --terms`` takes it.

    `parameters` as in `read_operator`.
    """
    h, drives, values = _core.read_driven_file(path, _parameter_texts(parameters))
    return Driven(Operator._of(h), [(what, Operator._of(op)) for what, op in drives], **values)


__all__ = ["Driven", "TimeFunctionLike", "read_driven"]
