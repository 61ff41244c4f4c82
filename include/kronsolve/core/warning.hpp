#pragma once

#include <functional>
#include <string>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// Where the library says what no call can return: a worker that died and is replaced, why a whole
/// job ends. One line without its end; on standard error as "kronsolve: ..." unless something else
/// is set, an empty function for nowhere. Called from any thread, may not throw.
KRONSOLVE_EXPORT void set_warning_handler(std::function<void(const std::string&)> handler);

namespace detail {
KRONSOLVE_EXPORT void warn(const std::string& text) noexcept;
}  // namespace detail

}  // namespace kronsolve
