"""Rows of the user: matrices that are built where and when they are needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import _core
from .drives import Driven
from .errors import DimensionError, InvalidArgument
from .linear_map import LinearMap, _is_number
from .operators import Operator

Array = NDArray[Any]


class Lazy(LinearMap):
    """A matrix by its shape and a function that builds any range of its rows.

    Parameters
    ----------
    build : callable
        ``build(*args, ownership=(begin, end), **kwargs)`` gives rows begin, ..., end - 1: a sparse matrix of SciPy, an array,
        or a triple (data, indices, indptr). The same rows however the matrix is cut. To run on workers it must be
        pickled: a function of a module, or an object of a class of one.
    shape : (int, int)
        Rows and columns.
    *args, **kwargs
        Handed on to `build`.
    dtype : dtype
        float64 or complex128: what the rows hold.

    Examples
    --------
    >>> def laplacian(n, ownership):
    ...     begin, end = ownership
    ...     return scipy.sparse.eye(n, format="csr")[begin:end] * 2.0
    >>> a = Lazy(laplacian, (100, 100), 100)
    """

    __slots__ = ("_rows",)

    def __init__(
        self,
        build: Callable[..., Any],
        shape: tuple[int, int],
        *args: Any,
        dtype: DTypeLike = np.float64,
        **kwargs: Any,
    ) -> None:
        if not callable(build):
            raise InvalidArgument(f"Lazy: a function that builds rows is needed, got {type(build).__name__}")
        if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(n, (int, np.integer)) for n in shape)):
            raise InvalidArgument(f"Lazy: the shape must be (rows, columns), got {shape!r}")
        self._set(_Rows(build, (int(shape[0]), int(shape[1])), args, kwargs, np.dtype(dtype), 1))

    def _set(self, rows: _Rows) -> None:
        if rows.dtype.kind not in "biufc":
            raise InvalidArgument(f"Lazy: dtype must be float64 or complex128, got {rows.dtype}")
        self._rows = rows
        self._adjoint_of = None
        self._core = _core.lazy(rows, *rows.shape, rows.dtype.kind == "c")

    @staticmethod
    def _of(rows: _Rows) -> Lazy:
        self = object.__new__(Lazy)
        self._set(rows)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return (Lazy._of, (self._rows,))

    def __repr__(self) -> str:
        build = self._rows.build
        name = getattr(build, "__name__", type(build).__name__)
        return f"<Lazy {self.shape[0]} x {self.shape[1]}, {self.dtype}, rows by {name}>"

    def __mul__(self, other: Any) -> Any:
        return Lazy._of(self._rows.scaled(other)) if _is_number(other) else self @ other

    def __rmul__(self, other: Any) -> Any:
        return Lazy._of(self._rows.scaled(other)) if _is_number(other) else LinearMap.__rmul__(self, other)


class _Rows:
    """A builder as the compiled part calls it: (begin, end) to (offsets, columns, values)."""

    def __init__(
        self,
        build: Callable[..., Any],
        shape: tuple[int, int],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        dtype: np.dtype[Any],
        factor: complex,
    ) -> None:
        self.build, self.shape, self.args, self.kwargs = build, shape, args, kwargs
        self.dtype, self.factor = dtype, factor

    def scaled(self, factor: Any) -> _Rows:
        factor = self.factor * factor
        is_complex = self.dtype.kind == "c" or isinstance(factor, (complex, np.complexfloating))
        dtype = np.dtype(np.complex128 if is_complex else np.float64)
        return _Rows(self.build, self.shape, self.args, self.kwargs, dtype, factor)

    def __call__(self, begin: int, end: int) -> tuple[Array, Array, Array]:
        built = self.build(*self.args, ownership=(begin, end), **self.kwargs)
        values, columns, offsets = _csr_parts(built, (end - begin, self.shape[1]))
        if values.dtype.kind == "c" and self.dtype.kind != "c":
            raise InvalidArgument(
                "the rows are complex and the matrix was said to be real; give dtype=complex"
            )
        if self.factor != 1:
            values = values * self.factor
        return offsets, columns, values


def _csr_parts(built: Any, shape: tuple[int, int]) -> tuple[Array, Array, Array]:
    if isinstance(built, tuple):
        if len(built) != 3:
            raise InvalidArgument(f"rows as a tuple are (data, indices, indptr), got {len(built)} parts")
        values, columns, offsets = (np.asarray(part) for part in built)
        return values, columns, offsets
    if hasattr(built, "tocsr"):
        rows = built.tocsr()
        if tuple(rows.shape) != shape:
            raise DimensionError(f"the rows must have shape {shape}, got {tuple(rows.shape)}")
        if not rows.has_canonical_format:
            rows = rows.copy()
            rows.sum_duplicates()
        return rows.data, rows.indices, rows.indptr
    dense = np.asarray(built)
    if dense.shape != shape:
        raise DimensionError(f"the rows must have shape {shape}, got {dense.shape}")
    filled = dense != 0
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))])
    return dense[filled], np.nonzero(filled)[1], offsets


class _RowsOfMatrix:
    """Rows of a matrix that is there."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    def __call__(self, ownership: tuple[int, int]) -> Any:
        begin, end = ownership
        return self.matrix if (begin, end) == (0, self.matrix.shape[0]) else self.matrix[begin:end]


class _RowsOfProducts:
    """Rows of what only has products: (A^H e_i)^H, some at a time."""

    block = 64

    def __init__(self, operator: Any) -> None:
        self.operator = operator

    def __call__(self, ownership: tuple[int, int]) -> Any:
        from scipy.sparse import csr_matrix, vstack

        rows, cols = self.operator.shape
        begin, end = ownership
        parts = [csr_matrix((0, cols))]
        for first in range(begin, end, self.block):
            last = min(first + self.block, end)
            units = np.zeros((rows, last - first))
            units[np.arange(first, last), np.arange(last - first)] = 1
            parts.append(csr_matrix(np.asarray(self.operator.rmatmat(units)).conj().T))
        return vstack(parts, format="csr")


def as_operator(a: Any) -> LinearMap:
    """What solvers take, of whatever is a matrix: an `Operator`, a `Lazy`, a sparse matrix or LinearOperator of SciPy, an array.

    A LinearOperator needs ``rmatvec``; its rows are found by one product each.
    """
    if isinstance(a, LinearMap):
        return a
    if hasattr(a, "tocsr"):
        csr = a.tocsr()
        return _matrix(csr, csr.dtype)
    if hasattr(a, "rmatmat") and hasattr(a, "shape"):
        dtype = np.dtype(getattr(a, "dtype", None) or np.complex128)
        return Lazy(_RowsOfProducts(a), (int(a.shape[0]), int(a.shape[1])), dtype=dtype)
    if isinstance(a, Driven):
        raise InvalidArgument("an operator that depends on time is for evolve; `at(t)` is the one at a time")
    dense = np.asarray(a)
    if dense.ndim != 2 or dense.dtype.kind not in "biufc":
        raise InvalidArgument(
            f"an operator is an Operator, a Lazy, a matrix or a LinearOperator, got {type(a).__name__}"
        )
    return _matrix(dense, dense.dtype)


def _matrix(matrix: Any, dtype: np.dtype[Any]) -> Lazy:
    kind = np.complex128 if dtype.kind == "c" else np.float64
    return Lazy(_RowsOfMatrix(matrix), (int(matrix.shape[0]), int(matrix.shape[1])), dtype=kind)


def read_matrix_market(path: str) -> Any:
    """A Matrix Market file as ``scipy.sparse.csr_matrix``; wrong files are refused with their line."""
    from scipy.sparse import csr_matrix

    offsets, columns, values, count, cols = _core.read_matrix_market(path)
    return csr_matrix((values, columns, offsets), shape=(count, cols), copy=False)


__all__ = ["Lazy", "Operator", "as_operator", "read_matrix_market"]
