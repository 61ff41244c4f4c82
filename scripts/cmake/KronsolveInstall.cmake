# What is installed: the library, its headers, the package files for CMake and pkg-config. The engines and the program install
# themselves. Everything can be moved as a whole: paths are relative. The components: library, engines, development, program.
include(CMakePackageConfigHelpers)

install(
  TARGETS kronsolve
  EXPORT kronsolveTargets
  LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library NAMELINK_COMPONENT development
  INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/kronsolve" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development
        FILES_MATCHING PATTERN "*.hpp")
install(FILES "${PROJECT_BINARY_DIR}/include/kronsolve/export.hpp" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/kronsolve"
        COMPONENT development)

set(_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/kronsolve")
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/kronsolveConfig.cmake.in" "${PROJECT_BINARY_DIR}/kronsolveConfig.cmake"
                              INSTALL_DESTINATION "${_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/kronsolveConfigVersion.cmake" COMPATIBILITY SameMajorVersion)
install(EXPORT kronsolveTargets NAMESPACE kronsolve:: DESTINATION "${_package_dir}" COMPONENT development)
export(EXPORT kronsolveTargets NAMESPACE kronsolve:: FILE "${PROJECT_BINARY_DIR}/kronsolveTargets.cmake")
install(FILES "${PROJECT_BINARY_DIR}/kronsolveConfig.cmake" "${PROJECT_BINARY_DIR}/kronsolveConfigVersion.cmake"
        DESTINATION "${_package_dir}" COMPONENT development)

# pkg-config: the flags of MPI are those that CMake found.
set(_pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
file(RELATIVE_PATH KRONSOLVE_PC_TO_PREFIX "/${_pc_dir}" "/")
string(REGEX REPLACE "/$" "" KRONSOLVE_PC_TO_PREFIX "${KRONSOLVE_PC_TO_PREFIX}")
list(TRANSFORM MPI_C_INCLUDE_DIRS PREPEND "-I" OUTPUT_VARIABLE _mpi_cflags)
list(JOIN _mpi_cflags " " KRONSOLVE_PC_MPI_CFLAGS)
list(JOIN MPI_C_LIBRARIES " " KRONSOLVE_PC_MPI_LIBS)
configure_file("${CMAKE_CURRENT_LIST_DIR}/kronsolve.pc.in" "${PROJECT_BINARY_DIR}/kronsolve.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/kronsolve.pc" DESTINATION "${_pc_dir}" COMPONENT development)
