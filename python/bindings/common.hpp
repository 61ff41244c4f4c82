#pragma once
// What all bindings share: how options are read, how long calls let go of the interpreter, how arrays of results are handed on.

#include <complex>
#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <pybind11/complex.h>
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/core/interruption.hpp>
#include <kronsolve/core/scalar.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/operators/distributed_vectors.hpp>

namespace kronsolve::python {

namespace py = pybind11;

/// Looks whether Ctrl-C was pressed, at most twenty times a second; throws KeyboardInterrupt.
std::function<void()> ask_interpreter();

/// Runs f() without the interpreter's lock; Ctrl-C ends it between two products, and so does what
/// `check` throws. OpenMP keeps its number of threads for each thread of Python apart: all get the
/// one that `set_threads` said.
template <class F, class Check>
auto computing(F&& f, Check check) {
  const py::gil_scoped_release released;
  const ThreadShare share(num_threads());
  const InterruptionCheck interruption([check, ask = ask_interpreter()] {
    check();
    ask();
  });
  return f();
}
template <class F>
auto computing(F&& f) {
  return computing(std::forward<F>(f), [] {});
}

/// The value among `all` whose text it is.
/// @throws InvalidArgument  naming them
template <class E>
E parse_word(const std::string& text, std::string_view what, const std::vector<E>& all) {
  std::string allowed;
  for (const E value : all) {
    if (to_string(value) == text) return value;
    allowed += (allowed.empty() ? "" : ", ") + std::string(to_string(value));
  }
  throw InvalidArgument(detail::concat(what, " must be one of ", allowed, ", got '", text, "'"));
}

/// Options by their names; what was not given keeps its default.
class Options {
 public:
  explicit Options(const py::dict& given) : given_(given) {}

  template <class T>
  void read(const char* name, T& into) const {
    if (!given_.contains(name)) return;
    try {
      into = given_[name].template cast<T>();
    } catch (const py::cast_error&) {
      throw InvalidArgument(detail::concat(
          "option ", name, ": ", std::string(py::repr(given_[name])), " is not of the right type"));
    }
  }
  template <class E>
  void read(const char* name, E& into, const std::vector<E>& all) const {
    std::string text;
    read(name, text);
    if (!text.empty()) into = parse_word(text, name, all);
  }

 private:
  const py::dict& given_;
};

/// What an array holds, as T and in one run; copied where it is not so already. Without `forcecast`
/// among the flags nothing is converted that would lose digits.
/// @throws InvalidArgument  it cannot be
template <class T, int flags = py::array::c_style | py::array::forcecast>
py::array_t<T, flags> numbers_of(const py::handle& given, std::string_view what) {
  auto values = py::array_t<T, flags>::ensure(given);
  if (!values)
    throw InvalidArgument(detail::concat(
        what, " must be ", std::string(py::str(py::dtype::of<T>())), ", got ",
        std::string(py::str(py::getattr(given, "dtype", py::type::handle_of(given))))));
  return values;
}

/// An array that refers to `values`, kept alive by `owner`; 1-D.
template <class T>
py::array_t<T> shared_array(std::span<T> values, const py::object& owner) {
  return py::array_t<T>({static_cast<py::ssize_t>(values.size())}, {py::ssize_t(sizeof(T))},
                        values.data(), owner);
}

/// An array that owns what is moved into it.
template <class Container>
auto array_of(Container values) {
  using T = typename Container::value_type;
  auto* const kept = new Container(std::move(values));
  const py::capsule owner(kept, [](void* p) { delete static_cast<Container*>(p); });
  return py::array_t<T>({static_cast<py::ssize_t>(kept->size())}, {py::ssize_t(sizeof(T))},
                        kept->data(), owner);
}

template <Scalar T>
py::array_t<T> array_of(Buffer<T> values) {
  auto* const kept = new Buffer<T>(std::move(values));
  const py::capsule owner(kept, [](void* p) { delete static_cast<Buffer<T>*>(p); });
  return shared_array(kept->span(), owner);
}

/// The columns as arrays that share the memory of the vectors, and keep it.
template <Scalar T>
py::list columns_of(DistributedVectors<T> vectors) {
  auto* const kept = new DistributedVectors<T>(std::move(vectors));
  const py::capsule owner(kept, [](void* p) { delete static_cast<DistributedVectors<T>*>(p); });
  py::list columns;
  for (index_t j = 0; j < kept->count(); ++j) columns.append(shared_array(kept->column(j), owner));
  return columns;
}
template <class... Kinds>
py::list columns_of(std::variant<Kinds...> vectors) {
  return std::visit([](auto& v) { return columns_of(std::move(v)); }, vectors);
}

/// The dtype of a scalar.
inline py::dtype dtype_of(ScalarKind kind) {
  return kind == ScalarKind::real ? py::dtype::of<double>() : py::dtype::of<std::complex<double>>();
}

/// Deleted with the interpreter's lock, by whoever comes last.
inline std::shared_ptr<py::object> shared_object(py::object object) {
  return {new py::object(std::move(object)), [](py::object* kept) {
            const py::gil_scoped_acquire locked;
            delete kept;
          }};
}

using SharedComm = std::shared_ptr<const Comm>;
/// This process alone.
const SharedComm& alone();

void bind_core(py::module_& m);
void bind_operators(py::module_& m);
void bind_solvers(py::module_& m);
void bind_measure(py::module_& m);
void bind_session(py::module_& m);
void bind_drives(py::module_& m);
void bind_files(py::module_& m);

}  // namespace kronsolve::python
