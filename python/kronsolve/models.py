"""Hamiltonians by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from . import _core
from .operators import Operator


class ModelParameter(NamedTuple):
    """A parameter of a model."""

    name: str
    default: str
    doc: str


class ModelInfo(NamedTuple):
    """What a model is."""

    name: str
    formula: str
    parameters: list[ModelParameter]
    lattices: list[str]
    local: str

    def __repr__(self) -> str:
        shown = " ".join(f"{p.name}={p.default}" for p in self.parameters if p.default)
        return f"{self.name}: {self.formula}  [{shown}]"


def models() -> list[ModelInfo]:
    """All models, as ``kronsolve models`` lists them."""
    return [
        ModelInfo(name, formula, [ModelParameter(*p) for p in parameters], lattices, local)
        for name, formula, parameters, lattices, local in _core.models()
    ]


def model(
    name: str,
    *,
    sites: int = 0,
    size: Sequence[int] = (),
    cluster: Sequence[Sequence[int]] = (),
    cyclic: bool | str = False,
    lattice: str = "",
    edges: Sequence[Sequence[float]] = (),
    spin: str | float = "",
    **parameters: float | int | str,
) -> Operator:
    """A Hamiltonian by its name: ``model("heisenberg", sites=24, cyclic=True, j=1, bz=0.5)``.

    Parameters
    ----------
    name : str
        One of `models`.
    sites : int
        How many; of a two-dimensional lattice `size` says it.
    size : (int, int)
        Cells of a two-dimensional lattice.
    cluster : ((int, int), (int, int))
        In place of a size, the two vectors by which the lattice repeats itself.
    cyclic : bool or str
        True closes all directions, "x" or "y" one.
    lattice : str
        chain, square, ladder, triangular, honeycomb, kagome, star, complete.
    edges : list of (a, b), (a, b, weight) or (a, b, kind, weight)
        The bonds of any graph.
    spin : str or float
        "1/2" if not given.
    **parameters
        Those of the model; what is not given has its default.

    Raises
    ------
    InvalidArgument
        Naming what is allowed.
    """
    texts = {k: repr(float(v)) if isinstance(v, float) else str(v) for k, v in parameters.items()}
    given = {
        "sites": sites,
        "size": list(size),
        "cluster": [list(v) for v in cluster] or None,
        "cyclic": "all" if cyclic is True else cyclic or "",
        "lattice": "edges" if edges and not lattice else lattice,
        "edges": [tuple(e) for e in edges],
        "spin": str(spin),
        "params": texts,
    }
    return Operator._of(_core.model(name, given))
