#include <Python.h>

#include "probe/held_locks.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>

#include "probe/frame_copy.h"
#include "probe/object_copy.h"

namespace gilscope {
namespace {

struct HeldSpace {
  SeenFrame seen;
  CodeSpace code;
};
constinit HeldSpace held_space{};

enum class HeldKind : std::uint8_t { None, Plain, Recursive };

struct LockType {
  HeldKind kind = HeldKind::None;
  bool is_inside = false;  // the lock is in its object, rather than what PyThread_allocate_lock made
};

// A lock in its object is a PyMutex and nothing else, of an RLock with its owner and a count (since 3.14, of
// plain ones since some 3.13: Modules/_threadmodule.c); else there is a pointer, and more follows.
LockType lock_type_of(const void* object) noexcept {
  constexpr Py_ssize_t kHead = sizeof(PyObject);
  constexpr Py_ssize_t kWord = sizeof(void*);
  const Copied<PyTypeObject> type(type_of(object));
  if (!type) return {};
  if (is_c_string(type->tp_name, "_thread.lock"))
    return {.kind = HeldKind::Plain, .is_inside = type->tp_basicsize == kHead + kWord};
  if (is_c_string(type->tp_name, "_thread.RLock"))
    return {.kind = HeldKind::Recursive, .is_inside = type->tp_basicsize == kHead + 3 * kWord};
  return {};
}

// Its address, as lock_of() of lock_waits.cpp tells; 0: the object is no lock.
std::uintptr_t lock_in(const void* object, LockType type) noexcept {
  if (type.kind == HeldKind::None) return 0;
  const auto* const begin =
      reinterpret_cast<const std::uintptr_t*>(static_cast<const std::byte*>(object) + sizeof(PyObject));
  return type.is_inside ? reinterpret_cast<std::uintptr_t>(begin) : copy_of(begin).value_or(0);
}

// Of a method of C's, bound to an object; nullptr: it is none.
const void* self_of(const void* callable) noexcept {
  if (type_of(callable) != &PyCFunction_Type) return nullptr;
  const Copied<PyCFunctionObject> function(callable);
  return function ? function->m_self : nullptr;
}

bool is_method(const void* callable, std::string_view name) noexcept {
  const PyTypeObject* const type = type_of(callable);
  const PyMethodDef* definition = nullptr;
  if (type == &PyCFunction_Type) {
    const Copied<PyCFunctionObject> function(callable);
    definition = function ? function->m_ml : nullptr;
  } else if (type == &PyMethodDescr_Type) {  // since 3.14; its object lies above it
    const Copied<PyMethodDescrObject> descriptor(callable);
    definition = descriptor ? descriptor->d_method : nullptr;
  }
  const Copied<PyMethodDef> method(definition);
  return method && is_c_string(method->ml_name, name);
}

// What the frame has on its stack just now; none where that is not known.
std::span<const std::uintptr_t> operands_of(HeldSpace& space) noexcept {
  const auto depth = space.code.find_instruction_of(space.seen).depth;
  if (depth <= 0) return {};
  return std::span(space.seen.slots).first(std::min(static_cast<std::size_t>(depth), space.seen.slots_seen));
}

const void* object_at(std::span<const std::uintptr_t> slots, std::size_t i) noexcept {
  return i < slots.size() ? reinterpret_cast<const void*>(without_flags(slots[i])) : nullptr;
}

class Search {
 public:
  explicit Search(std::uintptr_t awaited) noexcept : awaited_(awaited) {}

  // `with` leaves the way out on the stack for as long as its body runs.
  void add_held(std::span<const std::uintptr_t> slots, bool is_innermost) noexcept {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const void* const callable = object_at(slots, i);
      if (callable == nullptr || !is_method(callable, "__exit__")) continue;
      const void* const self = self_of(callable);
      const void* const object = self != nullptr ? self : object_at(slots, i + 1);
      const auto lock = object != nullptr ? lock_in(object, lock_type_of(object)) : 0;
      if (!(is_innermost && lock == awaited_ && is_being_entered(slots, i))) add(lock);
    }
  }

  // The innermost frame has the lock on its stack, or a method of it, which it called to get it.
  void find_owner(std::span<const std::uintptr_t> slots) noexcept {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const void* const object = object_at(slots, i);
      for (const void* const one : {object, self_of(object)}) {
        const auto type = one == nullptr ? LockType{} : lock_type_of(one);
        if (type.kind != HeldKind::Recursive || lock_in(one, type) != awaited_) continue;
        const auto* const owner = static_cast<const std::byte*>(one) + sizeof(PyObject) + sizeof(void*);
        held_.owner = copy_of(reinterpret_cast<const std::uint64_t*>(owner)).value_or(0);
      }
    }
  }

  [[nodiscard]] const HeldLocks& found() const noexcept { return held_; }

 private:
  // In 3.11 and since 3.14 the way out lies there before the way in is called: on top, or under that.
  static bool is_being_entered(std::span<const std::uintptr_t> slots, std::size_t exit) noexcept {
    const void* const enter = object_at(slots, exit + 2);
    return exit + 1 == slots.size() || (enter != nullptr && is_method(enter, "__enter__"));
  }

  void add(std::uintptr_t lock) noexcept {
    if (lock == 0 || std::ranges::find(held_.locks, lock) != held_.locks.end()) return;
    auto* const place = std::ranges::find(held_.locks, 0U);
    if (place != held_.locks.end()) *place = lock;
  }

  std::uintptr_t awaited_;
  HeldLocks held_;
};

}  // namespace

HeldLocks find_held_locks(const OwnFrames& frames, std::uintptr_t awaited) noexcept {
  constexpr int kMostFrames = 64;
  Search search(awaited);
  HeldSpace& space = held_space;
  bool is_innermost = true;
  const auto* place = static_cast<const PythonFrame*>(frames.innermost);
  for (int i = 0; i < kMostFrames && place != nullptr; ++i) {
    if (space.seen.see(place)) {
      const auto slots = operands_of(space);
      if (is_innermost) search.find_owner(slots);
      search.add_held(slots, is_innermost);
      is_innermost = false;
    }
    place = space.seen.frame.previous;
  }
  return search.found();
}

}  // namespace gilscope
