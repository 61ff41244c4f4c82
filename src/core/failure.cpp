#include <cstdlib>
#include <memory>
#include <new>
#include <typeinfo>

#include <cxxabi.h>

#include <kronsolve/core/failure.hpp>

namespace kronsolve {

RemoteOrigin::~RemoteOrigin() = default;
RemoteError::~RemoteError() = default;

std::string RemoteOrigin::text() const {
  return detail::concat(type_, " on worker ", worker_, " (", host_, ")");
}

const RemoteOrigin* remote_origin(const std::exception& error) noexcept {
  return dynamic_cast<const RemoteOrigin*>(&error);
}

namespace detail {

std::string demangled(const char* name) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
  return status == 0 && text ? text.get() : name;
}

}  // namespace detail

namespace {

std::string current_type() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  return type == nullptr ? "unknown" : detail::demangled(type->name());
}

/// An exception of class E that also says where it came from.
template <class E>
class RemoteCopy final : public E, public RemoteOrigin {
 public:
  template <class... Args>
  explicit RemoteCopy(RemoteOrigin origin, Args&&... args)
      : E(std::forward<Args>(args)...), RemoteOrigin(std::move(origin)) {}
};

/// Calls `raise.template operator()<E>(constructor arguments)` for the class the failure names;
/// false if it is unknown.
template <class Raise>
bool dispatch(const Failure& f, Raise&& raise) {
  using Kind = Failure::Kind;
  switch (f.kind) {
    case Kind::error:
      return raise.template operator()<Error>(f.text), true;
    case Kind::dimension:
      return raise.template operator()<DimensionError>(f.text), true;
    case Kind::invalid:
      return raise.template operator()<InvalidArgument>(f.text), true;
    case Kind::unsupported:
      return raise.template operator()<NotSupported>(f.text), true;
    case Kind::unconverged:
      return raise.template operator()<NotConverged>(f.text), true;
    case Kind::engine:
      return raise.template operator()<EngineError>(f.code, f.text), true;
    case Kind::mpi:
      return raise.template operator()<MpiError>(f.code, f.text), true;
    case Kind::io:
      return raise.template operator()<IoError>(f.path, f.text), true;
    case Kind::memory:
      return raise.template operator()<std::bad_alloc>(), true;
    case Kind::runtime:
      return raise.template operator()<std::runtime_error>(f.text), true;
    case Kind::logic:
      return raise.template operator()<std::logic_error>(f.text), true;
    case Kind::invalid_argument:
      return raise.template operator()<std::invalid_argument>(f.text), true;
    case Kind::out_of_range:
      return raise.template operator()<std::out_of_range>(f.text), true;
    case Kind::length:
      return raise.template operator()<std::length_error>(f.text), true;
    case Kind::domain:
      return raise.template operator()<std::domain_error>(f.text), true;
    case Kind::range:
      return raise.template operator()<std::range_error>(f.text), true;
    case Kind::overflow:
      return raise.template operator()<std::overflow_error>(f.text), true;
    case Kind::underflow:
      return raise.template operator()<std::underflow_error>(f.text), true;
    case Kind::none:
    case Kind::other:
      break;
  }
  return false;
}

/// True if the class of `e` is exactly E, here or where `e` was thrown.
template <class E>
bool is(const std::exception& e) {
  const std::type_info& t = typeid(e);
  return t == typeid(E) || t == typeid(RemoteCopy<E>);
}

/// The kind of an exception whose dynamic class is exactly a known one; a class derived from it is
/// `other`, because only its base could be rebuilt here and a handler must not be led to believe
/// that it has the class itself.
Failure::Kind exact_kind(const std::exception& e) {
  using Kind = Failure::Kind;
  if (is<std::runtime_error>(e)) return Kind::runtime;
  if (is<std::logic_error>(e)) return Kind::logic;
  if (is<std::invalid_argument>(e)) return Kind::invalid_argument;
  if (is<std::out_of_range>(e)) return Kind::out_of_range;
  if (is<std::length_error>(e)) return Kind::length;
  if (is<std::domain_error>(e)) return Kind::domain;
  if (is<std::range_error>(e)) return Kind::range;
  if (is<std::overflow_error>(e)) return Kind::overflow;
  if (is<std::underflow_error>(e)) return Kind::underflow;
  return Kind::other;
}

}  // namespace

Failure Failure::current() {
  std::string type = current_type();
  try {
    throw;
  } catch (const RemoteOrigin& e) {
    type = e.type();  // passed on: its class is the one it had where it was thrown
  } catch (...) {
  }
  try {
    throw;
  } catch (const DimensionError& e) {
    return {Kind::dimension, 0, e.what(), {}, type};
  } catch (const InvalidArgument& e) {
    return {Kind::invalid, 0, e.what(), {}, type};
  } catch (const NotSupported& e) {
    return {Kind::unsupported, 0, e.what(), {}, type};
  } catch (const NotConverged& e) {
    return {Kind::unconverged, 0, e.what(), {}, type};
  } catch (const EngineError& e) {
    return {Kind::engine, e.code(), e.what(), {}, type};
  } catch (const MpiError& e) {
    return {Kind::mpi, e.code(), e.what(), {}, type};
  } catch (const IoError& e) {
    return {Kind::io, 0, e.what(), e.path(), type};
  } catch (const Error& e) {
    return {is<Error>(e) ? Kind::error : Kind::other, 0, e.what(), {}, type};
  } catch (const std::bad_alloc& e) {
    return {Kind::memory, 0, e.what(), {}, type};
  } catch (const std::exception& e) {
    return {exact_kind(e), 0, e.what(), {}, type};
  } catch (const std::string& e) {
    return {Kind::other, 0, e, {}, type};
  } catch (const char* e) {
    return {Kind::other, 0, e, {}, type};
  } catch (...) {
    return {Kind::other, 0, "an exception without text, of type " + type, {}, type};
  }
}

void Failure::rethrow() const {
  dispatch(*this, []<class E>(const auto&... args) { throw E(args...); });
  throw Error(text);
}

std::exception_ptr Failure::rebuilt(int worker, const std::string& host) const {
  const RemoteOrigin origin(type, worker, host);
  std::exception_ptr result;
  const bool known = dispatch(*this, [&]<class E>(const auto&... args) {
    result = std::make_exception_ptr(RemoteCopy<E>(origin, args...));
  });
  return known ? result : std::make_exception_ptr(RemoteError(text, origin));
}

}  // namespace kronsolve
