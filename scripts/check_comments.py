#!/usr/bin/env python3
"""Checks that documentation comments (///) are whole: what a formatter that fills lines tears apart shows here.

- `@throws`, `@param` and the like, `Cost:`, `Source:` and `Memory:` begin a line.
- What goes on after a line with such a tag is indented.
- No parameter is described twice.

usage: check_comments.py SOURCE_DIR
"""

import pathlib
import re
import sys

FOLDERS = ("include", "src", "operators", "solvers", "python", "tests", "examples", "benchmarks")
DOCUMENTATION = re.compile(r"\s*///(?!<) ?(.*)")
GLUED_TAG = re.compile(r"\S\s+@(throws|param|return|pre|post|tparam)\b")
GLUED_LABEL = re.compile(r"\S\s+(Cost|Source|Memory):")
LABEL = re.compile(r"[A-Z][a-z]+( of [^:]*)?:")
PARAMETER = re.compile(r"@param(?:\[\w+\])?\s+(\w+)")


def check_block(block: list[str]) -> list[tuple[int, str]]:
    errors, seen, in_tag = [], set(), False
    for at, line in enumerate(block):
        if GLUED_TAG.search(line) or GLUED_LABEL.search(line):
            errors.append((at, "a tag or label stands behind other words; it begins a line"))
        if line.startswith("@"):
            in_tag = True
        elif not line.strip() or LABEL.match(line):
            in_tag = False
        elif in_tag and not line.startswith(" "):
            errors.append((at, "what goes on after a tag is indented"))
        for name in PARAMETER.findall(line):
            if name in seen:
                errors.append((at, f"parameter {name} is described twice"))
            seen.add(name)
    return errors


def check_file(path: pathlib.Path) -> list[str]:
    errors, block, first = [], [], 0
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], 1):
        documentation = DOCUMENTATION.match(line)
        if documentation:
            first = first if block else number
            block.append(documentation.group(1))
        else:
            errors += [f"{path}:{first + at}: {text}" for at, text in check_block(block)]
            block = []
    return errors


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    files = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.[ch]pp"))
    if not files:
        print(f"no sources in {root}")
        return 1
    errors = [text for path in files for text in check_file(path)]
    print("\n".join(errors) or f"comments of {len(files)} files are whole")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
