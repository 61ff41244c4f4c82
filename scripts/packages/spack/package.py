# Copyright the kronsolve authors
#
# SPDX-License-Identifier: BSD-3-Clause
#
# Written to Spack's conventions and not yet built with it. `spack dev-build kronsolve@main` in a checkout uses the sources there.

from spack.package import *


class Kronsolve(CMakePackage):
    """Eigenpairs, singular triplets and time evolutions of large sparse operators with Kronecker structure, above all
    Hamiltonians of spin chains and lattices."""

    license("BSD-3-Clause")

    version("main", branch="main")

    variant("real", default=True, description="Build the engine for real matrices (PETSc and SLEPc)")
    variant("cli", default=True, description="Build the program")

    depends_on("c", type="build")
    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")

    depends_on("mpi")
    depends_on("cereal")
    depends_on("eigen@3.4:")
    depends_on("openblas threads=pthreads")
    depends_on("netlib-lapack+lapacke")
    depends_on("hdf5+hl")
    depends_on("cli11", when="+cli")
    depends_on("fmt", when="+cli")
    depends_on("nlohmann-json", when="+cli")
    depends_on("tomlplusplus", when="+cli")
    depends_on("gnuplot", type="run", when="+cli")

    # One PETSc in a spec: real here, complex without it. Both engines live side by side only where two installations are named.
    depends_on("petsc+mpi+mumps~complex", when="+real")
    depends_on("petsc+mpi+mumps+complex", when="~real")
    depends_on("slepc")

    conflicts("%gcc@:11", msg="C++20 as of GCC 12 is needed")

    generator("ninja")

    def cmake_args(self):
        scalar = "REAL" if self.spec.satisfies("+real") else "COMPLEX"
        return [
            self.define("KRONSOLVE_BUILD_TESTS", False),
            self.define("KRONSOLVE_BUILD_BENCHMARKS", False),
            self.define("KRONSOLVE_BUILD_EXAMPLES", False),
            self.define_from_variant("KRONSOLVE_BUILD_CLI", "cli"),
            self.define(f"KRONSOLVE_PETSC_{scalar}_DIR", self.spec["petsc"].prefix),
            self.define(f"KRONSOLVE_SLEPC_{scalar}_DIR", self.spec["slepc"].prefix),
        ]

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_install(self):
        if self.spec.satisfies("+cli"):
            Executable(self.prefix.bin.kronsolve)("selftest")
