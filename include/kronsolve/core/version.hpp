#pragma once

#include <string_view>

#include <kronsolve/export.hpp>

namespace kronsolve {

/// The version of the library, "0.1.0".
KRONSOLVE_EXPORT std::string_view version() noexcept;

}  // namespace kronsolve
