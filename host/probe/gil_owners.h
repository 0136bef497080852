// Which condition variables are a GIL's, and which interpreter owns it. Since 3.12 each interpreter's state
// contains a GIL, used or not, and the main one's is the one that others share. Up to 3.11 there is one, in
// no interpreter, and a forked child makes it anew in place.
//
// All walk CPython's list of interpreters, which is only safe while no other thread that runs under another
// GIL ends one; there is no public call that is.
#pragma once

#include <cstdint>
#include <functional>

namespace gilscope {

class GilOwners {
 public:
  GilOwners() = default;
  // Of this process; `held`: the `cond` of a GIL that the calling thread holds.
  [[nodiscard]] static GilOwners of_process(std::uintptr_t held) noexcept;
  // Of one GIL that no interpreter owns.
  [[nodiscard]] static GilOwners of_one(std::uintptr_t cond) noexcept;

  // By the address of its `cond`. A program that CPython is linked into calls through the same slots, and may
  // have condition variables of its own that lie as far apart. The list begins with the newest interpreter,
  // so a GIL that is just made is found at once.
  [[nodiscard]] bool is_gil(std::uintptr_t cond) const noexcept;
  // The id of the interpreter; only reads.
  [[nodiscard]] std::int64_t owner_of(std::uintptr_t cond) const noexcept;

  // With the `cond` of each interpreter that has one of its own, or shares the main one's: that one then
  // never has an event.
  void for_each(const std::function<void(std::uintptr_t)>& visit) const;

 private:
  std::uintptr_t held_ = 0;
  std::uintptr_t offset_ = 0;            // of `cond` from its interpreter's state; 0: of one GIL for all
  std::uintptr_t main_interpreter_ = 0;  // its state
};

}  // namespace gilscope
