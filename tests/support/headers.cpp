// Nothing but the precompiled header of all tests: scripts/cmake/KronsolveTesting.cmake says what is in it.
