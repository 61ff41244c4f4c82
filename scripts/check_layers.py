#!/usr/bin/env python3
"""Checks what may include what, by reading the #include lines of the sources.

core <- operators <- solvers <- measure <- session <- cli, core <- exec <- session, session <- python and core <- campaign <- cli: an arrow may include what it points to,
directly or through others, and nothing else. PETSc and SLEPc appear only in solvers/engine_petsc, Eigen in solvers/dense; public headers show no
third-party type but MPI in core/comm.hpp (and its users), cereal where callables travel, and Eigen in eigen.hpp.

usage: check_layers.py [ROOT]
"""

import pathlib
import re
import sys

BELOW = {
    "core": [],
    "operators": ["core"],
    "solvers": ["operators"],
    "measure": ["solvers"],
    "exec": ["core"],
    "session": ["measure", "exec"],
    "campaign": ["core"],
    "cli": ["session", "campaign"],
    "python": ["session"],
}
FOLDERS = ["src", "include", "operators", "solvers", "python"]
UMBRELLAS = {"kronsolve.hpp", "eigen.hpp"}
STANDARD = re.compile(r"^[a-z_0-9]+(\.h)?$")
POSIX = re.compile(r"^(sys|netinet|arpa|linux|net)/")
# Third-party headers that a public header may include, by header (relative to include/kronsolve).
PUBLIC_THIRD_PARTY = {
    "mpi.h": {"core/comm.hpp", "core/comm_inline.hpp"},
    "cereal/": None,  # anywhere: where callables and arguments are serialised
    "Eigen/": {"eigen.hpp"},
}


def allowed(layer: str) -> set[str]:
    """The layer itself and everything under it."""
    result = {layer}
    for below in BELOW[layer]:
        result |= allowed(below)
    return result


def layer_of_file(path: pathlib.PurePath) -> str | None:
    """Layer of a source by its place: operators/..., solvers/..., src/<layer>/... or include/kronsolve/<layer>/..., or session.hpp."""
    parts = path.parts
    name = parts[{"src": 1, "include": 2}.get(parts[0], 0)]
    if name == "session.hpp":
        return "session"
    return name if name in BELOW else None


def layer_of_include(name: str) -> str | None:
    """Layer that an #include of ours names; None for umbrella headers, generated headers and headers of others."""
    if name.startswith("kronsolve/"):
        name = name[len("kronsolve/"):]
    head = name.split("/")[0]
    if head == "session.hpp":
        return "session"
    return head if head in BELOW and "/" in name else None


def includes(path: pathlib.Path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match[2]


def public_third_party_ok(header: str, include: str) -> bool:
    if include.startswith("kronsolve/") or STANDARD.match(include) and include != "mpi.h":
        return True
    for prefix, users in PUBLIC_THIRD_PARTY.items():
        if include.startswith(prefix):
            return users is None or header in users
    return False


def check(root: pathlib.Path) -> list[str]:
    errors = []
    for path in sorted([path for folder in FOLDERS for path in root.glob(f"{folder}/**/*.[ch]pp")]):
        relative = path.relative_to(root)
        layer = layer_of_file(relative)
        public = relative.parts[0] == "include"
        for number, include in includes(path):
            where = f"{relative}:{number}: includes {include}: "
            target = layer_of_include(include)
            if layer and target and target not in allowed(layer):
                errors.append(where + f"{layer} may include only {', '.join(sorted(allowed(layer)))}")
            if layer and include == "kronsolve/kronsolve.hpp":
                errors.append(where + "the umbrella header is for users")
            if layer and include.startswith(("kronsolve/eigen.hpp", "Eigen/", "unsupported/Eigen/")):
                if "dense" not in relative.parts:
                    errors.append(where + "Eigen belongs to solvers/dense")
            if re.match(r"(petsc|slepc)", include) and "engine_petsc" not in relative.parts:
                errors.append(where + "PETSc and SLEPc belong to solvers/engine_petsc")
            if public and not public_third_party_ok("/".join(relative.parts[2:]), include):
                errors.append(where + "a public header shows no third-party type")
        if public and layer is None and relative.parts[2] not in UMBRELLAS:
            errors.append(f"{relative}: a public header belongs to the folder of its layer")
    return errors


def main() -> int:
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    errors = check(root)
    print("\n".join(errors) or "layers: fine")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
