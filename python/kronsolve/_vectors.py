"""Checks of the vectors that products take and fill."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _core
from .errors import DimensionError, InvalidArgument

Array = NDArray[Any]


def numbers(x: Any, what: str) -> Array:
    """An array of float64 or complex128, shared where it is that already."""
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise InvalidArgument(f"{what} must hold numbers, its dtype is {array.dtype}")
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64, copy=False)


def contiguous(array: Array, dtype: np.dtype[Any]) -> Array:
    """The array as one contiguous run of numbers of that dtype; copied where it is not."""
    return np.ascontiguousarray(array, dtype=dtype)


def vector(x: Any, size: int, what: str) -> Array:
    """One vector of that length, of shape (size,) or (size, 1).

    Raises
    ------
    DimensionError
        It has another shape.
    InvalidArgument
        It does not hold numbers.
    """
    array = numbers(x, what)
    if array.shape not in ((size,), (size, 1)):
        raise DimensionError(
            f"{what}: the vector must have shape ({size},) or ({size}, 1), got {array.shape}"
        )
    return array


def matrix(x: Any, rows: int, what: str) -> Array:
    """Vectors side by side, of shape (rows, k)."""
    array = numbers(x, what)
    if array.ndim != 2 or array.shape[0] != rows:
        raise DimensionError(f"{what}: the shape must be ({rows}, k), got {array.shape}")
    return array


def output(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any], x: Array, what: str) -> Array:
    """The array to be filled, as the caller gave it: nothing is converted.

    Raises
    ------
    InvalidArgument
        It is no array, cannot be written, is not contiguous, has another dtype or shares memory with `x`.
    DimensionError
        It has another shape.
    """
    if not isinstance(out, np.ndarray):
        raise InvalidArgument(f"{what}: out must be a NumPy array, got {type(out).__name__}")
    if out.shape != shape:
        raise DimensionError(f"{what}: out must have shape {shape}, got {out.shape}")
    if out.dtype != dtype:
        raise InvalidArgument(f"{what}: out must have dtype {dtype}, got {out.dtype}")
    if not out.flags.writeable:
        raise InvalidArgument(f"{what}: out is read-only; give an array that can be written")
    if not (out.flags.c_contiguous or out.flags.f_contiguous):
        raise InvalidArgument(f"{what}: out must be contiguous; give np.empty(n), not a slice with steps")
    if np.may_share_memory(out, x):
        raise InvalidArgument(f"{what}: out shares memory with x; give another array")
    return out


def empty(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """One vector to be filled, of shape (size,) or (size, 1).

    Large ones lie as the library's own do, in huge pages where there are some: products read them faster than NumPy's.
    """
    if shape[0] * dtype.itemsize < 2**21:
        return np.empty(shape, dtype)
    return _core.zeros(shape[0], dtype.kind == "c").reshape(shape)


def together(columns: list[Array], rows: int) -> Array:
    """Columns as one array of shape (rows, k): one column is shared, several are copied."""
    if len(columns) == 1:
        return columns[0].reshape(-1, 1)
    if not columns:
        return np.empty((rows, 0))
    whole = np.empty((columns[0].size, len(columns)), dtype=columns[0].dtype, order="F")
    for j, column in enumerate(columns):
        whole[:, j] = column
    return whole


def columns_of(x: Any, rows: int, what: str) -> list[Array]:
    """The columns of a vector or matrix with that many rows."""
    array = numbers(x, what)
    if array.ndim not in (1, 2) or array.shape[0] != rows:
        raise DimensionError(f"{what}: the shape must be ({rows},) or ({rows}, k), got {array.shape}")
    if array.ndim == 1:
        return [np.ascontiguousarray(array)]
    return [np.ascontiguousarray(array[:, j]) for j in range(array.shape[1])]
