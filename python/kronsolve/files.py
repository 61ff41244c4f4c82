"""Files of saved states, folders of sweeps."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

from . import _core
from .errors import Error, InvalidArgument, IoError, NotConverged, NotSupported
from .operators import Operator
from .states import State

Array = NDArray[Any]
Path = Union[str, "os.PathLike[str]"]

# What the program's exit codes mean; 3 is an answer that has not converged.
_ERRORS: dict[int, type[Exception]] = {2: InvalidArgument, 3: NotConverged, 4: NotSupported, 5: IoError}


class Saved:
    """A file of ``--save FILE.h5``, of ``result.save`` or of a sweep: what was asked, what came out, and the vectors.

    Arrays are read when they are asked for: ``saved["eigenvalues"]``. All bytes have been compared with the checksum of the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = os.fspath(path)
        self._file = _core.SavedFile(self.path)
        layout = self._file.text("layout")
        if layout != "kronsolve 1":
            raise InvalidArgument(f"'{self.path}' has the layout '{layout[:80]}', this version reads 'kronsolve 1'")
        self.result: dict[str, Any] = json.loads(self._file.text("result"))

    @property
    def command_line(self) -> str:
        """As it was typed."""
        return self._file.text("command_line")

    @property
    def model(self) -> str:
        """The operator, for people."""
        return self._file.text("model")

    def __getitem__(self, name: str) -> Array:
        """An array of numbers by its name, along the axes that it has in the file (docs/files.md): ``vectors`` by rows."""
        return self._file.array(name)

    @property
    def operator(self) -> Operator:
        """The operator in its sector, made anew of its description; without drives."""
        text = self._file.text("description")
        if not text:
            raise InvalidArgument(f"'{self.path}' is of a matrix file; it has no operator on sites")
        return Operator._of(_core.described_operator(text))

    def __len__(self) -> int:
        """How many states there are."""
        name = self._file.text("states")
        return self._file.count(name) if name else 0

    def state(self, k: int = 0) -> State:
        """One of the states on the rows of `operator`.

        Raises
        ------
        IndexError
            There are not so many.
        """
        if not -len(self) <= k < len(self):
            raise IndexError(f"'{self.path}' has {len(self)} states, there is no {k}")
        return State(self.operator, self._file.column(self._file.text("states"), k % len(self)))

    def __repr__(self) -> str:
        return f"<Saved '{self.path}': {self.model}, {len(self)} states>"


def load(path: Path) -> Saved:
    """Opens a file of states: what ``--save`` of the program and ``save`` of results and states have written.

    Raises
    ------
    IoError
        It is not there, or cannot be read.
    InvalidArgument
        It is another file, or damaged.

    Examples
    --------
    >>> saved = ks.load("levels.h5")  # doctest: +SKIP
    >>> saved.state(0).expectation(saved.operator)  # doctest: +SKIP
    """
    return Saved(path)


def _program() -> str:
    """The program of the same build or installation as this module, else the one on the path."""
    package = pathlib.Path(__file__).parent  # a link in a build tree, whose program stands beside
    for place in (pathlib.Path(os.path.abspath(__file__)).parents[2] / "bin", package / "bin", pathlib.Path(sys.prefix) / "bin"):
        if (place / "kronsolve").is_file():
            return str(place / "kronsolve")
    found = shutil.which("kronsolve")
    if found is None:
        raise NotSupported("sweeps are run by the program kronsolve, which is not on the path; install it")
    return found


def _run(*arguments: Any) -> str:
    done = subprocess.run([_program(), *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode in (0, 3):
        return done.stdout
    line = done.stderr.strip().splitlines()[-1].removeprefix("kronsolve: ") if done.stderr.strip() else "the program ended without a word"
    raise _ERRORS.get(done.returncode, Error)(line)


class Sweep:
    """The folder of a sweep: a record a point.

    ``sweep[0]["eigenvalues"]``, ``for point in sweep``, `column`, `table`. While the sweep goes on elsewhere, `refresh` reads again.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = os.fspath(folder)
        self.refresh()

    def refresh(self) -> None:
        """Reads the records that are there now."""
        lines = _run("results", self.folder, "--json-lines").splitlines()
        self.points: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.points)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self.points[i]

    def column(self, name: str) -> Array:
        """A field of all points; nan where a point has none.

        Raises
        ------
        KeyError
            No point has it.
        """
        if not any(name in p for p in self.points):
            known = sorted({key for p in self.points for key in p})
            raise KeyError(f"no point has '{name}'; there are {', '.join(known)}")
        return np.array([p.get(name, np.nan) for p in self.points])

    def table(self) -> Any:
        """All points as a DataFrame of pandas."""
        import pandas

        return pandas.DataFrame(self.points)

    def __repr__(self) -> str:
        return f"<Sweep '{self.folder}': {len(self)} points>"


def read_sweep(folder: Path) -> Sweep:
    """The results of ``kronsolve sweep``, finished or not.

    Raises
    ------
    InvalidArgument
        It is no such folder.
    """
    return Sweep(folder)


def run_sweep(
    what: Path | Mapping[str, Any],
    folder: Path | None = None,
    *,
    workers: int | None = None,
    only: str | None = None,
    retry_failed: bool = False,
) -> Sweep:
    """Runs a sweep, or goes on with one, and waits for its end.

    Parameters
    ----------
    what : path or mapping
        A sweep file (docs/campaigns.md), or what stands in one: ``{"command": "ground", "model": "ising", "vary": {"bx": [0.5, 1.0]}}``.
        A mapping is written to FOLDER.toml and needs a folder.
    folder : path, optional
        Of the results; as the program names it if left out.
    workers : int, optional
        Processes that share the points.
    only : str, optional
        A condition on the points: ``"bx < 1"``.
    retry_failed : bool
        Points that had failed are tried again.

    Raises
    ------
    InvalidArgument
        The file or a value in it: the program's line.
    """
    if isinstance(what, Mapping):
        if folder is None:
            raise InvalidArgument("run_sweep: give a folder for the results of a sweep that is no file")
        file = pathlib.Path(f"{os.fspath(folder)}.toml")
        file.write_text(_toml(what), encoding="utf-8")
    else:
        file = pathlib.Path(what)
    arguments: list[Any] = ["sweep", file, "--json"]
    arguments += ["--output", os.fspath(folder)] if folder is not None else []
    arguments += ["--ranks", workers] if workers is not None else []
    arguments += ["--only", only] if only is not None else []
    arguments += ["--retry-failed"] if retry_failed else []
    return Sweep(json.loads(_run(*arguments))["folder"])


def _toml(values: Mapping[str, Any]) -> str:
    """A mapping as TOML: plain values first, then tables and lists of tables."""

    def value(x: Any) -> str:
        if isinstance(x, Mapping):
            return "{" + ", ".join(f"{json.dumps(str(k))} = {value(v)}" for k, v in x.items()) + "}"
        if isinstance(x, (list, tuple, np.ndarray)):
            return "[" + ", ".join(value(v) for v in x) + "]"
        if isinstance(x, (bool, np.bool_)):
            return "true" if x else "false"
        if isinstance(x, (int, np.integer)):
            return str(int(x))
        if isinstance(x, (float, np.floating)):
            return repr(float(x))
        if isinstance(x, str):
            return json.dumps(x, ensure_ascii=False)
        raise InvalidArgument(f"run_sweep: {type(x).__name__} has no place in a sweep; texts, numbers, lists and mappings have")

    def is_table(x: Any) -> bool:
        return isinstance(x, Mapping) or (isinstance(x, (list, tuple)) and len(x) > 0 and all(isinstance(v, Mapping) for v in x))

    lines = [f"{json.dumps(str(k))} = {value(v)}" for k, v in values.items() if not is_table(v)]
    for name, tables in ((k, v) for k, v in values.items() if is_table(v)):
        single = isinstance(tables, Mapping)
        for table in [tables] if single else tables:
            key = json.dumps(str(name))
            lines.append(f"[{key}]" if single else f"[[{key}]]")
            lines += [f"{json.dumps(str(k))} = {value(v)}" for k, v in table.items()]
    return "\n".join(lines) + "\n"
