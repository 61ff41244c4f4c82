#!/usr/bin/env bash
# Called by conda build.
set -euo pipefail

# shellcheck disable=SC2086 # CMAKE_ARGS is a list of words
cmake ${CMAKE_ARGS:-} -G Ninja -S . -B build-conda \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib \
  -DKRONSOLVE_BUILD_TESTS=OFF -DKRONSOLVE_BUILD_BENCHMARKS=OFF -DKRONSOLVE_BUILD_EXAMPLES=OFF \
  -DKRONSOLVE_PETSC_REAL_DIR="$PREFIX" -DKRONSOLVE_SLEPC_REAL_DIR="$PREFIX"
cmake --build build-conda -j "${CPU_COUNT:-2}"
cmake --install build-conda
