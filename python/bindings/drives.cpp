// Operators that depend on time: functions of time and what they multiply.

#include <cmath>

#include <kronsolve/operators/op_file.hpp>

#include "operator.hpp"
#include "python_error.hpp"

namespace kronsolve::python {

namespace {

/// A function of Python; it is called where the solver runs, with the lock.
TimeFunction of_callable(const py::object& f) {
  const auto call = shared_object(f);
  const std::string text = detail::concat(
      "function ",
      py::str(py::getattr(f, "__name__", py::type::of(f).attr("__name__"))).cast<std::string>());
  const auto value = [call, text](double t) {
    const py::gil_scoped_acquire locked;
    return calling("a drive", [&] {
      const py::object given = (*call)(t);
      const double number = PyFloat_AsDouble(given.ptr());
      if (PyErr_Occurred() != nullptr) throw py::error_already_set();
      if (std::isfinite(number)) return number;
      throw InvalidArgument(detail::concat("a drive: ", text, " is ", number, " at t = ", t));
    });
  };
  return {text, value, {}};
}

/// (operator, [(formula or points, operator)], values of the names in formulas)
py::tuple read_driven_file(const std::string& path,
                           const std::map<std::string, std::string>& parameters) {
  const std::map<std::string, ModelValue> given(parameters.begin(), parameters.end());
  auto file = computing([&] { return read_operator_file(*alone(), path, given); });
  py::list drives;
  std::map<std::string, double> values;
  for (auto& drive : file.drives) {
    const auto& f = drive.function;
    values.insert(f.values.begin(), f.values.end());
    const py::object what = f.points.empty() ? py::cast(f.formula) : py::cast(f.points);
    drives.append(
        py::make_tuple(what, std::make_shared<Operator>(std::move(drive.op), file.lattice)));
  }
  return py::make_tuple(std::make_shared<Operator>(std::move(file.op), std::move(file.lattice)),
                        drives, values);
}

}  // namespace

void bind_drives(py::module_& m) {
  py::class_<TimeFunction>(m, "TimeFunction")
      .def_readonly("text", &TimeFunction::text)
      .def("__call__", [](const TimeFunction& f, double t) { return f.value(t); });
  m.def("time_formula", &time_formula);
  m.def("time_table", &time_table);
  m.def("time_callable", &of_callable);
  py::class_<Drive>(m, "Drive").def(py::init([](const TimeFunction& f, const Operator& a) {
    return Drive{f, a.op("a drive")};
  }));
  m.def("read_driven_file", &read_driven_file);
}

}  // namespace kronsolve::python
