#!/usr/bin/env python3
"""Checks that every public header compiles alone.

usage: check_headers.py INCLUDE_DIR -- COMPILER FLAGS...
"""

import concurrent.futures
import os
import pathlib
import subprocess
import sys


def compile_alone(include: pathlib.Path, header: pathlib.Path, command: list[str]) -> str:
    source = f"#include <{header.relative_to(include)}>\n"
    done = subprocess.run([*command, "-fsyntax-only", "-x", "c++", "-"], input=source, capture_output=True, text=True,
                          check=False)
    return "" if done.returncode == 0 else f"{header} does not compile alone:\n{done.stderr}"


def main() -> int:
    include, command = pathlib.Path(sys.argv[1]), sys.argv[3:]
    headers = sorted(include.rglob("*.hpp"))
    if not headers:
        print(f"no headers in {include}")
        return 1
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        errors = [text for text in pool.map(lambda h: compile_alone(include, h, command), headers) if text]
    print("\n".join(errors) or f"{len(headers)} headers compile alone")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
