#include <Python.h>

#include "run/frozen.h"

#include <iterator>
#include <vector>

namespace gilscope {
namespace {

constexpr _frozen frozen(const char* name, const unsigned char* code, unsigned long size) {
  _frozen module{};
  module.name = name;
  module.code = code;
  module.size = static_cast<int>(size);
  return module;
}

// Made by cmake/freeze.py: one array a module, then kModules.
#include "frozen_modules.inc"

}  // namespace

void install_frozen_modules() {
  // Never destroyed: CPython looks into it until its very end.
  static auto* const modules = [] {
    auto* const all = new std::vector<_frozen>;
    // An application may have frozen modules of its own.
    for (const auto* module = PyImport_FrozenModules; module != nullptr && module->name != nullptr; ++module)
      all->push_back(*module);
    all->insert(all->end(), std::begin(kModules), std::end(kModules));
    return all;
  }();
  PyImport_FrozenModules = modules->data();
}

}  // namespace gilscope
