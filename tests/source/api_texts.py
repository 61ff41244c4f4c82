#!/usr/bin/env python3
"""Every public entity of the headers has a text, and Doxygen tells when one has none.

usage: api_texts.py SOURCE_DIR
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
CASES = [  # a header, a word of the complaint (empty: fine)
    ("/// A number.\nstruct Number {\n  int value = 0;  ///< it\n};\n", ""),
    ("/// A number.\nstruct Number {\n  int value = 0;\n};\n", "value"),
    ("struct Number {\n  int value = 0;  ///< it\n};\n", "Number"),
    ("int twice(int x);\n", "twice"),
    ("enum class Side { left, right };\n", "Side"),
    ("/// Of <Sz>.\n/// @param y  none\nint twice(int x);\n", "argument 'y'"),
    ("/// Of <Sz> and <psi|psi>.\nint twice(int x);\n", ""),
    ("/// Moves.\nclass Held {\n public:\n  Held(Held&& other) noexcept;\n};\n", ""),
    ("/// For itself.\nnamespace detail {\nint twice(int x);\n}\n", ""),
]


def complaints(source: pathlib.Path, settings: str) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as output:
        text = (source / "docs" / "Doxyfile").read_text(encoding="utf-8") + settings
        done = subprocess.run(["doxygen", "-"], input=text, capture_output=True, text=True, check=False, cwd=source,
                              env={**os.environ, "KRONSOLVE_DOXYGEN_OUTPUT": output})
    return done.returncode, done.stderr


def main() -> int:
    if shutil.which("doxygen") is None:
        print("Doxygen is not installed")
        return SKIPPED
    source = pathlib.Path(sys.argv[1]).resolve()
    failures = 0
    for header, word in CASES:
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a.hpp").write_text(f"/// @namespace kronsolve\n/// All.\nnamespace kronsolve {{\n{header}}}\n",
                                                     encoding="utf-8")
            code, text = complaints(source, f"INPUT = {folder}\n")
        if (code != 0) != bool(word) or word not in text:
            failures += 1
            print(f"{header!r}: expected {word or 'no complaint'!r}, got {code}: {text}")
    code, text = complaints(source, "")
    if code != 0:
        print(text)
    return 1 if failures or code else 0


if __name__ == "__main__":
    sys.exit(main())
