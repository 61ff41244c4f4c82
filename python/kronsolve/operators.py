"""Operators as descriptions: what they are made of, how they act, what SciPy sees of them."""

from __future__ import annotations

import numbers as _numbers
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Union, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core, _vectors
from .errors import DimensionError, InvalidArgument

if TYPE_CHECKING:
    from .states import State

Array = NDArray[Any]
Number = Union[int, float, complex, "np.number[Any]"]

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
        y = np.empty(shape, dtype) if out is None else _vectors.output(out, shape, dtype, x, what)
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
            shown = ",".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
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

    `parameters` hold in place of those of the file: numbers, or expressions such as ``"J/2"``."""
    texts = {k: repr(float(v)) if isinstance(v, float) else str(v) for k, v in parameters.items()}
    return Operator._of(_core.read_operator_file(path, texts))


def pauli_decomposition(matrix: ArrayLike) -> Operator:
    """A matrix of 2^n rows as a sum of products of X, Y, Z on n sites."""
    return Operator._of(_core.pauli_decomposition(np.asarray(matrix, dtype=complex)))


# ---- sites -------------------------------------------------------------------------------------------


class LocalOperators:
    """One operator on every site: ``S.z[i]``."""

    def __init__(self, sites: Sites, name: str) -> None:
        self._sites, self._name = sites, name

    def __getitem__(self, site: int) -> Operator:
        n = len(self._sites)
        if not -n <= site < n:
            raise IndexError(f"{self._name}[{site}]: there are {n} sites, 0 to {n - 1}")
        return Operator._of(_core.term(self._sites.spaces, 1, [(self._name, site % n)]))

    def __len__(self) -> int:
        return len(self._sites)

    def __repr__(self) -> str:
        return f"<{self._name} on {len(self._sites)} sites>"


class Sites:
    """Sites and the operators they have: ``S = spins(24); S.z[0] * S.z[1]``.

    Attributes are the operators: x, y, z, p, m of spins (and X, Y, Z of spins 1/2), bp, bm, n of bosons, cp, cm, n of
    fermions, cup_p, cup_m, cdn_p, cdn_m, nup, ndn, n of electrons. `op` takes any name of `names`.
    """

    _short = {
        "x": "Sx",
        "y": "Sy",
        "z": "Sz",
        "p": "S+",
        "m": "S-",
        "bp": "B+",
        "bm": "B-",
        "cp": "C+",
        "cm": "C-",
        "cup_p": "Cup+",
        "cup_m": "Cup-",
        "cdn_p": "Cdn+",
        "cdn_m": "Cdn-",
        "n": "N",
        "nup": "Nup",
        "ndn": "Ndn",
    }

    def __init__(self, spaces: Sequence[str]) -> None:
        self.spaces = list(spaces)
        self.names: list[str] = []
        for space in dict.fromkeys(self.spaces):
            self.names += [n for n in _core.operator_names(space) if n not in self.names]

    def __len__(self) -> int:
        return len(self.spaces)

    def __dir__(self) -> list[str]:
        return [*object.__dir__(self), *(s for s, name in self._short.items() if name in self.names)]

    def __getattr__(self, short: str) -> LocalOperators:
        name = self._short.get(short, short)
        if short.startswith("_") or name not in self.names:
            raise AttributeError(f"these sites have no operator '{short}'; they have {' '.join(self.names)}")
        return LocalOperators(self, name)

    def op(self, name: str, site: int) -> Operator:
        """The operator of that name on a site: ``S.op("P0", 3)``."""
        if name not in self.names:
            raise InvalidArgument(f"these sites have no operator '{name}'; they have {' '.join(self.names)}")
        return LocalOperators(self, name)[site]

    @property
    def identity(self) -> Operator:
        """The identity on these sites."""
        return Operator._of(_core.term(self.spaces, 1, []))

    def parse(self, text: str) -> Operator:
        """An operator on these sites from text."""
        return Operator(text, self.spaces)

    def __repr__(self) -> str:
        kinds = ", ".join(f"{self.spaces.count(s)} {s}" for s in dict.fromkeys(self.spaces))
        return f"<Sites: {kinds}>"


def spins(n: int, spin: str | float = "1/2") -> Sites:
    """n spins."""
    if not isinstance(spin, str):
        twice = round(2 * spin)
        spin = str(twice // 2) if twice % 2 == 0 else f"{twice}/2"
    return Sites([f"spin-{spin}"] * n)


def bosons(n: int, dim: int) -> Sites:
    """n sites with at most dim - 1 bosons each."""
    return Sites([f"boson:{dim}"] * n)


def fermions(n: int) -> Sites:
    """n sites of spinless fermions."""
    return Sites(["fermion"] * n)


def electrons(n: int) -> Sites:
    """n sites of electrons: empty, up, down, both."""
    return Sites(["electron"] * n)


# ---- Kronecker products ------------------------------------------------------------------------------


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
