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
find_package(Eigen3 3.4 REQUIRED)

add_library(kronsolve_test_support STATIC "${PROJECT_SOURCE_DIR}/tests/support/mpi_main.cpp")
target_link_libraries(
  kronsolve_test_support
  PUBLIC kronsolve::kronsolve GTest::gtest Eigen3::Eigen
  PRIVATE kronsolve_warnings kronsolve_build_flags)
target_include_directories(kronsolve_test_support PUBLIC "${PROJECT_SOURCE_DIR}/tests")

# What every test runs with: one BLAS thread, more ranks than cores allowed, root allowed, engines of this build.
set(KRONSOLVE_TEST_ENVIRONMENT
    OPENBLAS_NUM_THREADS=1
    OMP_WAIT_POLICY=passive
    OMPI_ALLOW_RUN_AS_ROOT=1
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    OMPI_MCA_rmaps_base_oversubscribe=1
    OMPI_MCA_hwloc_base_binding_policy=none
    OMPI_MCA_mpi_yield_when_idle=1
    KRONSOLVE_ENGINE_DIR=${PROJECT_BINARY_DIR}/lib/kronsolve)

# kronsolve_test_executable(NAME SOURCE): internal; the executable of a test.
function(kronsolve_test_executable target source)
  add_executable(${target} ${source})
  # Oracles are small: light optimisation halves the time that Eigen's templates take to compile.
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${target} PRIVATE kronsolve_test_support GTest::gtest kronsolve_warnings
                                          kronsolve_build_flags OpenMP::OpenMP_CXX)
endfunction()

# kronsolve_add_mpi_test(NAME RANKS 1 2 3 4 [COST quick|full|long] [TIMEOUT 60] [THREADS 1] [LIBS ...])
# NAME.cpp in the calling folder becomes test_<layer>_NAME and tests <layer>.NAME.npR.
function(kronsolve_add_mpi_test name)
  cmake_parse_arguments(arg "" "COST;TIMEOUT;THREADS" "RANKS;LIBS" ${ARGN})
  get_filename_component(layer "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  if(NOT arg_COST)
    set(arg_COST quick)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  if(NOT arg_THREADS)
    set(arg_THREADS 1)
  endif()
  set(target test_${layer}_${name})
  kronsolve_test_executable(${target} ${name}.cpp)
  if(arg_LIBS)
    target_link_libraries(${target} PRIVATE ${arg_LIBS})
  endif()
  foreach(ranks IN LISTS arg_RANKS)
    set(test ${layer}.${name}.np${ranks})
    add_test(NAME ${test} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks}
                                  $<TARGET_FILE:${target}>)
    math(EXPR processors "${ranks} * ${arg_THREADS}")
    set_tests_properties(
      ${test}
      PROPERTIES PROCESSORS ${processors}
                 TIMEOUT ${arg_TIMEOUT}
                 LABELS "${layer};np${ranks};${arg_COST}"
                 ENVIRONMENT "${KRONSOLVE_TEST_ENVIRONMENT};KRONSOLVE_NUM_THREADS=${arg_THREADS}")
  endforeach()
endfunction()

# kronsolve_add_test(NAME [COST ...] [TIMEOUT ...] [THREADS ...] [LIBS ...]): one plain process, no mpirun.
function(kronsolve_add_test name)
  cmake_parse_arguments(arg "" "COST;TIMEOUT;THREADS" "LIBS" ${ARGN})
  get_filename_component(layer "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  if(NOT arg_COST)
    set(arg_COST quick)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  if(NOT arg_THREADS)
    set(arg_THREADS 1)
  endif()
  set(target test_${layer}_${name})
  kronsolve_test_executable(${target} ${name}.cpp)
  if(arg_LIBS)
    target_link_libraries(${target} PRIVATE ${arg_LIBS})
  endif()
  add_test(NAME ${layer}.${name} COMMAND ${target})
  set_tests_properties(
    ${layer}.${name}
    PROPERTIES PROCESSORS ${arg_THREADS}
               TIMEOUT ${arg_TIMEOUT}
               LABELS "${layer};serial;${arg_COST}"
               ENVIRONMENT "${KRONSOLVE_TEST_ENVIRONMENT};KRONSOLVE_NUM_THREADS=${arg_THREADS}")
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
  PUBLIC kronsolve::kronsolve GTest::gtest
  PRIVATE kronsolve_warnings kronsolve_build_flags)
target_include_directories(kronsolve_session_test_support PUBLIC "${PROJECT_SOURCE_DIR}/tests")

# kronsolve_add_session_test(NAME MODES dynamic serial threads futures:3 syncro:3 [COST ...] [TIMEOUT ...])
# NAME.cpp becomes test_<layer>_NAME and a test <layer>.NAME.<mode> per mode; MODE:n runs on n ranks.
function(kronsolve_add_session_test name)
  cmake_parse_arguments(arg "" "COST;TIMEOUT" "MODES;LIBS" ${ARGN})
  get_filename_component(layer "${CMAKE_CURRENT_SOURCE_DIR}" NAME)
  if(NOT arg_COST)
    set(arg_COST quick)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(target test_${layer}_${name})
  add_executable(${target} ${name}.cpp)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  target_link_libraries(${target} PRIVATE kronsolve_session_test_support GTest::gtest kronsolve_warnings
                                          kronsolve_build_flags OpenMP::OpenMP_CXX ${arg_LIBS})
  foreach(entry IN LISTS arg_MODES)
    string(REPLACE ":" ";" parts ${entry})
    list(GET parts 0 mode)
    list(LENGTH parts length)
    if(length EQUAL 2)
      list(GET parts 1 ranks)
      set(test ${layer}.${name}.${mode}${ranks})
      add_test(NAME ${test} COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} ${ranks} $<TARGET_FILE:${target}>)
    else()
      set(ranks 2)
      set(test ${layer}.${name}.${mode})
      add_test(NAME ${test} COMMAND ${target})
    endif()
    set_tests_properties(
      ${test}
      PROPERTIES PROCESSORS ${ranks}
                 TIMEOUT ${arg_TIMEOUT}
                 LABELS "${layer};${mode};${arg_COST}"
                 ENVIRONMENT "${KRONSOLVE_TEST_ENVIRONMENT};KRONSOLVE_NUM_THREADS=1;KRONSOLVE_MODE=${mode}")
  endforeach()
endfunction()
