"""A library that stands in for MPI's where there is none, so that a wheel can be imported and solve in one process.

It has the name of the MPI library that ours was linked with (the loader takes it for that one) and the symbols that ours asks of it:
MPI is not running and cannot be started. kronsolve/_mpi.py loads it if the real one is not there.
"""

from __future__ import annotations

import pathlib
import re
import subprocess

HEAD = r"""
#include <stdio.h>
#include <string.h>
static const char why[] = "there is no MPI library on this machine; install it (Debian: libopenmpi3) and start anew";
static int absent(void) { return 16; }
int MPI_Initialized(int* flag) { return *flag = 0; }
int MPI_Finalized(int* flag) { return *flag = 0; }
int MPI_Error_string(int code, char* text, int* length) {
  (void)code;
  *length = (int)strlen(strcpy(text, why));
  return 0;
}
int MPI_Abort(void* comm, int status) {
  (void)comm;
  _Exit(status);
}
"""
OWN = set(re.findall(r"\b(MPI_\w+)\(", HEAD))


def _symbols(library: pathlib.Path, *options: str) -> dict[str, str]:
    """Names of symbols and their kinds."""
    listed = subprocess.run(["nm", "-D", "--format=posix", *options, library], check=True, capture_output=True, text=True).stdout
    return {line.split()[0].split("@")[0]: line.split()[1] for line in listed.splitlines()}


def _mpi_library(library: pathlib.Path) -> pathlib.Path:
    """Of those that a library is linked with: where MPI_Init_thread is."""
    linked = subprocess.run(["ldd", library], check=True, capture_output=True, text=True).stdout
    for path in map(pathlib.Path, re.findall(r"libmpi\S* => (/\S+)", linked)):
        if "MPI_Init_thread" in _symbols(path, "--defined-only"):
            return path
    raise RuntimeError(f"{library} is linked with no library named libmpi*")


def build(library: pathlib.Path, module: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """Compiles it into `folder`, for libkronsolve and the compiled part of the package; gives its place."""
    real = _mpi_library(library)
    name = re.search(r"SONAME\S*\s.*\[(.+)\]", subprocess.run(["readelf", "-d", real], check=True, capture_output=True, text=True).stdout)
    assert name is not None
    there = _symbols(real, "--defined-only")
    wanted = {s for asking in (library, module) for s in _symbols(asking, "--undefined-only") if s in there} - OWN
    code = "#include <stdlib.h>\n" + HEAD
    for symbol in sorted(wanted):
        if there[symbol] in "TW":
            code += f'int {symbol}(void) __attribute__((alias("absent")));\n'
        else:  # an object of which only the address is used
            code += f"char {symbol}[16];\n"
    stub = folder / name[1]
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-s", f"-Wl,-soname,{name[1]}", "-x", "c", "-", "-o", stub], input=code, text=True, check=True
    )
    return stub
