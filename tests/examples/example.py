#!/usr/bin/env python3
"""An example prints what its head comment says, in every mode where it runs.

usage: example.py SOURCE PROGRAM MPIEXEC START... [-- ARGUMENTS]
START: plain, serial, threads, mpirun:N, syncro:N.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

NUMBER = re.compile(r"-?\d+\.?\d*")


def promised(source: str) -> list[str]:
    """The lines behind `// ... prints`."""
    lines = pathlib.Path(source).read_text(encoding="utf-8").splitlines()
    begin = next(i for i, line in enumerate(lines) if re.match(r"//.*\bprints$", line))
    found = []
    for line in lines[begin + 1:]:
        if not line.startswith("//   "):
            break
        found.append(line[5:])
    assert found, "the head comment promises nothing"
    return found


def same(want: str, got: str) -> bool:
    """Equal but for one unit in the last digit of numbers."""
    if NUMBER.sub("#", want).split() != NUMBER.sub("#", got).split():
        return False
    for a, b in zip(NUMBER.findall(want), NUMBER.findall(got)):
        places = len(a.partition(".")[2])
        if len(b.partition(".")[2]) != places or abs(float(a) - float(b)) > 1.01 * 10.0**-places * (places > 0):
            return False
    return True


def run(start: str, program: str, mpiexec: str, arguments: list[str], folder: str) -> list[str]:
    how, _, ranks = start.partition(":")
    environment = {k: v for k, v in os.environ.items() if k != "KRONSOLVE_MODE"} | {"KRONSOLVE_NUM_WORKERS": "2"}
    if how in ("serial", "threads", "syncro"):
        environment["KRONSOLVE_MODE"] = how
    command = ([mpiexec, "-n", ranks] if ranks else []) + [program, *arguments]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(f"{start}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def main() -> None:
    source, program, mpiexec, *rest = sys.argv[1:]
    starts, arguments = (rest[:rest.index("--")], rest[rest.index("--") + 1:]) if "--" in rest else (rest, [])
    want = promised(source)
    with tempfile.TemporaryDirectory() as folder:
        if pathlib.Path(source).stem == "vector_file":  # the first run writes what the others read
            run("mpirun:2", program, mpiexec, arguments, folder)
        for start in starts:
            got = run(start, program, mpiexec, arguments, folder)
            if len(got) != len(want) or not all(map(same, (w.strip() for w in want), (g.strip() for g in got))):
                sys.exit("\n".join([f"{start} printed", *got, "the head comment promises", *want]))
    print(f"{len(starts)} times as promised")


if __name__ == "__main__":
    main()
