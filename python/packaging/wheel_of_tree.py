"""Builds a wheel of the source tree with CMake; what pip calls (PEP 517). It needs nothing but Python's own library.

The wheel holds the package, the library and its modules, and is for the machine that built it and those alike: OpenBLAS, MPI and
the engines are those that are installed there. MPI and the engines may be missing. ``--config-settings build-dir=build/release`` takes a build that is there.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
import tempfile
import zipfile

import without_mpi

ROOT = pathlib.Path(__file__).resolve().parents[2]
OFF = ("CLI", "TESTS", "BENCHMARKS", "EXAMPLES")


def _version() -> str:
    found = re.search(r"VERSION (\d+\.\d+\.\d+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def _tag() -> str:
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return f"{python}-{python}-{re.sub('[^0-9a-zA-Z]', '_', sysconfig.get_platform())}"


def _metadata() -> str:
    return (
        "Metadata-Version: 2.1\n"
        "Name: kronsolve\n"
        f"Version: {_version()}\n"
        "Summary: Distributed sparse linear algebra with Kronecker structure\n"
        "License: BSD-3-Clause\n"
        f"Requires-Python: >={sys.version_info.major}.{sys.version_info.minor}\n"
        "Requires-Dist: numpy\n"
    )


def _run(*command: str) -> None:
    print("+", *command, flush=True)
    subprocess.run(command, check=True)


def _build(settings: dict[str, str]) -> pathlib.Path:
    """The folder of a finished build."""
    if "build-dir" in settings:
        folder = (ROOT / settings["build-dir"]).resolve()
        _run("cmake", "--build", str(folder), "--target", "all" if "all" in settings else "kronsolve_python")
        return folder
    folder = ROOT / "build" / "wheel"
    options = [f"-DKRONSOLVE_BUILD_{part}=OFF" for part in OFF]
    _run(
        "cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DKRONSOLVE_PYTHON=on",
        f"-DPython_EXECUTABLE={sys.executable}", *options,
    )  # fmt: skip
    _run("cmake", "--build", str(folder))
    return folder


def _files(stage: pathlib.Path) -> dict[str, pathlib.Path]:
    """What goes where in the wheel."""
    files: dict[str, pathlib.Path] = {}
    package = next(stage.glob("**/site-packages/kronsolve"))
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            files[f"kronsolve/{path.relative_to(package)}"] = path
    library = next(stage.glob("**/libkronsolve.so.?"))  # by the name that others ask for
    files[f"kronsolve/lib/{library.name}"] = library.resolve()
    for module in sorted((library.parent / "kronsolve").glob("*.so")):
        files[f"kronsolve/lib/kronsolve/{module.name}"] = module
    stand_in = without_mpi.build(library, next(package.glob("_core*.so")), stage)
    files[f"kronsolve/lib/without_mpi/{stand_in.name}"] = stand_in
    return files


def _record(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(data)}"


def build_wheel(
    wheel_directory: str, config_settings: dict[str, str] | None = None, metadata_directory: str | None = None
) -> str:
    """Builds the wheel and gives its name."""
    folder = _build(config_settings or {})
    name = f"kronsolve-{_version()}-{_tag()}.whl"
    info = f"kronsolve-{_version()}.dist-info"
    with tempfile.TemporaryDirectory() as stage, zipfile.ZipFile(
        pathlib.Path(wheel_directory) / name, "w", zipfile.ZIP_DEFLATED
    ) as wheel:
        _run("cmake", "--install", str(folder), "--prefix", stage, "--strip")
        contents = {where: path.read_bytes() for where, path in _files(pathlib.Path(stage)).items()}
        contents[f"{info}/METADATA"] = _metadata().encode()
        contents[f"{info}/WHEEL"] = (
            f"Wheel-Version: 1.0\nGenerator: kronsolve\nRoot-Is-Purelib: false\nTag: {_tag()}\n"
        ).encode()
        contents[f"{info}/LICENSE"] = (ROOT / "LICENSE").read_bytes()
        record = "".join(f"{where},{_record(data)}\n" for where, data in contents.items())
        contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        for where, data in contents.items():
            entry = zipfile.ZipInfo(where)
            entry.external_attr = (0o755 if where.endswith(".so") or ".so." in where else 0o644) << 16
            wheel.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return name


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: dict[str, str] | None = None) -> str:
    """Name and version without a build."""
    info = f"kronsolve-{_version()}.dist-info"
    os.makedirs(os.path.join(metadata_directory, info))
    with open(os.path.join(metadata_directory, info, "METADATA"), "w", encoding="utf-8") as file:
        file.write(_metadata())
    return info
