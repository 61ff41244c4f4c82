"""Progress of a solve as a callback, or as a line with a bar in a terminal and in a notebook."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Union

from .errors import InvalidArgument
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

    def show_result(self, facts: dict[str, Any]) -> None:
        """What came out, as the last line."""
        values = facts["eigenvalues"] if "eigenvalues" in facts else facts["singular_values"]
        if len(values) == 0:
            return
        last = {
            "wanted": len(values),
            "converged": facts["converged_pairs"] if "converged_pairs" in facts else facts["converged_triplets"],
            "worst_residual": float(max(facts["residuals"])),
            "best_value": float(values[-1]),
            "products": facts["products"],
            "iterations": facts["iterations"],
            "seconds": facts.get("setup_seconds", 0.0) + facts["solve_seconds"],
            "remaining_seconds": None,
        }
        self.show(last)

    def end(self) -> None:
        if self._over and self._length:
            self._stream.write("\n")
            self._stream.flush()


def ended(tell: Telling, facts: dict[str, Any]) -> None:
    """A solve has these results; a bar shows them."""
    bar = getattr(tell, "__self__", None)
    if isinstance(bar, _Bar):
        bar.show_result(facts)


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
    elif not callable(progress):
        raise InvalidArgument(f"progress must be True, False or a function, got {type(progress).__name__}")
    else:
        call = progress
        yield lambda facts: call(Progress(facts))
