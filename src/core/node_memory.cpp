#include "core/node_memory.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <mutex>
#include <string>

#ifdef __linux__
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace kronsolve::detail {

#ifdef __linux__

namespace {

struct Allocation {
  NodeAddress address;
  std::size_t mapped;
};

/// Allocations of this process, by where they begin, and what it maps of others.
struct Registry {
  std::mutex mutex;
  std::map<const char*, Allocation> allocations;
  std::int64_t last_serial = 0;
  std::map<const char*, std::size_t> foreign;
  index_t peak_before = 0;   ///< of the resident set, before anything of others was mapped
  index_t most_foreign = 0;  ///< resident bytes of others, the most that were seen
};

Registry& registry() {
  static Registry the_registry;
  return the_registry;
}

constexpr std::size_t huge_page = std::size_t{1} << 21;
/// Each allocation holds a file descriptor.
constexpr std::size_t most_allocations = 64;

/// Address space for `bytes` that begins at a huge page: with it a file maps as huge pages where
/// the system grants them.
char* aligned_space(std::size_t bytes) noexcept {
  void* space = mmap(nullptr, bytes + huge_page, PROT_NONE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return nullptr;
  char* begin = static_cast<char*>(space);
  const auto over = reinterpret_cast<std::uintptr_t>(begin) % huge_page;
  char* aligned = over == 0 ? begin : begin + (huge_page - over);
  if (aligned != begin) (void)munmap(begin, static_cast<std::size_t>(aligned - begin));
  char* const end = aligned + bytes;
  (void)munmap(end, static_cast<std::size_t>(begin + bytes + huge_page - end));
  return aligned;
}

/// Resident bytes of the mappings that begin at these addresses.
index_t resident(const std::map<const char*, std::size_t>& mappings) {
  std::ifstream in("/proc/self/smaps");
  index_t sum = 0;
  bool counted = false;
  for (std::string line; std::getline(in, line);) {
    if (const auto dash = line.find('-'); dash != std::string::npos && line.find(':') > dash) {
      const auto begin = std::stoull(line.substr(0, dash), nullptr, 16);
      counted = mappings.count(reinterpret_cast<const char*>(begin)) > 0;
    } else if (counted && line.compare(0, 4, "Rss:") == 0) {
      sum += std::stoll(line.substr(4)) * 1024;
    }
  }
  return sum;
}

index_t peak_now() noexcept {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<index_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

void* allocate_on_node(std::size_t bytes) noexcept {
  const std::size_t unit = bytes >= huge_page ? huge_page : 4096;
  const std::size_t mapped = (bytes + unit - 1) / unit * unit;
  const std::lock_guard lock(registry().mutex);
  if (registry().allocations.size() >= most_allocations) return nullptr;
  const int file = memfd_create("kronsolve", MFD_CLOEXEC);
  if (file < 0) return nullptr;
  struct stat facts {};
  char* space = nullptr;
  if (ftruncate(file, static_cast<off_t>(mapped)) == 0 && fstat(file, &facts) == 0)
    space = aligned_space(mapped);
  if (space == nullptr ||
      mmap(space, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
    if (space != nullptr) (void)munmap(space, mapped);
    (void)close(file);
    return nullptr;
  }
  (void)madvise(space, mapped, MADV_HUGEPAGE);
  try {
    registry().allocations.emplace(space, Allocation{{getpid(), file, ++registry().last_serial,
                                                      static_cast<std::int64_t>(facts.st_dev),
                                                      static_cast<std::int64_t>(facts.st_ino),
                                                      static_cast<std::int64_t>(mapped), 0},
                                                     mapped});
  } catch (...) {
    (void)munmap(space, mapped);
    (void)close(file);
    return nullptr;
  }
  return space;
}

bool free_on_node(void* memory) noexcept {
  if (memory == nullptr) return false;
  const std::lock_guard lock(registry().mutex);
  const auto at = registry().allocations.find(static_cast<const char*>(memory));
  if (at == registry().allocations.end()) return false;
  const int file = static_cast<int>(at->second.address.descriptor);
  // Frees the pages even where another process maps them still; none reads them any more.
  (void)ftruncate(file, 0);
  (void)munmap(memory, at->second.mapped);
  (void)close(file);
  registry().allocations.erase(at);
  return true;
}

NodeAddress node_address(const void* memory) noexcept {
  const char* place = static_cast<const char*>(memory);
  const std::lock_guard lock(registry().mutex);
  auto at = registry().allocations.upper_bound(place);
  if (at == registry().allocations.begin()) return {};
  --at;
  if (place >= at->first + at->second.mapped) return {};
  NodeAddress address = at->second.address;
  address.offset = place - at->first;
  return address;
}

NodeView::~NodeView() {
  while (!mappings_.empty()) drop_oldest();
}

void NodeView::drop_oldest() noexcept {
  const std::lock_guard lock(registry().mutex);
  Registry& r = registry();
  const Mapping& oldest = mappings_.front();
  try {
    r.most_foreign = std::max(r.most_foreign, resident(r.foreign));
  } catch (...) {  // the figure is then less exact
  }
  r.foreign.erase(static_cast<const char*>(oldest.base));
  (void)munmap(oldest.base, oldest.bytes);
  mappings_.erase(mappings_.begin());
}

const void* NodeView::map(const NodeAddress& address) noexcept {
  if (address.serial == 0) return nullptr;
  for (const auto& m : mappings_)
    if (m.serial == address.serial) return static_cast<const char*>(m.base) + address.offset;
  constexpr std::size_t most_mappings = 8;
  if (mappings_.size() == most_mappings) drop_oldest();
  try {
    const std::string path =
        "/proc/" + std::to_string(address.process) + "/fd/" + std::to_string(address.descriptor);
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return nullptr;
    struct stat facts {};
    // The same file, not one of another process that happens to have this number.
    const bool same =
        fstat(file, &facts) == 0 && static_cast<std::int64_t>(facts.st_dev) == address.device &&
        static_cast<std::int64_t>(facts.st_ino) == address.inode && facts.st_size == address.bytes;
    const auto bytes = static_cast<std::size_t>(address.bytes);
    char* space = same ? aligned_space(bytes) : nullptr;
    const bool mapped = space != nullptr && mmap(space, bytes, PROT_READ, MAP_SHARED | MAP_FIXED,
                                                 file, 0) != MAP_FAILED;
    (void)close(file);
    if (!mapped) {
      if (space != nullptr) (void)munmap(space, bytes);
      return nullptr;
    }
    (void)madvise(space, bytes, MADV_HUGEPAGE);
    const std::lock_guard lock(registry().mutex);
    Registry& r = registry();
    if (r.foreign.empty() && r.most_foreign == 0) r.peak_before = peak_now();
    r.foreign.emplace(space, bytes);
    mappings_.push_back({address.serial, space, bytes});
    return space + address.offset;
  } catch (...) {
    return nullptr;
  }
}

index_t own_part_of_peak(index_t peak) {
  const std::lock_guard lock(registry().mutex);
  Registry& r = registry();
  if (!r.foreign.empty()) r.most_foreign = std::max(r.most_foreign, resident(r.foreign));
  return r.most_foreign == 0 ? peak : std::max(r.peak_before, peak - r.most_foreign);
}

#else

void* allocate_on_node(std::size_t) noexcept { return nullptr; }
bool free_on_node(void*) noexcept { return false; }
NodeAddress node_address(const void*) noexcept { return {}; }
NodeView::~NodeView() = default;
void NodeView::drop_oldest() noexcept {}
const void* NodeView::map(const NodeAddress&) noexcept { return nullptr; }
index_t own_part_of_peak(index_t peak) { return peak; }

#endif

}  // namespace kronsolve::detail
