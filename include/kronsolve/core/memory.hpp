#pragma once

#include <string>

#include <kronsolve/core/index.hpp>
#include <kronsolve/export.hpp>

namespace kronsolve {

/// Bytes this process may still allocate: the least of what the machine has available, its control
/// group's and its address-space limit leave. `KRONSOLVE_MEMORY_LIMIT` (bytes, or 500M, 8G) lowers
/// it further. Local.
/// @throws InvalidArgument  KRONSOLVE_MEMORY_LIMIT is set and is not a size
KRONSOLVE_EXPORT index_t available_memory();

/// Largest resident set of this process so far, bytes. Local.
KRONSOLVE_EXPORT index_t peak_resident_memory();

/// "13.5 GiB", "420 MiB", "17 B".
KRONSOLVE_EXPORT std::string format_bytes(double bytes);

/// A size such as "8G", "500M", "1.5GiB", "4096". Powers of 1024.
/// @throws InvalidArgument  the text is not a size; names `what`
KRONSOLVE_EXPORT index_t parse_bytes(const std::string& text, const std::string& what);

class Comm;

/// Refuses what cannot fit: throws when `needed` bytes of this process exceed available_memory().
/// Local.
/// @param what  what needs them, for the text
/// @throws InvalidArgument  with both numbers
KRONSOLVE_EXPORT void require_memory(index_t needed, const std::string& what);

/// The same for all ranks together: ranks on one machine share its memory, so their needs are added
/// per machine. Collective; every rank throws the same.
KRONSOLVE_EXPORT void require_memory(const Comm& comm, index_t needed, const std::string& what);

}  // namespace kronsolve
