// Errors, communicators, threads, memory.

#include <chrono>

#include <mpi.h>

#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>
#include <kronsolve/core/version.hpp>
#include <kronsolve/core/warning.hpp>
#include <kronsolve/exec/errors.hpp>

#include "common.hpp"
#include "python_error.hpp"

namespace kronsolve::python {

namespace {

void raise(const char* type, const char* text) {
  const py::object error = py::module_::import("kronsolve.errors").attr(type);
  PyErr_SetString(error.ptr(), text);
}

/// What a callable of the user threw is the cause of ours.
void raise_with_cause(const char* text, const py::object& cause) {
  const py::object type = py::module_::import("kronsolve.errors").attr("InvalidArgument");
  const py::object error = type(text);
  PyException_SetCause(error.ptr(), py::object(cause).release().ptr());
  PyErr_SetObject(type.ptr(), error.ptr());
}

/// Without MPI's library the modules that want it cannot be loaded; the loader's words do not say so.
std::string why_not_loaded(std::string_view text) {
  const bool of_a_module = text.find(".so") != text.npos;
  if (!of_a_module || !py::module_::import("kronsolve._mpi").attr("missing").cast<bool>())
    return "";
  return "; this process has no MPI, which it needs: install it (Debian: libopenmpi3) and start "
         "anew";
}

void translate(std::exception_ptr thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const CallableFailed& e) {
    raise_with_cause(e.what(), e.cause());
  } catch (const DimensionError& e) {
    raise("DimensionError", e.what());
  } catch (const InvalidArgument& e) {
    raise("InvalidArgument", e.what());
  } catch (const NotSupported& e) {
    raise("NotSupported", (e.what() + why_not_loaded(e.what())).c_str());
  } catch (const NotConverged& e) {
    raise("NotConverged", e.what());
  } catch (const EngineError& e) {
    raise("EngineError", e.what());
  } catch (const MpiError& e) {
    raise("MpiError", e.what());
  } catch (const IoError& e) {
    raise("IoError", e.what());
  } catch (const Cancelled& e) {
    raise("Cancelled", e.what());
  } catch (const TaskTimeout& e) {
    raise("TaskTimeout", e.what());
  } catch (const TimeoutError& e) {
    raise("TimeoutError", e.what());
  } catch (const WorkerDied& e) {
    raise("WorkerDied", e.what());
  } catch (const BrokenPool& e) {
    raise("BrokenPool", e.what());
  } catch (const Error& e) {
    raise("Error", e.what());
  }
}

/// @param address  of an MPI_Comm, as mpi4py tells it
SharedComm comm_at(std::uintptr_t address, std::size_t handle_bytes) {
  if (handle_bytes != sizeof(MPI_Comm))
    throw NotSupported(
        "comm: mpi4py was built for another MPI library than kronsolve; install both for the same "
        "one");
  if (!Environment::running())
    throw InvalidArgument("comm: MPI is not running; import mpi4py.MPI before");
  const MPI_Comm raw = *reinterpret_cast<const MPI_Comm*>(address);
  if (raw == MPI_COMM_NULL)
    throw InvalidArgument("comm: it is MPI.COMM_NULL; give a communicator of this process");
  return computing([&] { return std::make_shared<const Comm>(raw); });
}

}  // namespace

std::function<void()> ask_interpreter() {
  using Clock = std::chrono::steady_clock;
  return [next = Clock::now()]() mutable {
    const auto now = Clock::now();
    if (now < next) return;
    next = now + std::chrono::milliseconds(50);
    const py::gil_scoped_acquire locked;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  };
}

const SharedComm& alone() {
  static const SharedComm comm = std::make_shared<const Comm>(Comm::serial());
  return comm;
}

void bind_core(py::module_& m) {
  py::register_exception_translator(&translate);
  py::class_<Comm, std::shared_ptr<Comm>>(m, "Comm")
      .def_property_readonly("rank", &Comm::rank)
      .def_property_readonly("size", &Comm::size);
  m.def("comm_at", [](std::uintptr_t address, std::size_t bytes) {
    return std::const_pointer_cast<Comm>(comm_at(address, bytes));
  });
  m.def("zeros", [](index_t size, bool complex) -> py::array {
    if (complex) return array_of(computing([&] { return Buffer<std::complex<double>>(size); }));
    return array_of(computing([&] { return Buffer<double>(size); }));
  });
  m.def("version", [] { return std::string(version()); });
  m.def("launched_by_mpi", &launched_by_mpi);
  m.def("mpi_running", &Environment::running);
  m.def("num_threads", &num_threads);
  m.def("set_threads", &set_threads);
  m.def("available_cores", &available_cores);
  m.def("available_memory", &available_memory);
  m.def("peak_resident_memory", &peak_resident_memory);
  m.def("format_bytes", &format_bytes);
}

}  // namespace kronsolve::python
