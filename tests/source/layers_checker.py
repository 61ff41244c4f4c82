#!/usr/bin/env python3
"""The checker of layers finds what it must and lets the rest pass.

usage: layers_checker.py CHECK_LAYERS
"""

import pathlib
import subprocess
import sys
import tempfile

CASES = [  # file, its include, a word of the complaint (empty: fine)
    ("src/core/a.cpp", "<kronsolve/core/comm.hpp>", ""),
    ("src/core/a.cpp", "<kronsolve/operators/op_sum.hpp>", "core may include only"),
    ("src/exec/a.cpp", "<kronsolve/solvers/eigh.hpp>", "exec may include only"),
    ("solvers/a.cpp", '"exec/pool.hpp"', "solvers may include only"),
    ("src/session/a.cpp", "<kronsolve/exec/pool.hpp>", ""),
    ("src/cli/a.cpp", "<kronsolve/session.hpp>", ""),
    ("src/measure/a.cpp", "<kronsolve/session.hpp>", "measure may include only"),
    ("src/cli/a.cpp", "<CLI/CLI.hpp>", ""),
    ("src/cli/a.cpp", "<slepceps.h>", "engine_petsc"),
    ("operators/rows/a.cpp", "<kronsolve/solvers/eigh.hpp>", "operators may include only"),
    ("solvers/engine_petsc/a.cpp", "<slepceps.h>", ""),
    ("solvers/dense/a.cpp", "<kronsolve/eigen.hpp>", ""),
    ("solvers/krylov/a.cpp", "<Eigen/Core>", "Eigen belongs"),
    ("include/kronsolve/core/a.hpp", "<fmt/format.h>", "third-party"),
    ("include/kronsolve/operators/a.hpp", "<mpi.h>", "third-party"),
    ("include/kronsolve/exec/a.hpp", "<cereal/types/vector.hpp>", ""),
    ("include/kronsolve/stray.hpp", "<vector>", "folder of its layer"),
]


def main() -> int:
    failures = 0
    for name, include, word in CASES:
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, name)
            path.parent.mkdir(parents=True)
            path.write_text(f"#include {include}\n", encoding="utf-8")
            done = subprocess.run([sys.executable, sys.argv[1], root], capture_output=True, text=True, check=False)
            right = done.returncode == (1 if word else 0) and word in done.stdout
            if not right:
                failures += 1
                print(f"{name} with {include}: expected {word or 'no complaint'!r}, got {done.stdout}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
