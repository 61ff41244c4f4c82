#pragma once

#include <memory>
#include <string>

#include <pybind11/pybind11.h>

#include <kronsolve/core/error.hpp>

namespace kronsolve::python {

/// A callable of the user threw: our one line, with his exception as the cause where that is in this
/// process. Other ranks get the line alone.
class CallableFailed : public InvalidArgument {
 public:
  CallableFailed(const std::string& text, pybind11::object cause)
      : InvalidArgument(text),
        cause_(new pybind11::object(std::move(cause)), [](pybind11::object* kept) {
          const pybind11::gil_scoped_acquire locked;
          delete kept;
        }) {}
  const pybind11::object& cause() const { return *cause_; }

 private:
  std::shared_ptr<pybind11::object> cause_;
};

/// Calls f(), which runs Python with the lock held. What Python throws becomes CallableFailed, but
/// for what ends programs (KeyboardInterrupt, SystemExit).
template <class F>
auto calling(const char* what, F&& f) {
  try {
    return f();
  } catch (pybind11::error_already_set& e) {
    if (!e.matches(PyExc_Exception)) throw;
    const auto name = pybind11::str(e.type().attr("__name__")).cast<std::string>();
    const auto text = pybind11::str(e.value()).cast<std::string>();
    if (e.trace()) PyException_SetTraceback(e.value().ptr(), e.trace().ptr());
    throw CallableFailed(detail::concat(what, " threw ", name, text.empty() ? "" : ": ", text),
                         e.value());
  }
}

}  // namespace kronsolve::python
