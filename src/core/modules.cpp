#include "core/modules.hpp"

#include <dlfcn.h>

namespace kronsolve {

std::filesystem::path module_folder() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&module_folder), &info) == 0 ||
      info.dli_fname == nullptr)
    return {};
  std::error_code ignored;
  return std::filesystem::canonical(info.dli_fname, ignored).parent_path() / "kronsolve";
}

void* open_module(const std::filesystem::path& path, const char* entry, std::string& problem) {
  // Never closed: others (MPI, OpenMP, exit handlers) keep pointers into what a module brought
  // along.
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* text = dlerror();
    problem = text != nullptr ? text : "it cannot be loaded";
    return nullptr;
  }
  void* found = dlsym(handle, entry);
  if (found == nullptr)
    problem = std::string("it is not a module of kronsolve: it has no ") + entry;
  return found;
}

}  // namespace kronsolve
