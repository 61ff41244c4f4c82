"""Progress of a solve as a callback, or as a line with a bar in a terminal and in a notebook."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

from .results import Progress

ProgressLike = Union[Callable[[Progress], Any], bool, None]
Telling = Union[Callable[[dict[str, Any]], Any], None]


def _overwrites(stream: Any) -> bool:
    """Whether a carriage return goes back to the beginning of the line: in terminals and notebooks."""
    return bool(stream.isatty()) or type(stream).__module__.startswith("ipykernel")


class _Bar:
    """One line on standard error, written over itself; a line a time where that cannot be."""

    width = 20

    def __init__(self) -> None:
        self._stream = sys.stderr
        self._over = _overwrites(self._stream)
        self._first: float | None = None
        self._length = 0

    def _part(self, p: Progress) -> float:
        """How much is done: pairs, and of the one that is sought the digits that its residual has won."""
        digits = -math.log10(p.worst_residual) if 0 < p.worst_residual < math.inf else 0.0
        self._first = digits if self._first is None else min(self._first, digits)
        won = (digits - self._first) / max(10 - self._first, 1)
        return min((p.converged + min(max(won, 0), 1) * (p.converged < p.wanted)) / max(p.wanted, 1), 1)

    def show(self, facts: dict[str, Any]) -> None:
        p = Progress(facts)
        filled = round(self.width * self._part(p))
        line = f"[{'#' * filled}{'-' * (self.width - filled)}] {p!r}"
        self._stream.write(f"\r{line:<{self._length}}" if self._over else line + "\n")
        self._length = len(line)
        self._stream.flush()

    def end(self) -> None:
        if self._over and self._length:
            self._stream.write("\n")
            self._stream.flush()


@contextmanager
def told(progress: ProgressLike) -> Iterator[Telling]:
    """What the compiled part calls while a solve runs."""
    if progress is None or progress is False:
        yield None
    elif isinstance(progress, bool):
        bar = _Bar()
        try:
            yield bar.show
        finally:
            bar.end()
    else:
        call = progress
        yield lambda facts: call(Progress(facts))
