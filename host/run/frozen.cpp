#include <Python.h>

#include "run/frozen.h"

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

void install_frozen_modules() noexcept { PyImport_FrozenModules = kModules; }

}  // namespace gilscope
