#!/usr/bin/env python3
"""Every loop of threads says how many: OpenMP keeps a number for each thread of a user, `num_threads()` is that of the process.

usage: threads.py ROOT
"""

import pathlib
import sys

root = pathlib.Path(sys.argv[1])
loops, failures = 0, 0
for folder in ("include", "operators", "solvers", "src", "python"):
    for path in sorted((root / folder).rglob("*.[ch]pp")):
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        for line in text.splitlines():
            if line.lstrip().startswith("#pragma omp parallel"):
                loops += 1
                if "num_threads(" not in line:
                    failures += 1
                    print(f"{path.relative_to(root)}: '{line.strip()}' takes OpenMP's number; add num_threads(num_threads())")
print(f"{loops} loops")
sys.exit(1 if failures or not loops else 0)
