# Targets and functions that every folder uses: the warnings, the object library of a layer.

add_library(kronsolve_warnings INTERFACE)
target_compile_options(kronsolve_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
                                                    $<$<BOOL:${KRONSOLVE_WERROR}>:-Werror>)

# GCC 12 warns of overlapping copies inside std::string where there are none (its bug 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(kronsolve_warnings INTERFACE -Wno-restrict)
endif()

# What every target of the project is compiled with; linked PRIVATE, never exported.
add_library(kronsolve_build_flags INTERFACE)
target_compile_features(kronsolve_build_flags INTERFACE cxx_std_20)
set(_assert_levels off cheap full)
list(FIND _assert_levels "${KRONSOLVE_ASSERTS}" _assert_level)
if(_assert_level EQUAL -1)
  message(FATAL_ERROR "KRONSOLVE_ASSERTS must be off, cheap or full, got '${KRONSOLVE_ASSERTS}'")
endif()
target_compile_definitions(kronsolve_build_flags INTERFACE KRONSOLVE_ASSERT_LEVEL=${_assert_level})
if(KRONSOLVE_SANITIZE)
  set(_checked $<NOT:$<BOOL:$<TARGET_PROPERTY:KRONSOLVE_UNCHECKED>>>)
  target_compile_options(kronsolve_build_flags INTERFACE $<${_checked}:-fsanitize=${KRONSOLVE_SANITIZE}>
                                                         -fno-omit-frame-pointer)
  target_link_options(kronsolve_build_flags INTERFACE -fsanitize=${KRONSOLVE_SANITIZE})
endif()

# kronsolve_measure_coverage(TARGET): counts which of its lines run (scripts/coverage), if it is among those asked for.
function(kronsolve_measure_coverage target)
  string(REGEX REPLACE "^kronsolve_" "" name ${target})
  if(KRONSOLVE_COVERAGE STREQUAL "all" OR name IN_LIST KRONSOLVE_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic -O1)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# kronsolve_add_layer(NAME SOURCES...): one object library per layer, all of them linked into libkronsolve.
function(kronsolve_add_layer name)
  add_library(kronsolve_${name} OBJECT ${ARGN})
  set_target_properties(
    kronsolve_${name}
    PROPERTIES POSITION_INDEPENDENT_CODE ON
               CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON)
  target_compile_definitions(kronsolve_${name} PRIVATE kronsolve_EXPORTS
                             PUBLIC OMPI_SKIP_MPICXX=1 MPICH_SKIP_MPICXX=1)
  target_include_directories(
    kronsolve_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include" "${PROJECT_BINARY_DIR}/include"
    PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(
    kronsolve_${name}
    PUBLIC MPI::MPI_C cereal::cereal
    PRIVATE kronsolve_warnings kronsolve_build_flags OpenMP::OpenMP_CXX)
  target_compile_options(kronsolve_${name} PRIVATE -Wconversion -Wno-sign-conversion)
  kronsolve_measure_coverage(kronsolve_${name})
endfunction()

# kronsolve_module(TARGET COMPONENT): a module that the library loads on first use, from the folder `kronsolve` beside it.
function(kronsolve_module target component)
  target_link_libraries(${target} PRIVATE kronsolve_warnings kronsolve_build_flags)
  kronsolve_measure_coverage(${target})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/src")
  set_target_properties(
    ${target}
    PROPERTIES PREFIX ""
               CXX_EXTENSIONS OFF
               CXX_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/lib/kronsolve"
               INSTALL_RPATH "$ORIGIN/.."
               INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS ${target} LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/kronsolve" COMPONENT ${component})
endfunction()
