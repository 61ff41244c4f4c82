#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

#include <sys/mman.h>
#include <sys/resource.h>

#include <kronsolve/core/buffer.hpp>
#include <kronsolve/core/comm_windows.hpp>
#include <kronsolve/core/error.hpp>
#include <kronsolve/core/large_vector.hpp>
#include <kronsolve/core/memory.hpp>
#include <kronsolve/core/threads.hpp>

#include "core/control_group.hpp"
#include "core/node_memory.hpp"

namespace kronsolve {

namespace {

constexpr index_t unlimited = std::numeric_limits<index_t>::max();

/// A value in kB of a /proc file such as "MemAvailable:   123 kB", in bytes; `otherwise` if it is
/// not there.
index_t proc_value(const char* file, const std::string& key, index_t otherwise) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    if (word == key) {
      index_t kilobytes = 0;
      return in >> kilobytes ? kilobytes * 1024 : otherwise;
    }
    in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return otherwise;
}

index_t address_space_leaves() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return std::max<index_t>(
      0, static_cast<index_t>(limit.rlim_cur) - proc_value("/proc/self/status", "VmSize:", 0));
}

index_t memory_limit_leaves() {
  const char* text = std::getenv("KRONSOLVE_MEMORY_LIMIT");
  if (text == nullptr || *text == '\0') return unlimited;
  const index_t limit = parse_bytes(text, "KRONSOLVE_MEMORY_LIMIT");
  return std::max<index_t>(0, limit - proc_value("/proc/self/status", "VmRSS:", 0));
}

}  // namespace

index_t available_memory() {
  return std::min({proc_value("/proc/meminfo", "MemAvailable:", unlimited),
                   detail::control_group_memory().value_or(unlimited), address_space_leaves(),
                   memory_limit_leaves()});
}

index_t peak_resident_memory() {
  // What getrusage says begins with what the process that started this one held.
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto inherited = static_cast<index_t>(usage.ru_maxrss) * 1024;
  return detail::own_part_of_peak(proc_value("/proc/self/status", "VmHWM:", inherited));
}

std::string format_bytes(double bytes) {
  constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 || bytes >= 100 ? "%.0f %s" : "%.3g %s", bytes,
                units[unit]);
  return text.data();
}

index_t parse_bytes(const std::string& text, const std::string& what) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  std::string unit(end);
  while (!unit.empty() && unit.front() == ' ') unit.erase(unit.begin());
  double factor = 0;
  const std::string letters = "KMGTPE";
  if (unit.empty() || unit == "B") {
    factor = 1;
  } else if (const auto at = letters.find(unit.front()); at != std::string::npos) {
    const std::string rest = unit.substr(1);
    if (rest.empty() || rest == "B" || rest == "iB") factor = std::pow(1024.0, double(at) + 1);
  }
  const double bytes = number * factor;
  if (end == text.c_str() || factor == 0 || !(bytes > 0) || bytes > 9e18)
    throw InvalidArgument(
        detail::concat(what, " must be a size such as 8G or 500M, got '", text, "'"));
  return static_cast<index_t>(bytes);
}

void require_memory(index_t needed, const std::string& what) {
  const index_t available = available_memory();
  const std::string limit =
      memory_limit_leaves() == unlimited ? "" : " (KRONSOLVE_MEMORY_LIMIT is set)";
  if (needed > available)
    throw InvalidArgument(
        detail::concat(what, " needs ", format_bytes(double(needed)), ", ",
                       format_bytes(double(available)), " are available", limit,
                       "; make the system smaller, choose a sector or use more machines"));
}

void require_memory(const Comm& comm, index_t needed, const std::string& what) {
  if (comm.size() == 1) return require_memory(needed, what);
  const Comm machine = same_machine(comm);
  const double all_needed = machine.all_reduce(double(needed));
  const double available = double(machine.all_reduce(available_memory(), Reduce::min));
  const bool fits = all_needed <= available;
  comm.require_all(fits,
                   detail::concat(what, " needs ", format_bytes(all_needed), " on a machine with ",
                                  format_bytes(available), " available (", machine.size(),
                                  " ranks there); make the system smaller, choose a sector or "
                                  "use more machines"));
}

Placement vector_placement(const Comm& comm) noexcept {
  return comm.size() > 1 ? Placement::node : Placement::process;
}

namespace detail {

namespace {
constexpr std::size_t huge_page = std::size_t{1} << 21;
}

void* allocate_large(std::size_t bytes) {
  const bool large = bytes >= huge_page;
  const std::size_t alignment = large ? huge_page : 64;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  if (large) (void)madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

void free_large(void* memory) noexcept { std::free(memory); }

}  // namespace detail

template <Scalar T>
Buffer<T>::Buffer(index_t size, Placement placement) : size_(size) {
  if (size < 0) throw DimensionError(detail::concat("Buffer: size must be >= 0, got ", size));
  if (size == 0) return;
  const auto bytes = static_cast<std::size_t>(
      checked_multiply(size, static_cast<index_t>(sizeof(T)), "bytes of a vector"));
  const bool large = bytes >= detail::huge_page;
  if (large) require_memory(static_cast<index_t>(bytes), "a vector");
  try {
    if (placement == Placement::node) data_ = static_cast<T*>(detail::allocate_on_node(bytes));
    if (data_ == nullptr) data_ = static_cast<T*>(detail::allocate_large(bytes));
  } catch (const std::bad_alloc&) {
    throw InvalidArgument(
        detail::concat("no memory for a vector of ", format_bytes(double(bytes))));
  }
  const int threads = large ? num_threads() : 1;
#pragma omp parallel for schedule(static) num_threads(threads)
  for (index_t i = 0; i < size; ++i) data_[i] = T{};
}

template <Scalar T>
Buffer<T>::~Buffer() {
  if (!detail::free_on_node(data_)) detail::free_large(data_);
}

template class Buffer<double>;
template class Buffer<std::complex<double>>;

}  // namespace kronsolve
