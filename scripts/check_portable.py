#!/usr/bin/env python3
"""Code for x86 alone stands behind #if defined(__x86_64__): everything else must compile for Arm too.

usage: check_portable.py ROOT
"""

import pathlib
import re
import sys

X86 = re.compile(
    r"<\w*intrin\.h>|<cpuid\.h>|\b_mm\d*_\w+|\b__m(64|128|256|512)[id]?\b|\b__builtin_ia32_\w+"
    r"|\b__builtin_cpu_(supports|is|init)\b|\b_?_?rdtscp?\b|\b__asm__\b|\basm\s*(volatile\s*)?\(|\btarget\s*\(\s*\"(avx|sse)"
)
GUARD = "__x86_64__"


def complaints(text: str) -> list[tuple[int, str]]:
    """Lines with something of x86 that no guard covers."""
    guarded: list[bool] = []
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        directive = re.match(r"\s*#\s*(if\w*|elif|else|endif)\b(.*)", code)
        if directive:
            word, condition = directive.groups()
            positive = GUARD in condition and "!" not in condition and word != "ifndef"
            if word.startswith("if"):
                guarded.append(positive)
            elif word == "endif" and guarded:
                guarded.pop()
            elif guarded:
                guarded[-1] = word == "elif" and positive
        elif X86.search(code) and not any(guarded):
            found.append((number, X86.search(code).group(0)))
    return found


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    failures = 0
    for folder in ("include", "operators", "solvers", "src"):
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            for number, token in complaints(path.read_text(encoding="utf-8")):
                failures += 1
                print(f"{path.relative_to(root)}:{number}: {token} is for x86 alone; put it behind #if defined({GUARD})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
