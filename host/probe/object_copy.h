// Python objects of threads that may go on meanwhile, as CPython's headers lay them out: the system copies
// them, and nothing in them is followed but by the system.
#pragma once

#include <Python.h>

#include <array>
#include <cstddef>
#include <string_view>

#include "probe/copy_memory.h"

namespace gilscope {

// An object's memory, as much of it as a type of CPython's says.
template <typename T>
class Copied {
 public:
  explicit Copied(const void* from, std::size_t size = sizeof(T)) noexcept
      : is_there_(from != nullptr && copy_memory(from, bytes_.data(), size) == size) {}

  explicit operator bool() const noexcept { return is_there_; }
  const T* operator->() const noexcept { return reinterpret_cast<const T*>(bytes_.data()); }

 private:
  alignas(T) std::array<std::byte, sizeof(T)> bytes_;
  bool is_there_;
};

// nullptr: it is not there.
inline const PyTypeObject* type_of(const void* object) noexcept {
  const Copied<PyObject> head(object);
  return head ? head->ob_type : nullptr;
}

inline bool is_kind_of(const PyTypeObject* type, const PyTypeObject* base) noexcept {
  constexpr int kDeepest = 8;
  for (int i = 0; i < kDeepest && type != nullptr; ++i) {
    if (type == base) return true;
    const Copied<PyTypeObject> copied(type);
    type = copied ? copied->tp_base : nullptr;
  }
  return false;
}

// Whether that text lies there, with its end.
inline bool is_c_string(const char* there, std::string_view text) noexcept {
  std::array<char, 32> bytes{};
  return text.size() < bytes.size() && copy_memory(there, bytes.data(), text.size() + 1) == text.size() + 1 &&
         std::string_view(bytes.data(), text.size() + 1) == std::string_view(text.data(), text.size() + 1);
}

}  // namespace gilscope
