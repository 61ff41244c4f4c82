#!/usr/bin/env python3
"""Installs a build to a fresh place and uses it from there: with CMake, moved elsewhere, with pkg-config, and the program.

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


def configured(cmake: str, place: pathlib.Path, *options: str, env: dict) -> subprocess.CompletedProcess:
    """A configuration of the consumer's project, which may be refused."""
    return subprocess.run([cmake, "-S", pathlib.Path(__file__).parent, "-B", place, "-G", "Ninja", *options], capture_output=True,
                          text=True, check=False, timeout=300, env=env)


def check_components(cmake: str, build: str, prefix: pathlib.Path, outside: pathlib.Path, environment: dict) -> None:
    """Components that are there are found, in a folder that was moved and in the build folder; another is refused by its name."""
    engines = [module.stem.removeprefix("kronsolve_engine_") for module in pathlib.Path(build, "lib", "kronsolve").glob("kronsolve_engine_*.so")]
    there = ";".join(["hdf5", "program", *engines])
    for where in (f"-DCMAKE_PREFIX_PATH={prefix}", f"-Dkronsolve_DIR={build}"):
        done = configured(cmake, outside / "components", where, f"-DKRONSOLVE_COMPONENTS={there}", "--fresh", env=environment)
        assert done.returncode == 0, done.stderr
        run(cmake, "--build", outside / "components", env=environment)
        assert "-3.651093408937" in run(outside / "components" / "consumer", env=environment)
        done = configured(cmake, outside / "components", where, "-DKRONSOLVE_COMPONENTS=quaternions", "--fresh", env=environment)
        assert done.returncode != 0 and "quaternions" in done.stderr, done.stderr


def check_subdirectory(cmake: str, outside: pathlib.Path, environment: dict) -> None:
    """As a folder of another project: it configures, and adds neither tests nor the program to it."""
    source = pathlib.Path(__file__).parent.parent.parent
    done = configured(cmake, outside / "subdirectory", f"-DKRONSOLVE_SOURCES={source}", "-DCMAKE_BUILD_TYPE=Release", env=environment)
    assert done.returncode == 0, done.stderr
    targets = run("ninja", "-C", outside / "subdirectory", "-t", "targets", "all", env=environment)
    assert "consumer:" in targets and "libkronsolve.so" in targets, targets[:2000]
    assert "kronsolve_cli" not in targets and "test_core" not in targets


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

        moved = pathlib.Path(place, "moved")
        prefix.rename(moved)
        prefix = moved
        check_components(cmake, build, prefix, outside, environment)
        check_subdirectory(cmake, outside, environment)

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
        assert "all" in run(program, "selftest", env=environment)
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
