#!/usr/bin/env python3
"""The checker of documentation comments finds what is torn and lets the rest pass.

usage: comments_checker.py CHECK_COMMENTS
"""

import pathlib
import subprocess
import sys
import tempfile

CASES = [  # a comment, a word of the complaint (empty: fine)
    ("/// One line.\n/// @throws A  this\n/// @throws B  that,\n///            and that\n/// Cost: little.\n", ""),
    ("/// @param a  one\n/// @param b  two\n", ""),
    ("int a;  ///< mails go to me @home\n", ""),
    ("/// @throws A  this  @throws B  that\n", "begins a line"),
    ("/// A sum. @throws A  this\n", "begins a line"),
    ("/// A sum. Cost: little.\n", "begins a line"),
    ("/// One line.\n/// @throws A  this, which is\n/// long\n", "indented"),
    ("/// @return a number\n///\n/// And a paragraph.\n", ""),
    ("/// @param a  one\n/// @param a  two\n", "twice"),
    ("/// @param a  one\nvoid f(int a);\n/// @param a  one\nvoid g(int a);\n", ""),
]


def main() -> int:
    failures = 0
    for text, word in CASES:
        with tempfile.TemporaryDirectory() as root:
            path = pathlib.Path(root, "include", "a.hpp")
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, sys.argv[1], root], capture_output=True, text=True, check=False)
            if done.returncode != (1 if word else 0) or word not in done.stdout:
                failures += 1
                print(f"{text!r}: expected {word or 'no complaint'!r}, got {done.stdout}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
