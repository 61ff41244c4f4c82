"""What solvers and SciPy see of an operator: its shape, its dtype, its products, its rows."""

from __future__ import annotations

import numbers as _numbers
import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _vectors
from .errors import DimensionError, InvalidArgument

Array = NDArray[Any]

_scipy_types: dict[type, type] = {}


def _scipy_type(cls: type) -> type:
    """`cls`, or once SciPy has been imported what is a LinearOperator to it."""
    linalg = sys.modules.get("scipy.sparse.linalg")
    base = getattr(linalg, "LinearOperator", None)
    if base is None:
        return cls
    if cls not in _scipy_types:
        _scipy_types[cls] = type(cls.__name__, (base,), {"__module__": cls.__module__})
    return _scipy_types[cls]


def _is_number(x: Any) -> bool:
    return isinstance(x, _numbers.Number) or (isinstance(x, np.ndarray) and x.ndim == 0)


class LinearMap:
    """What solvers see of an operator: its shape, its dtype and its products.

    SciPy takes it wherever it takes a ``LinearOperator``: ``scipy.sparse.linalg.eigsh(h)``. Nothing is stored but what
    the product needs, and that is made at the first one. Real operators are real: their dtype is float64, and a
    product with a real vector is real.
    """

    __slots__ = ("_core", "_adjoint_of")
    __array_ufunc__ = None  # NumPy leaves `array @ h` and `2.0 * h` to us
    ndim = 2
    _core: _core.Operator
    _adjoint_of: LinearMap | None

    # SciPy asks isinstance(h, LinearOperator) in places where it could ask for the product. Importing SciPy for that
    # would take longer than everything else here, and it may be missing.
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return _scipy_type(type(self))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self._core.rows, self._core.cols)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 where the matrix is real, else complex128."""
        return self._core.dtype

    # ---- products -------------------------------------------------------------------------------

    def _result_dtype(self, x: Array) -> np.dtype[Any]:
        return np.dtype(np.complex128 if self.dtype.kind == "c" or x.dtype.kind == "c" else np.float64)

    def matvec(self, x: ArrayLike, out: Array | None = None) -> Array:
        """The product with one vector.

        Parameters
        ----------
        x : array_like, shape (n,) or (n, 1)
            Contiguous arrays of the dtype of the result are used as they are, others copied.
        out : ndarray, optional
            Where the product goes: contiguous, writable, of the dtype of the result, apart from `x`. With it nothing of
            the size of a vector is allocated.

        Returns
        -------
        ndarray, shape (m,) or (m, 1)
            `out` if it was given.
        """
        return self._apply(_vectors.vector(x, self.shape[1], "matvec"), out, "matvec")

    def _apply(self, x: Array, out: Array | None, what: str, adjoint: bool = False) -> Array:
        dtype = self._result_dtype(x)
        rows = self.shape[1] if adjoint else self.shape[0]
        shape = (rows,) + x.shape[1:]
        y = _vectors.empty(shape, dtype) if out is None else _vectors.output(out, shape, dtype, x, what)
        self._core.apply(_vectors.contiguous(x, dtype).reshape(-1), y.reshape(-1), adjoint)
        return y

    def matmat(self, x: ArrayLike, out: Array | None = None) -> Array:
        """The products with vectors side by side, shape (n, k) to (m, k)."""
        array = _vectors.matrix(x, self.shape[1], "matmat")
        dtype = self._result_dtype(array)
        shape = (self.shape[0], array.shape[1])
        if out is None:
            y = np.empty(shape, dtype, order="F")
        else:
            y = _vectors.output(out, shape, dtype, array, "matmat")
        for j in range(array.shape[1]):
            column = y[:, j] if y.flags.f_contiguous else np.empty(shape[0], dtype)
            self._core.apply(_vectors.contiguous(array[:, j], dtype), column, False)
            if not y.flags.f_contiguous:
                y[:, j] = column
        return y

    def rmatvec(self, x: ArrayLike, out: Array | None = None) -> Array:
        """The product of the adjoint with one vector."""
        return self._apply(_vectors.vector(x, self.shape[0], "rmatvec"), out, "rmatvec", adjoint=True)

    def rmatmat(self, x: ArrayLike) -> Array:
        """The products of the adjoint with vectors side by side."""
        array = _vectors.matrix(x, self.shape[0], "rmatmat")
        y = np.empty((self.shape[1], array.shape[1]), self._result_dtype(array), order="F")
        for j in range(array.shape[1]):
            y[:, j] = self.rmatvec(array[:, j])
        return y

    def dot(self, x: Any) -> Any:
        """``self @ x``."""
        return self @ x

    def __matmul__(self, x: Any) -> Any:
        array = np.asarray(x) if not hasattr(x, "matvec") else None
        if array is None:
            return self.as_linear_operator() @ x
        if array.ndim == 1:
            return self.matvec(array)
        return self.matmat(array)

    def __rmatmul__(self, x: Any) -> Any:
        if hasattr(x, "matvec"):
            return x @ self.as_linear_operator()
        array = np.asarray(x)
        if array.ndim == 1:
            return self.rmatvec(array.conj()).conj()
        return self.rmatmat(array.conj().T).conj().T

    # What LinearOperators ask of each other.
    _matvec = matvec
    _matmat = matmat
    _rmatvec = rmatvec
    _rmatmat = rmatmat

    def adjoint(self) -> Any:
        """The adjoint operator."""
        return self.as_linear_operator().adjoint()

    def _adjoint(self) -> Any:
        return self.adjoint()

    @property
    def H(self) -> Any:
        """The adjoint operator."""
        return self.adjoint()

    def transpose(self) -> Any:
        """The transposed operator, as a LinearOperator of SciPy."""
        return self.as_linear_operator().transpose()

    def _transpose(self) -> Any:
        return self.transpose()

    @property
    def T(self) -> Any:
        """The transposed operator, as a LinearOperator of SciPy."""
        return self.transpose()

    def __call__(self, x: Any) -> Any:
        return self @ x

    def as_linear_operator(self) -> Any:
        """The same as an instance of ``scipy.sparse.linalg.LinearOperator``, for its arithmetic."""
        from scipy.sparse.linalg import LinearOperator

        return LinearOperator(
            self.shape,
            matvec=self.matvec,
            rmatvec=self.rmatvec,
            matmat=self.matmat,
            rmatmat=self.rmatmat,
            dtype=self.dtype,
        )

    # Sums and multiples that are no description of ours are left to SciPy.
    def __add__(self, other: Any) -> Any:
        return self.as_linear_operator() + other

    def __radd__(self, other: Any) -> Any:
        if _is_number(other) and other == 0:  # sum() begins with 0
            return self
        return other + self.as_linear_operator()

    def __sub__(self, other: Any) -> Any:
        return self.as_linear_operator() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.as_linear_operator()

    def __mul__(self, other: Any) -> Any:
        if _is_number(other):
            return self.as_linear_operator() * other
        return self @ other

    def __rmul__(self, other: Any) -> Any:
        return other * self.as_linear_operator()

    def __neg__(self) -> Any:
        return -1 * self

    def __pow__(self, exponent: int) -> Any:
        return self.as_linear_operator() ** exponent

    # ---- matrices -------------------------------------------------------------------------------

    def _range(self, rows: tuple[int, int] | None, what: str) -> tuple[int, int]:
        begin, end = (0, self.shape[0]) if rows is None else rows
        if not 0 <= begin <= end <= self.shape[0]:
            raise DimensionError(
                f"{what}: rows must be a range within [0, {self.shape[0]}], got ({begin}, {end})"
            )
        return begin, end

    def to_scipy(self, rows: tuple[int, int] | None = None) -> Any:
        """The matrix, or some of its rows, as ``scipy.sparse.csr_matrix``.

        Parameters
        ----------
        rows : (begin, end), optional
            Nothing but rows begin, ..., end - 1 is formed: what one rank owns.
        """
        from scipy.sparse import csr_matrix

        offsets, columns, values, count, cols = self._core.csr(*self._range(rows, "to_scipy"))
        return csr_matrix((values, columns, offsets), shape=(count, cols), copy=False)

    def to_dense(self, rows: tuple[int, int] | None = None) -> Array:
        """The matrix, or some of its rows, as an array."""
        begin, end = self._range(rows, "to_dense")
        needed = (end - begin) * self.shape[1] * self.dtype.itemsize
        if needed > _core.available_memory():
            raise InvalidArgument(
                f"to_dense: {_core.format_bytes(needed)} are needed and "
                f"{_core.format_bytes(_core.available_memory())} available; use to_scipy(), or fewer rows"
            )
        offsets, columns, values, count, cols = self._core.csr(begin, end)
        dense = np.zeros((count, cols), self.dtype)
        dense[np.repeat(np.arange(count), np.diff(offsets)), columns] = values
        return dense

    def diagonal(self) -> Array:
        """The diagonal of the matrix."""
        found: Array = self.to_scipy().diagonal()
        return found
