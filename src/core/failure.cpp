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

using Kind = Failure::Kind;

/// Calls visit.operator()<E>(kind) for each class that is made of its text alone and rebuilt as
/// what it was.
template <class Visit>
void for_each_class(const Visit& visit) {
  visit.template operator()<Error>(Kind::error);
  visit.template operator()<DimensionError>(Kind::dimension);
  visit.template operator()<InvalidArgument>(Kind::invalid);
  visit.template operator()<NotSupported>(Kind::unsupported);
  visit.template operator()<NotConverged>(Kind::unconverged);
  visit.template operator()<std::runtime_error>(Kind::runtime);
  visit.template operator()<std::logic_error>(Kind::logic);
  visit.template operator()<std::invalid_argument>(Kind::invalid_argument);
  visit.template operator()<std::out_of_range>(Kind::out_of_range);
  visit.template operator()<std::length_error>(Kind::length);
  visit.template operator()<std::domain_error>(Kind::domain);
  visit.template operator()<std::range_error>(Kind::range);
  visit.template operator()<std::overflow_error>(Kind::overflow);
  visit.template operator()<std::underflow_error>(Kind::underflow);
}

/// Calls `raise.template operator()<E>(constructor arguments)` for the class the failure names;
/// false if it is unknown.
template <class Raise>
bool dispatch(const Failure& f, const Raise& raise) {
  if (f.kind == Kind::engine) return raise.template operator()<EngineError>(f.code, f.text), true;
  if (f.kind == Kind::mpi) return raise.template operator()<MpiError>(f.code, f.text), true;
  if (f.kind == Kind::io) return raise.template operator()<IoError>(f.path, f.text), true;
  if (f.kind == Kind::memory) return raise.template operator()<std::bad_alloc>(), true;
  bool known = false;
  for_each_class([&]<class E>(Kind kind) {
    if (kind != f.kind) return;
    known = true;
    raise.template operator()<E>(f.text);
  });
  return known;
}

/// The kind of an exception. Classes derived from one of ours count as that one; of others the
/// dynamic class must be exactly a known one, because only its base could be rebuilt here and a
/// handler must not be led to believe that it has the class itself.
Kind kind_of(const std::exception& e) {
  const auto derives = [&]<class E>() { return dynamic_cast<const E*>(&e) != nullptr; };
  if (derives.operator()<DimensionError>()) return Kind::dimension;
  if (derives.operator()<InvalidArgument>()) return Kind::invalid;
  if (derives.operator()<NotSupported>()) return Kind::unsupported;
  if (derives.operator()<NotConverged>()) return Kind::unconverged;
  if (derives.operator()<EngineError>()) return Kind::engine;
  if (derives.operator()<MpiError>()) return Kind::mpi;
  if (derives.operator()<IoError>()) return Kind::io;
  if (derives.operator()<std::bad_alloc>()) return Kind::memory;
  Kind kind = Kind::other;
  for_each_class([&]<class E>(Kind exactly) {
    const std::type_info& t = typeid(e);
    if (t == typeid(E) || t == typeid(RemoteCopy<E>)) kind = exactly;
  });
  return kind;
}

}  // namespace

Failure Failure::current() {
  Failure f{Kind::other, 0, {}, {}, current_type()};
  try {
    throw;
  } catch (const std::exception& e) {
    f.kind = kind_of(e);
    f.text = e.what();
    // Passed on: its class is the one it had where it was thrown.
    if (const auto* origin = remote_origin(e)) f.type = origin->type();
    if (const auto* engine = dynamic_cast<const EngineError*>(&e)) f.code = engine->code();
    if (const auto* mpi = dynamic_cast<const MpiError*>(&e)) f.code = mpi->code();
    if (const auto* io = dynamic_cast<const IoError*>(&e)) f.path = io->path();
  } catch (const std::string& e) {
    f.text = e;
  } catch (const char* e) {
    f.text = e;
  } catch (...) {
    f.text = "an exception without text, of type " + f.type;
  }
  return f;
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
