#!/usr/bin/env python3
"""Checks that a source does not compile, for the reason named in its first line, and that its control does.

usage: must_not_compile.py SOURCE -- COMPILER FLAGS...
"""

import re
import subprocess
import sys


def main() -> int:
    source, command = sys.argv[1], sys.argv[3:]
    with open(source, encoding="utf-8") as file:
        first = file.readline()
    match = re.match(r"// error: (.+)$", first)
    if not match:
        print(f"{source}: the first line must be '// error: <regular expression>', got {first!r}")
        return 1
    command += ["-fsyntax-only", source]
    control = subprocess.run([*command, "-DKRONSOLVE_CONTROL"], capture_output=True, text=True, check=False)
    if control.returncode != 0:
        print(f"{source}: the control does not compile:\n{control.stderr}")
        return 1
    failing = subprocess.run(command, capture_output=True, text=True, check=False)
    if failing.returncode == 0:
        print(f"{source}: compiles, but must not")
        return 1
    if not re.search(match[1], failing.stderr):
        print(f"{source}: fails for another reason than /{match[1]}/:\n{failing.stderr}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
