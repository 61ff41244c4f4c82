#!/usr/bin/env python3
"""Every block of C++ in the documents compiles: as a program, or as a piece of a function that has what the page speaks of.

usage: cpp_blocks.py SOURCE_DIR -- COMPILER FLAGS...
"""

import pathlib
import re
import subprocess
import sys

# What the blocks of a page take as given.
GIVEN = {
    "README.md": "const Comm& comm",
    "measures.md": "const Comm& comm, const OpSum& h",
    "operators.md": "const Comm& comm, const SectorOperator& sector, RowRange range",
    "parallel.md": "Session& session, const Comm& comm, const SectorOperator& h, const OpSum& sz, const OpSum& observable, "
                   "std::vector<double>& energies, const std::vector<double>& points",
    "solvers.md": "const Comm& comm, const SectorOperator& h, const EvolutionState& psi, const std::vector<double>& times, "
                  "const Lazy<double>& rows, const DistributedVectors<double>& b",
}
BEGIN = """#include <cstdio>
#include <vector>
#include <kronsolve/eigen.hpp>
#include <kronsolve/kronsolve.hpp>
using namespace kronsolve;
inline void print(const char*, double) {}
inline Eigen::SparseMatrix<double> ladder(int n) { return {n, n}; }
inline double energy_at(double x) { return x; }
"""


def function(page: pathlib.Path, number: int, code: str) -> str:
    if "int main()" in code:
        return re.sub(r"^#include .*$", "", code, flags=re.M).replace("int main()", f"int main_{number}()")
    return f"inline auto block_{number}({GIVEN.get(page.name, '')}) {{ {{\n{code}}} }}\n"


def main() -> int:
    source, command = pathlib.Path(sys.argv[1]), sys.argv[3:]
    text, count = BEGIN, 0
    for page in (source / "README.md", *sorted((source / "docs").rglob("*.md"))):
        content = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```cpp\n(.*?)^```", content, re.M | re.S):
            line = content.count("\n", 0, found.start()) + 2
            count += 1
            text += f'#line {line} "{page}"\n' + function(page, count, found.group(1))
    if count < 10:
        print(f"only {count} blocks of C++ in {source}")
        return 1
    done = subprocess.run([*command, "-fsyntax-only", "-w", "-x", "c++", "-"], input=text, capture_output=True, text=True, check=False)
    print(done.stderr or f"{count} blocks of C++ compile")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
