#include <kronsolve/core/version.hpp>

namespace kronsolve {

std::string_view version() noexcept { return KRONSOLVE_VERSION; }

}  // namespace kronsolve
