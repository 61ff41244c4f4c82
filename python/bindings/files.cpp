// Files of the program, for reading.

#include <kronsolve/core/hdf5_file.hpp>
#include <kronsolve/core/large_vector.hpp>

#include "common.hpp"

namespace kronsolve::python {

namespace {

/// (dtype, vectors, rows) of an array of the file.
py::tuple facts(const Hdf5File& file, const std::string& name) {
  const auto vector = file.vector(name);
  return py::make_tuple(dtype_of(vector.scalar), vector.count, vector.rows);
}

/// Rows [begin, end) of one vector of an array.
py::array rows(const Hdf5File& file, const std::string& name, index_t column, index_t begin,
               index_t end) {
  const auto vector = file.vector(name);
  if (column < 0 || column >= vector.count || begin < 0 || begin > end || end > vector.rows)
    throw InvalidArgument(detail::concat("'", file.path(), "': ", name, " has ", vector.count,
                                         " vectors of ", vector.rows, " rows"));
  return visit_scalar(vector.scalar, [&]<Scalar T>() -> py::array {
    LargeVector<T> values(static_cast<std::size_t>(end - begin));
    file.read_rows<T>(name, column, begin, values);
    return array_of(std::move(values));
  });
}

}  // namespace

void bind_files(py::module_& m) {
  py::class_<Hdf5File>(m, "SavedFile")
      .def(py::init([](const std::string& path) {
        const py::gil_scoped_release released;  // all of it is compared with its checksum
        return Hdf5File::open(path);
      }))
      .def("text", &Hdf5File::text)
      .def("facts", &facts)
      .def("rows", &rows);
}

}  // namespace kronsolve::python
