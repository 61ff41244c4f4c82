# Sourced by the scripts of this folder: what they share. Bash; the caller has `set -euo pipefail`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
preset=${KRONSOLVE_PRESET:-release}
build=$root/build/$preset

say() { printf '==> %s\n' "$*" >&2; }
fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Cores this process may use: the affinity mask, lowered by the quotas of its control group and of those above it.
cores() {
  local n quota period group
  n=$(nproc)
  group=$(sed -n 's/^0:://p' /proc/self/cgroup 2>/dev/null || true)
  group=${group%/}
  while :; do
    if read -r quota period 2>/dev/null < "/sys/fs/cgroup$group/cpu.max" && [ "$quota" != max ]; then
      quota=$(((quota + period - 1) / period))
      [ "$quota" -lt "$n" ] && n=$quota
    fi
    [ -n "$group" ] || break
    group=${group%/*}
  done
  echo "$n"
}

# Open MPI refuses root, and more ranks than cores, unless told.
mpi_environment() {
  if [ "$(id -u)" = 0 ]; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  fi
  export OMPI_MCA_rmaps_base_oversubscribe=1
}

# Jobs of a build: a core each, and about 1.5 GiB each for the heaviest sources.
build_jobs() {
  local n memory
  n=$(cores)
  memory=$(awk '/^MemAvailable:/ { print int($2 / 1572864) }' /proc/meminfo)
  [ "${memory:-1}" -lt 1 ] && memory=1
  [ "$n" -gt "$memory" ] && n=$memory
  echo "$n"
}

# One build of a folder at a time; a second script waits for the first.
lock_build() {
  mkdir -p "$build"
  exec 9> "$build/.lock"
  if ! flock -n 9; then
    say "another script is building in build/$preset; waiting for it"
    flock 9
  fi
}

# What was compiled before, in this folder or in another clone, is taken from ccache where that is installed: half an hour of two
# cores becomes a minute. A precompiled header needs the first three words.
if command -v ccache > /dev/null; then
  export CMAKE_C_COMPILER_LAUNCHER=${CMAKE_C_COMPILER_LAUNCHER-ccache} CMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER-ccache}
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
fi

# Configures once; ninja itself configures again when a CMake file has changed.
configure() {
  if [ ! -f "$build/build.ninja" ]; then
    say "configuring build/$preset"
    (cd "$root" && cmake --preset "$preset") >&2
  fi
}

# compile TARGET...: builds them (all without arguments); says nothing when there is nothing to do.
compile() {
  configure
  if ninja -C "$build" -n "$@" 2> /dev/null | grep -q 'no work to do'; then return 0; fi
  say "building ${*:-everything} with $(build_jobs) jobs"
  ninja -C "$build" -j "$(build_jobs)" "$@" >&2
}
