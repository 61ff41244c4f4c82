#include <vector>

#include <link.h>

#include <kronsolve/core/callable.hpp>
#include <kronsolve/core/failure.hpp>

namespace kronsolve::detail {

namespace {

struct Entry {
  const char* name;
  AnyFunction code;
};

/// Filled by initialisers of any file in any order: lives in a function so that it exists before
/// the first of them.
std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

std::uint64_t hash(const char* text, std::uint64_t value = 0xcbf29ce484222325u) {
  for (; *text != '\0'; ++text)
    value = (value ^ static_cast<unsigned char>(*text)) * 0x100000001b3u;
  return value;
}

struct ModuleSearch {
  std::uintptr_t address = 0;  // looked for, if not 0
  const char* name = nullptr;  // looked for, if not null
  bool found = false;
  FunctionAddress result;
  std::uintptr_t base = 0;
};

int visit_module(dl_phdr_info* info, std::size_t, void* data) {
  auto& search = *static_cast<ModuleSearch*>(data);
  const std::string_view name = info->dlpi_name == nullptr ? "" : info->dlpi_name;
  if (search.name != nullptr) {
    if (name != search.name) return 0;
    search.base = info->dlpi_addr;
    search.found = true;
    return 1;
  }
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || search.address < begin ||
        search.address >= begin + segment.p_memsz)
      continue;
    search.result = {std::string(name), search.address - info->dlpi_addr};
    search.found = true;
    return 1;
  }
  return 0;
}

}  // namespace

CodeId register_code(const char* type_name, AnyFunction code) {
  entries().push_back({type_name, code});
  return {static_cast<std::uint32_t>(entries().size() - 1), hash(type_name)};
}

AnyFunction find_code(const CodeId& id) {
  const auto& all = entries();
  if (id.index < all.size() && hash(all[id.index].name) == id.name_hash) return all[id.index].code;
  throw NotSupported(
      concat("callable number ", id.index, " is ",
             id.index < all.size() ? "'" + demangled(all[id.index].name) +
                                         "' in this process and something else in the sender"
                                   : concat("unknown to this process, which has ", all.size()),
             "; both must run the same build with the same plugins loaded before main"));
}

std::string code_name(const CodeId& id) {
  return id.index < entries().size() ? demangled(entries()[id.index].name)
                                     : concat("number ", id.index);
}

std::size_t code_count() { return entries().size(); }

std::uint64_t code_digest() {
  std::uint64_t value = 0xcbf29ce484222325u;
  for (const Entry& e : entries()) value = hash(e.name, value * 31 + 1);
  return value;
}

FunctionAddress locate_function(AnyFunction function) {
  ModuleSearch search;
  search.address = reinterpret_cast<std::uintptr_t>(function);
  if (search.address != 0) dl_iterate_phdr(&visit_module, &search);
  if (!search.found)
    throw NotSupported("a function pointer that points into no loaded module cannot be sent");
  return search.result;
}

AnyFunction resolve_function(const FunctionAddress& address) {
  ModuleSearch search;
  search.name = address.module.c_str();
  dl_iterate_phdr(&visit_module, &search);
  if (!search.found)
    throw NotSupported(
        concat("a function of '", address.module, "' was sent, which is not loaded here"));
  return reinterpret_cast<AnyFunction>(search.base + address.offset);
}

}  // namespace kronsolve::detail
