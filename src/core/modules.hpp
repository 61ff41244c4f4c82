#pragma once

#include <filesystem>
#include <string>

namespace kronsolve {

/// Modules are parts of kronsolve that bring libraries of others along and are loaded on first use:
/// a run that does not want them does not pay for them.

/// Where they are installed: `kronsolve` beside this library.
std::filesystem::path module_folder();

/// Opens a module, for the life of the process, and finds the function it is entered by; or
/// nullptr, and why in `problem`. Its names stay its own (RTLD_LOCAL).
void* open_module(const std::filesystem::path& path, const char* entry, std::string& problem);

}  // namespace kronsolve
