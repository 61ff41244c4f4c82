#!/usr/bin/env python3
"""Installs a build to a fresh place and uses it from there: with CMake, with pkg-config, and the program.

usage: run.py CMAKE BUILD_DIR COMPILER VERSION
"""

import os
import pathlib
import subprocess
import sys
import tempfile


def run(*command, **more) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def main() -> None:
    cmake, build, compiler, version = sys.argv[1:5]
    source = pathlib.Path(__file__).parent
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "KRONSOLVE_ENGINE_DIR")}
    with tempfile.TemporaryDirectory() as place:
        prefix, outside = pathlib.Path(place, "installed"), pathlib.Path(place, "consumer")
        run(cmake, "--install", build, "--prefix", prefix)

        run(cmake, "-S", source, "-B", outside, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
            f"-DCMAKE_CXX_COMPILER={compiler}", "-DCMAKE_BUILD_TYPE=Release", env=environment)
        run(cmake, "--build", outside, env=environment)
        printed = run(outside / "consumer", env=environment)
        assert "did you mean heisenberg?" in printed and "-3.651093408937" in printed, printed

        pc = next(prefix.rglob("kronsolve.pc")).parent
        flags = run("pkg-config", "--cflags", "--libs", "kronsolve", env=environment | {"PKG_CONFIG_PATH": str(pc)}).split()
        run(compiler, "-std=c++20", source / "consumer.cpp", "-o", outside / "by_pkg_config", *flags, env=environment)
        libraries = str(next(prefix.rglob("libkronsolve.so")).parent)
        printed = run(outside / "by_pkg_config", env=environment | {"LD_LIBRARY_PATH": libraries})
        assert "-3.651093408937" in printed, printed

        program = prefix / "bin" / "kronsolve"
        assert run(program, "--version", env=environment).strip() == f"kronsolve {version}"
        printed = run(program, "ground", "--model", "ising", "--sites", "6", env=environment)
        assert "energy" in printed, printed
        launcher = prefix / "bin" / "kronsolve-mpi"
        assert run(launcher, "-n", "2", program, "--version", env=environment).strip() == f"kronsolve {version}"
        for module in pathlib.Path(build, "lib", "kronsolve").glob("*.so"):
            assert list(prefix.rglob(module.name)), f"{module.name} is not installed"

        saved = outside / "state.h5"
        save = [program, "evolve", "--model", "ising", "--sites", "4", "--state", "up", "--time", "1", "--save", saved]
        run(*save, env=environment)
        assert saved.stat().st_size > 0
        hdf5 = next(prefix.rglob("kronsolve_hdf5.so"))
        hdf5.unlink()
        refused = subprocess.run(list(map(str, save)), env=environment, capture_output=True, text=True, check=False)
        assert refused.returncode == 4 and str(hdf5) in refused.stderr, (refused.returncode, refused.stderr)


if __name__ == "__main__":
    main()
