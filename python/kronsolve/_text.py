"""Texts of results, as the program prints them."""

from __future__ import annotations

import math
import textwrap


def grouped(n: int) -> str:
    """1048576 as "1 048 576"."""
    return f"{n:,}".replace(",", " ")


def counted(n: int, word: str) -> str:
    """"1 step", "2 steps"."""
    return f"{grouped(n)} {word}{'' if n == 1 else 's'}"


def seconds(s: float) -> str:
    """"85 ms", "8.1 s", "3 min 20 s", "2 h 5 min"."""
    if not math.isfinite(s):
        return "?"
    if s < 1:
        return f"{s * 1e3:.0f} ms"
    if s < 60:
        return f"{s:.1f} s"
    whole = int(s + 0.5)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def line(name: str, value: str) -> str:
    """A name and what it is, in two columns."""
    wrapped = textwrap.wrap(value, 69, break_long_words=False) or [""]
    return f"{name:<11}" + ("\n" + " " * 11).join(wrapped) + "\n"


def value(x: float) -> str:
    """All 17 significant digits."""
    return f"{x: #.17g}"


def residual(x: float) -> str:
    """Two digits."""
    return f"{x:.1e}"
