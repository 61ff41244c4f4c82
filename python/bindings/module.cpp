// The compiled part of the package; what users see is Python, in python/kronsolve.

#include "common.hpp"

PYBIND11_MODULE(_core, m) {
  using namespace kronsolve::python;
  bind_core(m);
  bind_operators(m);
  bind_solvers(m);
  bind_measure(m);
  bind_session(m);
  bind_drives(m);
  bind_files(m);
}
