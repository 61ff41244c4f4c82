#!/usr/bin/env python3
"""Checks that every public header compiles alone, and that the umbrella header includes them all.

usage: check_headers.py INCLUDE_DIR -- COMPILER FLAGS...
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys


def compile_alone(include: pathlib.Path, header: pathlib.Path, command: list[str]) -> str:
    source = f"#include <{header.relative_to(include)}>\n"
    done = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=source, capture_output=True, text=True,
                          check=False)
    return "" if done.returncode == 0 else f"{header} does not compile alone:\n{done.stderr}"


# Reached through others, or not for everybody: the bridge to Eigen needs Eigen.
NOT_IN_UMBRELLA = {"kronsolve/kronsolve.hpp", "kronsolve/eigen.hpp", "kronsolve/core/comm_inline.hpp"}


def check_umbrella(include: pathlib.Path, headers: list[pathlib.Path]) -> list[str]:
    umbrella = include / "kronsolve" / "kronsolve.hpp"
    included = re.findall(r"#include <([^>]+)>", umbrella.read_text(encoding="utf-8"))
    wanted = {str(h.relative_to(include)) for h in headers} - NOT_IN_UMBRELLA
    return [f"{umbrella}: {name} is missing" for name in sorted(wanted - set(included))] + [
        f"{umbrella}: {name} is included twice" for name in sorted(set(included)) if included.count(name) > 1]


def main() -> int:
    include, command = pathlib.Path(sys.argv[1]), sys.argv[3:]
    headers = sorted(include.rglob("*.hpp"))
    if not headers:
        print(f"no headers in {include}")
        return 1
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        errors = [text for text in pool.map(lambda h: compile_alone(include, h, command), headers) if text]
    errors += check_umbrella(include, headers)
    print("\n".join(errors) or f"{len(headers)} headers compile alone")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
