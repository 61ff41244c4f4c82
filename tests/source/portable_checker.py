#!/usr/bin/env python3
"""The checker of portable sources finds what it must and lets the rest pass.

usage: portable_checker.py CHECK_PORTABLE
"""

import pathlib
import subprocess
import sys
import tempfile

CASES = [  # a source, whether it is fine
    ("int x = 1;", True),
    ("#include <immintrin.h>", False),
    ("auto v = _mm256_add_pd(a, b);", False),
    ("__m512d v;", False),
    ('bool b = __builtin_cpu_supports("avx2");', False),
    ('asm volatile("pause");', False),
    ('// __builtin_cpu_supports("avx2") in a comment', True),
    ('#if defined(__x86_64__)\nbool b = __builtin_cpu_supports("avx2");\n#endif', True),
    ("#if defined(__x86_64__)\n#else\n__m256d v;\n#endif", False),
    ("#ifndef __x86_64__\n__m256d v;\n#endif", False),
    ("#ifdef __x86_64__\n#ifdef A\n#endif\n__m256d v;\n#endif\n", True),
    ("#ifdef __x86_64__\n#endif\n__m256d v;\n", False),
]


def main() -> int:
    failures = 0
    for source, fine in CASES:
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, "src/core/a.cpp")
            path.parent.mkdir(parents=True)
            path.write_text(source + "\n", encoding="utf-8")
            done = subprocess.run([sys.executable, sys.argv[1], root], capture_output=True, text=True, check=False)
            if (done.returncode == 0) != fine:
                failures += 1
                print(f"{source!r}: expected {'no complaint' if fine else 'a complaint'}, got {done.stdout!r}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
