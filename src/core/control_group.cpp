#include "core/control_group.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

namespace kronsolve::detail {

namespace {

namespace fs = std::filesystem;

bool names(const std::string& list, const std::string& controller) {
  return ("," + list + ",").find("," + controller + ",") != std::string::npos;
}

/// The folder of a group and those above it. A container may see its own group as the root: then the
/// folders that its path names are not there.
void add_folders(const fs::path& mount, const std::string& group, std::vector<fs::path>& folders) {
  for (fs::path inside = fs::path(group).relative_path(); !inside.empty();
       inside = inside.parent_path())
    folders.push_back(mount / inside);
  folders.push_back(mount);
}

/// Where the groups of this process keep the files of a controller, in either version.
std::vector<fs::path> group_folders(const fs::path& root, const std::string& controller) {
  const fs::path mounts = root / "sys/fs/cgroup";
  std::vector<fs::path> folders;
  std::ifstream in(root / "proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {  // number:controllers:/path
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {  // version 2; beside version 1 it is mounted in a folder of its own
      add_folders(mounts, group, folders);
      add_folders(mounts / "unified", group, folders);
    } else if (names(controllers, controller)) {
      add_folders(mounts / controller, group, folders);
      add_folders(mounts / controllers, group, folders);
    }
  }
  // Each folder is looked through for several files, at every solve.
  std::erase_if(folders, [](const fs::path& folder) {
    std::error_code ignored;
    return !fs::is_directory(folder, ignored);
  });
  if (folders.empty()) folders.push_back(mounts);
  return folders;
}

template <class T>
std::optional<T> number_in(const fs::path& file) {
  std::ifstream in(file);
  T value{};
  return in >> value ? std::optional(value) : std::nullopt;
}

/// A value of a file with a name and a number in each line; 0 if it is not there.
index_t entry_of(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  index_t value = 0;
  for (std::string word; in >> word >> value;)
    if (word == name) return value;
  return 0;
}

/// limit - used, files that can be dropped not counted as used.
std::optional<index_t> leaves(const fs::path& folder, const char* limit_file, const char* used_file,
                              const char* droppable) {
  const auto limit = number_in<index_t>(folder / limit_file);
  const auto used = number_in<index_t>(folder / used_file);
  if (!limit || !used) return std::nullopt;
  const index_t kept = *used - std::min(*used, entry_of(folder / "memory.stat", droppable));
  return std::max<index_t>(0, *limit - kept);
}

template <class T>
void lower(std::optional<T>& least, const std::optional<T>& value) {
  if (value && (!least || *value < *least)) least = value;
}

std::optional<int> cores(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return std::max(1, static_cast<int>(std::min(*quota / *period, 1e6)));
}

}  // namespace

std::optional<index_t> control_group_memory(const fs::path& root) {
  std::optional<index_t> least;
  for (const auto& folder : group_folders(root, "memory")) {
    lower(least, leaves(folder, "memory.max", "memory.current", "inactive_file"));
    lower(least, leaves(folder, "memory.high", "memory.current", "inactive_file"));
    lower(least,
          leaves(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"));
  }
  return least;
}

std::optional<int> control_group_cores(const fs::path& root) {
  std::optional<int> least;
  for (const auto& folder : group_folders(root, "cpu")) {
    std::ifstream both(folder / "cpu.max");  // "quota period", or "max period"
    double quota = 0, period = 0;
    if (both >> quota >> period) lower(least, cores(quota, period));
    lower(least, cores(number_in<double>(folder / "cpu.cfs_quota_us"),
                       number_in<double>(folder / "cpu.cfs_period_us")));
  }
  return least;
}

}  // namespace kronsolve::detail
