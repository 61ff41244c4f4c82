"""Kronecker products of matrices, or some of their rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike, NDArray

from . import _core, _vectors
from .errors import DimensionError

Array = NDArray[Any]


def _dense(factor: Any) -> Array:
    array: Array = _vectors.numbers(factor.toarray() if hasattr(factor, "toarray") else factor, "a factor")
    if array.ndim != 2:
        raise DimensionError(f"a factor must be a matrix, its shape is {array.shape}")
    return array


def _rows(kind: str, factors: Sequence[Any], dims: Any, sites: Any, cyclic: bool, rows: Any) -> Any:
    from scipy.sparse import csr_matrix

    dense = [_dense(f) for f in factors]
    is_complex = any(f.dtype.kind == "c" for f in dense)
    offsets, columns, values, count, cols = _core.kron_csr(
        dense, is_complex, kind, list(dims), list(sites), cyclic, rows
    )
    return csr_matrix((values, columns, offsets), shape=(count, cols), copy=False)


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple, range)) else [x]


def kron(*factors: ArrayLike, rows: tuple[int, int] | None = None) -> Any:
    """The Kronecker product of matrices as ``scipy.sparse.csr_matrix``, or some of its rows.

    Parameters
    ----------
    *factors : array_like or sparse
        Matrices of any shapes, the first the most significant.
    rows : (begin, end), optional
        Nothing but these rows is formed.
    """
    return _rows("kron", factors, [], [], False, rows)


def ikron(
    operators: Any,
    dims: Sequence[int],
    sites: int | Sequence[int],
    *,
    rows: tuple[int, int] | None = None,
    cyclic: bool = False,
) -> Any:
    """Operators on some of the sites with dimensions `dims`, identities on the others.

    One operator is put on every site given; several go to the sites in order. With ``cyclic`` site numbers wrap.
    """
    return _rows("ikron", _listed(operators), dims, _listed(sites), cyclic, rows)


def pkron(
    op: ArrayLike,
    dims: Sequence[int],
    sites: int | Sequence[int],
    *,
    rows: tuple[int, int] | None = None,
    cyclic: bool = False,
) -> Any:
    """One operator on several sites in the order given, identities on the others."""
    return _rows("pkron", [op], dims, _listed(sites), cyclic, rows)
