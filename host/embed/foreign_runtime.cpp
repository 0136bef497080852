#include <Python.h>

#include "embed/foreign_runtime.h"

#include <elf.h>
#include <exception>
#include <filesystem>
#include <link.h>
#include <set>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "support/log.h"

namespace gilscope {
namespace {

pid_t registered_process = 0;

// libpython3.13.so.1.0, but not libpython3.so: that one is empty, and only names the other.
bool is_runtime(std::string_view name) {
  return name.starts_with("libpython3.") && !name.starts_with("libpython3.so");
}

// What the loaded objects are called, and what they were linked to.
struct LoadedObjects {
  std::vector<std::string> paths;
  std::set<std::string> needed;
};

const ElfW(Dyn) * find_dynamic_section(const dl_phdr_info& object) {
  for (int i = 0; i < object.dlpi_phnum; ++i) {
    const auto& header = object.dlpi_phdr[i];
    if (header.p_type == PT_DYNAMIC)
      return reinterpret_cast<const ElfW(Dyn)*>(object.dlpi_addr + header.p_vaddr);
  }
  return nullptr;
}

void add_object(const dl_phdr_info& object, LoadedObjects& objects) {
  objects.paths.emplace_back(object.dlpi_name);
  const auto* dynamic = find_dynamic_section(object);
  const char* strings = nullptr;
  // The loader has made the table of strings an address in all objects but the kernel's own, which needs
  // nothing.
  for (const auto* entry = dynamic; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_STRTAB) strings = reinterpret_cast<const char*>(entry->d_un.d_ptr);
  }
  for (const auto* entry = dynamic; strings != nullptr && entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_NEEDED) objects.needed.insert(strings + entry->d_un.d_val);
  }
}

void warn_of_foreign_runtime() {
  if (getpid() != registered_process) return;
  try {
    const auto path = find_foreign_runtime();
    if (!path) return;
    log_warning(
        "the program opened {} by its path (with ctypes or dlopen), but this gilscope has CPython built in: "
        "that library is a second runtime, which was never started, and calls into it give wrong results or "
        "crash. Use ctypes.pythonapi instead, or build gilscope with -DGILSCOPE_LINKAGE=shared: then there "
        "is only one.",
        *path);
  } catch (const std::exception&) {
    return;  // out of memory at the very end: the program's own exit code matters more
  }
}

}  // namespace

std::optional<std::string> find_foreign_runtime() {
  LoadedObjects objects;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* found) {
        add_object(*object, *static_cast<LoadedObjects*>(found));
        return 0;
      },
      &objects);
  for (const auto& path : objects.paths) {
    const auto name = std::filesystem::path(path).filename().string();
    if (is_runtime(name) && !objects.needed.contains(name)) return path;
  }
  return std::nullopt;
}

void warn_of_foreign_runtime_at_exit() noexcept {
  if (std::string_view(GILSCOPE_PYTHON_LINKAGE) != "static") return;
  registered_process = getpid();
  Py_AtExit(warn_of_foreign_runtime);
}

}  // namespace gilscope
