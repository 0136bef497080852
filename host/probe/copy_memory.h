// Reads memory of this process that may not be there, and writes what may be read-only: the system does it,
// and says how much it could. HOT.
#pragma once

#include <cstddef>
#include <optional>
#include <sys/uio.h>
#include <unistd.h>

namespace gilscope {

inline std::size_t copy_memory(const void* from, void* to, std::size_t size) noexcept {
  const iovec to_part{.iov_base = to, .iov_len = size};
  const iovec from_part{.iov_base = const_cast<void*>(from), .iov_len = size};
  const auto copied = process_vm_readv(getpid(), &to_part, 1, &from_part, 1, 0);
  return copied < 0 ? 0 : static_cast<std::size_t>(copied);
}

// Empty where not all of it is there.
template <typename T>
std::optional<T> copy_of(const T* from) noexcept {
  T copied{};
  constexpr std::size_t kSize = sizeof(T);
  if (from == nullptr) return std::nullopt;
  if (copy_memory(static_cast<const void*>(from), static_cast<void*>(&copied), kSize) != kSize)
    return std::nullopt;
  return copied;
}

// A pointer, whole or not at all. False where it cannot be written.
template <typename Pointer>
bool write_pointer(Pointer& to, Pointer value) noexcept {
  const iovec from_part{.iov_base = static_cast<void*>(&value), .iov_len = sizeof value};
  const iovec to_part{.iov_base = static_cast<void*>(&to), .iov_len = sizeof value};
  return process_vm_writev(getpid(), &from_part, 1, &to_part, 1, 0) == sizeof value;
}

}  // namespace gilscope
