# Debian packages by CPack: scripts/package. What goes where says the COMPONENT of each install().
#
# The build must be one for the prefix /usr (the preset `package`): the folder of libraries follows from it.

find_program(KRONSOLVE_GZIP gzip)
if(NOT KRONSOLVE_GZIP OR NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  return()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME kronsolve)
set(CPACK_PACKAGE_VENDOR "the kronsolve authors")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL library engines development program)
if(KRONSOLVE_PYTHON_FOUND)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_STRIP_FILES ON)
set(CPACK_OUTPUT_FILE_PREFIX "${PROJECT_BINARY_DIR}/packages")
# Folders of packages are 755 whoever builds them.
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_MAINTAINER "the kronsolve authors <authors@kronsolve.invalid>")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}/lib")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SECTION science)

set(_library libkronsolve${PROJECT_VERSION_MAJOR})
set(_same "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(_about "kronsolve finds eigenpairs, singular triplets and time evolutions of large\n\
sparse operators with Kronecker structure, above all Hamiltonians of spin\n\
chains and lattices, on a laptop, a node or a cluster.\n\n")

# kronsolve_package(COMPONENT NAME SECTION DEPENDS SYNOPSIS WHAT): one package and the files that every package has.
macro(kronsolve_package component name section depends synopsis what)
  string(TOUPPER ${component} _upper)
  set(CPACK_DEBIAN_${_upper}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${_upper}_PACKAGE_SECTION ${section})
  set(CPACK_DEBIAN_${_upper}_PACKAGE_DEPENDS "${depends}")
  set(CPACK_DEBIAN_${_upper}_DESCRIPTION "${synopsis}\n${_about}${what}")
  install(FILES "${PROJECT_SOURCE_DIR}/scripts/packages/debian/copyright" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${name}"
          COMPONENT ${component})
  install(FILES "${PROJECT_BINARY_DIR}/changelog.gz" "${PROJECT_BINARY_DIR}/changelog.Debian.gz"
          DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${name}" COMPONENT ${component})
endmacro()

execute_process(COMMAND "${KRONSOLVE_GZIP}" -9nc "${PROJECT_SOURCE_DIR}/CHANGELOG.md" OUTPUT_FILE "${PROJECT_BINARY_DIR}/changelog.gz"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${KRONSOLVE_GZIP}" -9nc "${PROJECT_SOURCE_DIR}/scripts/packages/debian/changelog"
                OUTPUT_FILE "${PROJECT_BINARY_DIR}/changelog.Debian.gz" COMMAND_ERROR_IS_FATAL ANY)

kronsolve_package(library ${_library} libs "" "solvers for operators with Kronecker structure - library"
                  "This package has the shared library. What PETSc and SLEPc do for it is in\nthe package kronsolve-engines.")
kronsolve_package(engines kronsolve-engines science "${_library} ${_same}" "solvers for operators with Kronecker structure - PETSc and SLEPc"
                  "This package has the modules that call PETSc and SLEPc, for real and for\ncomplex matrices. They are loaded when a solve wants them.")
kronsolve_package(development libkronsolve-dev libdevel "${_library} ${_same}, libopenmpi-dev, libcereal-dev"
                  "solvers for operators with Kronecker structure - development"
                  "This package has the headers and the files for CMake and pkg-config.")
kronsolve_package(program kronsolve science "${_library} ${_same}, openmpi-bin" "solvers for operators with Kronecker structure - program"
                  "This package has the program with its man page and the completion of its\ncommand lines.")
if(KRONSOLVE_PYTHON_FOUND)
  math(EXPR _next "${Python_VERSION_MINOR} + 1") # the compiled part is for one version
  kronsolve_package(python python3-kronsolve python
                    "${_library} ${_same}, python3 (>= 3.${Python_VERSION_MINOR}), python3 (<< 3.${_next}), python3-numpy"
                    "solvers for operators with Kronecker structure - Python 3"
                    "This package has the module kronsolve for Python 3.")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "kronsolve ${_same}, kronsolve-engines ${_same}, python3-scipy, python3-mpi4py")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/scripts/packages/debian/python/postinst"
                                                "${PROJECT_SOURCE_DIR}/scripts/packages/debian/python/prerm")
endif()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/scripts/packages/debian/triggers")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "kronsolve-engines ${_same}, gnuplot-nox")

include(CPack)
