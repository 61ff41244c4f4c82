#include <kronsolve/core/error.hpp>

namespace kronsolve {

// The destructors stand here so that each class has one type identity, in this library, on both
// sides of a module.
Error::~Error() = default;
InvalidArgument::~InvalidArgument() = default;
DimensionError::~DimensionError() = default;
NotSupported::~NotSupported() = default;
NotConverged::~NotConverged() = default;
EngineError::~EngineError() = default;
MpiError::~MpiError() = default;
IoError::~IoError() = default;

void detail::assertion_failed(const char* condition, const std::source_location& where) {
  throw Error(concat("broken invariant in kronsolve, please report it: ", condition, " at ",
                     where.file_name(), ":", where.line()));
}

}  // namespace kronsolve
