# kronsolve_add_test and kronsolve_add_mpi_test: one executable per source, one CTest entry per rank count.
#
# Labels: the layer (name of the folder), np<ranks>, and how much it costs: `quick` (default; the whole label runs within two
# minutes on two cores), `full`, `long` (not in CI).

include(GoogleTest)
# The system's interpreter first: it sees the packages that scripts/setup installs.
if(NOT Python3_EXECUTABLE AND EXISTS /usr/bin/python3)
  set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
find_package(GTest REQUIRED)

# Oracles are small: light optimisation halves the time that Eigen's templates take to compile.
set(KRONSOLVE_TEST_OPTIONS $<$<CONFIG:Release>:-O1>)

# What the precompiled header keeps tests from instantiating: oracles are dear to run and to compile, so these once, and optimised.
add_library(kronsolve_test_instances STATIC "${PROJECT_SOURCE_DIR}/tests/support/instances.cpp")
set_target_properties(kronsolve_test_instances PROPERTIES KRONSOLVE_UNCHECKED ON)
target_link_libraries(kronsolve_test_instances PUBLIC GTest::gtest Eigen3::Eigen PRIVATE kronsolve_warnings kronsolve_build_flags)
target_include_directories(kronsolve_test_instances PUBLIC "${PROJECT_SOURCE_DIR}/tests")

add_library(kronsolve_test_support STATIC "${PROJECT_SOURCE_DIR}/tests/support/mpi_main.cpp")
target_link_libraries(
  kronsolve_test_support
  PUBLIC kronsolve::kronsolve kronsolve_test_instances GTest::gtest Eigen3::Eigen
  PRIVATE kronsolve_warnings kronsolve_build_flags)
target_include_directories(kronsolve_test_support PUBLIC "${PROJECT_SOURCE_DIR}/tests")

# What every test includes, parsed once: GoogleTest and Eigen are seven seconds a file without. Sanitizers check some tests and
# not others, with other options, which a precompiled header does not survive.
if(NOT KRONSOLVE_SANITIZE)
  add_library(kronsolve_test_headers OBJECT "${PROJECT_SOURCE_DIR}/tests/support/headers.cpp")
  target_link_libraries(kronsolve_test_headers PRIVATE kronsolve::kronsolve kronsolve_test_instances kronsolve_warnings
                                                       kronsolve_build_flags OpenMP::OpenMP_CXX)
  target_compile_options(kronsolve_test_headers PRIVATE ${KRONSOLVE_TEST_OPTIONS})
  target_precompile_headers(kronsolve_test_headers PRIVATE <gtest/gtest.h> <Eigen/Dense> <algorithm> <complex> <filesystem>
                            <functional> <map> <memory> <random> <span> <string> <vector> <mpi.h>
                            "${PROJECT_SOURCE_DIR}/tests/support/instances.hpp")
endif()

# What every test runs with: one BLAS thread, more ranks than cores allowed, root allowed, engines of this build. Whether waiting ranks
# yield is left to Open MPI (only where there are more than cores): on a busy machine two ranks that yield are ten times slower and more.
set(KRONSOLVE_TEST_ENVIRONMENT
    OPENBLAS_NUM_THREADS=1
    OMP_WAIT_POLICY=passive
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none
    KRONSOLVE_ENGINE_DIR=${PROJECT_BINARY_DIR}/lib/kronsolve)

# kronsolve_time_limit(VARIABLE SECONDS): what CTest is told, ten times as much with sanitizers.
function(kronsolve_time_limit variable seconds)
  if(KRONSOLVE_SANITIZE)
    math(EXPR seconds "${seconds} * 10")
  endif()
  set(${variable} ${seconds} PARENT_SCOPE)
endfunction()

# kronsolve_test_defaults(KEY=VALUE ...): arg_KEY of a parsed call, where the caller left it out.
macro(kronsolve_test_defaults)
  foreach(default ${ARGN})
    string(REPLACE "=" ";" default ${default})
    list(GET default 0 key)
    list(GET default 1 value)
    if(NOT arg_${key})
      set(arg_${key} ${value})
    endif()
  endforeach()
endmacro()

# kronsolve_test_executable(NAME SUPPORT [LIBS ...]): internal; NAME.cpp becomes test_<layer>_NAME, linked with SUPPORT (what has
# its main). Sets `layer`, `target` and the defaults of what every kind of test takes: COST, TIMEOUT and THREADS.
macro(kronsolve_test_executable name support)
  cmake_parse_arguments(arg "" "COST;TIMEOUT;THREADS;PROCESSORS" "RANKS;MODES;LIBS" ${ARGN})
  get_filename_component(layer "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  kronsolve_test_defaults(COST=quick TIMEOUT=60 THREADS=1)
  set(target test_${layer}_${name})
  add_executable(${target} ${name}.cpp)
  target_compile_options(${target} PRIVATE ${KRONSOLVE_TEST_OPTIONS})
  if(TARGET kronsolve_test_headers)
    target_precompile_headers(${target} REUSE_FROM kronsolve_test_headers)
  endif()
  if(layer MATCHES "operators|solvers|measure")
    # With sanitizers the library is checked; its dense oracles are Eigen's templates, minutes a file.
    set_target_properties(${target} PROPERTIES KRONSOLVE_UNCHECKED ON)
  endif()
  target_link_libraries(${target} PRIVATE ${support} GTest::gtest kronsolve_warnings kronsolve_build_flags OpenMP::OpenMP_CXX
                                          ${arg_LIBS})
endmacro()

# kronsolve_start_test(SUFFIX LABEL [ENVIRONMENT]): internal; <layer>.NAME<SUFFIX> runs the target, on `ranks` ranks unless that is
# empty, and takes `processors`.
macro(kronsolve_start_test suffix label)
  kronsolve_time_limit(limit ${arg_TIMEOUT})
  if(ranks)
    add_test(NAME ${layer}.${name}${suffix} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${target}>)
  else()
    add_test(NAME ${layer}.${name}${suffix} COMMAND ${target})
  endif()
  set_tests_properties(
    ${layer}.${name}${suffix}
    PROPERTIES PROCESSORS ${processors}
               TIMEOUT ${limit}
               LABELS "${layer};${label};${arg_COST}"
               ENVIRONMENT "${KRONSOLVE_TEST_ENVIRONMENT};KRONSOLVE_NUM_THREADS=${arg_THREADS};${ARGN}")
endmacro()

# kronsolve_add_mpi_test(NAME RANKS 1 2 3 4 [COST quick|full|long] [TIMEOUT 60] [THREADS 1] [LIBS ...]): tests <layer>.NAME.npR.
function(kronsolve_add_mpi_test name)
  kronsolve_test_executable(${name} kronsolve_test_support ${ARGN})
  foreach(ranks IN LISTS arg_RANKS)
    math(EXPR processors "${ranks} * ${arg_THREADS}")
    kronsolve_start_test(.np${ranks} np${ranks})
  endforeach()
endfunction()

# kronsolve_add_test(NAME [COST ...] [TIMEOUT ...] [THREADS ...] [LIBS ...]): one plain process, no mpirun.
function(kronsolve_add_test name)
  kronsolve_test_executable(${name} kronsolve_test_support ${ARGN})
  set(ranks "")
  set(processors ${arg_THREADS})
  kronsolve_start_test("" serial)
endfunction()

# How a user of the public headers compiles: for the tests that run the compiler.
list(TRANSFORM MPI_C_INCLUDE_DIRS PREPEND "-I" OUTPUT_VARIABLE _mpi_includes)
set(KRONSOLVE_USER_COMPILE_COMMAND
    "${CMAKE_CXX_COMPILER}" -std=c++20 "-I${PROJECT_SOURCE_DIR}/include" "-I${PROJECT_BINARY_DIR}/include" ${_mpi_includes}
    -DOMPI_SKIP_MPICXX=1 -DMPICH_SKIP_MPICXX=1)

# Tests of pools and sessions: the same executable in several modes. Its main makes the Session first.
add_library(kronsolve_session_test_support STATIC "${PROJECT_SOURCE_DIR}/tests/support/session_main.cpp")
target_link_libraries(
  kronsolve_session_test_support
  PUBLIC kronsolve::kronsolve kronsolve_test_instances GTest::gtest
  PRIVATE kronsolve_warnings kronsolve_build_flags)
target_include_directories(kronsolve_session_test_support PUBLIC "${PROJECT_SOURCE_DIR}/tests")

# kronsolve_add_session_test(NAME MODES dynamic serial threads futures:3 syncro:3 [COST ...] [TIMEOUT ...] [PROCESSORS 2] [LIBS ...])
# A test <layer>.NAME.<mode> per mode; MODE:n runs on n ranks and takes as many processors, `serial` one.
function(kronsolve_add_session_test name)
  kronsolve_test_executable(${name} kronsolve_session_test_support ${ARGN})
  kronsolve_test_defaults(PROCESSORS=2)
  foreach(entry IN LISTS arg_MODES)
    string(REGEX MATCH "^([a-z]+):?([0-9]*)$" matched ${entry})
    set(mode ${CMAKE_MATCH_1})
    set(ranks ${CMAKE_MATCH_2})
    set(processors ${arg_PROCESSORS})
    if(ranks)
      set(processors ${ranks})
    elseif(mode STREQUAL "serial")
      set(processors 1)
    endif()
    kronsolve_start_test(.${mode}${ranks} ${mode} KRONSOLVE_MODE=${mode})
  endforeach()
endfunction()
