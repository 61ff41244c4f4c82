"""What files of states say of their origin; their layout is the library's (docs/files.md)."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from . import _core
from .errors import InvalidArgument
from .linear_map import LinearMap
from .operators import Operator

Path = Union[str, "os.PathLike[str]"]


def destination(
    path: Path,
    h: LinearMap,
    comm: _core.Comm | None,
    command: str,
    facts: Mapping[str, Any],
    drives: list[_core.Drive] | None = None,
) -> _core.Destination:
    """A file at `path` for vectors on the rows of `h`; of `facts` it says the numbers, truths and texts."""
    name = os.fspath(path)
    if not name.endswith(".h5"):
        raise InvalidArgument(f"save: the name of a file of states ends with .h5, got '{name}'")
    line = shlex.join([os.path.basename(sys.executable or "python3"), *sys.orig_argv[1:]])
    if isinstance(h, Operator):
        model = f"operator of {len(h.terms)} terms, {h.sites} sites"
        of_operator: dict[str, Any] = {"model": model, "sites": h.sites, "sector": h.sector}
    else:
        model = f"matrix of {h.shape[0]} x {h.shape[1]}"
        of_operator = {"model": model, "sites": None, "sector": []}
    plain = {key: value for key, value in facts.items() if isinstance(value, (bool, int, float, str))}
    plain = {key: value for key, value in plain.items() if not key.endswith(("_seconds", "_bytes"))}
    result = json.dumps({"command": command, **of_operator, **plain})
    return _core.Destination(name, h._core, comm, line, model, result, drives or [])


def columns(arrays: list[Any]) -> list[Any]:
    """Vectors as the library takes them: contiguous, of one dtype; shared where they are that."""
    kind = np.complex128 if any(a.dtype.kind == "c" for a in arrays) else np.float64
    return [np.ascontiguousarray(a, dtype=kind) for a in arrays]
