#pragma once

#include <filesystem>
#include <optional>

#include <kronsolve/core/index.hpp>

namespace kronsolve::detail {

/// What the control groups of this process, version 1 and 2, leave of the memory: the least over the
/// groups from its own up to the root, as batch systems nest them. Files in memory that can be dropped
/// count as free. Nothing where no group has a limit. Local.
/// @param root  folder under which /proc and /sys lie
std::optional<index_t> control_group_memory(const std::filesystem::path& root = "/");

/// The cores that they allow on average, a part of one counted as one.
std::optional<int> control_group_cores(const std::filesystem::path& root = "/");

}  // namespace kronsolve::detail
