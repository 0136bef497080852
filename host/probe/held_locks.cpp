#include <Python.h>

#include "probe/held_locks.h"

#include <algorithm>
#include <array>
#include <optional>
#include <pthread.h>
#include <span>
#include <string_view>
#include <tuple>

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

// Of an RLock, as pthread_self() tells; 0: nobody has it.
std::uint64_t owner_of(const void* object) noexcept {
  const auto* const owner = static_cast<const std::byte*>(object) + sizeof(PyObject) + sizeof(void*);
  return copy_of(reinterpret_cast<const std::uint64_t*>(owner)).value_or(0);
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

// Of a str of letters.
bool is_text(const PyObject* text, std::string_view expected) noexcept {
  return text != nullptr &&
         is_c_string(reinterpret_cast<const char*>(text) + sizeof(PyASCIIObject), expected);
}

// Whose `__exit__` of Python code that is, bound or, since 3.14, below its object; nullptr: it is none.
const void* self_of_exit(const void* callable, const void* above) noexcept {
  const PyTypeObject* const type = type_of(callable);
  const void* self = above;
  if (type == &PyMethod_Type) {
    const Copied<PyMethodObject> method(callable);
    if (!method) return nullptr;
    callable = method->im_func;
    self = method->im_self;
  } else if (type != &PyFunction_Type) {
    return nullptr;
  }
  const Copied<PyFunctionObject> function(callable);
  return function && is_text(function->func_name, "__exit__") ? self : nullptr;
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

  // From the innermost one on. `with` leaves the way out on the stack for as long as its body runs.
  void look_at(const SeenFrame& seen, std::span<const std::uintptr_t> slots) noexcept {
    if (is_innermost_) find_owner(slots);
    if (condition_ == nullptr && is_text(seen.code().co_qualname, "Condition.wait")) {
      const auto first_local = copy_of(reinterpret_cast<const std::uintptr_t*>(seen.place + 1));
      condition_ = reinterpret_cast<const void*>(without_flags(first_local.value_or(0)));
    }
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (const void* const callable = object_at(slots, i)) add_held(slots, i, callable);
    }
    is_innermost_ = false;
  }

  // In Condition.wait a thread has given up the lock of the condition. Which that is, is known where it was
  // taken by the condition, and then it is not among the others; else it may be any of them.
  [[nodiscard]] HeldLocks found() const noexcept {
    HeldLocks held{.locks = {}, .owner = owner_};
    const bool has_given_up = condition_ != nullptr && !is_condition_entered_;
    auto place = held.locks.begin();
    for (const Held& each : held_) {
      const bool is_doubtful = has_given_up && each.kind == HeldKind::Plain;
      if (each.lock != 0 && !is_doubtful) *place++ = each.lock;
    }
    return held;
  }

 private:
  struct Held {
    std::uintptr_t lock = 0;
    HeldKind kind = HeldKind::None;
  };

  void add_held(std::span<const std::uintptr_t> slots, std::size_t i, const void* callable) noexcept {
    const void* const above = object_at(slots, i + 1);
    if (condition_ != nullptr && self_of_exit(callable, above) == condition_) is_condition_entered_ = true;
    if (!is_method(callable, "__exit__")) return;
    const void* const self = self_of(callable);
    const void* const object = self != nullptr ? self : above;
    if (object == nullptr) return;
    const LockType type = lock_type_of(object);
    const auto lock = lock_in(object, type);
    if (is_innermost_ && lock == awaited_ && is_being_entered(slots, i)) return;
    // Who gave it up in between has it no longer.
    if (type.kind == HeldKind::Recursive && owner_of(object) != static_cast<std::uint64_t>(pthread_self()))
      return;
    add(lock, type.kind);
  }

  // The innermost frame has the lock on its stack, or a method of it, which it called to get it.
  void find_owner(std::span<const std::uintptr_t> slots) noexcept {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const void* const object = object_at(slots, i);
      for (const void* const one : {object, self_of(object)}) {
        const auto type = one == nullptr ? LockType{} : lock_type_of(one);
        if (type.kind != HeldKind::Recursive || lock_in(one, type) != awaited_) continue;
        owner_ = owner_of(one);
      }
    }
  }

  // In 3.11 and since 3.14 the way out lies there before the way in is called: on top, or under that.
  static bool is_being_entered(std::span<const std::uintptr_t> slots, std::size_t exit) noexcept {
    const void* const enter = object_at(slots, exit + 2);
    return exit + 1 == slots.size() || (enter != nullptr && is_method(enter, "__enter__"));
  }

  void add(std::uintptr_t lock, HeldKind kind) noexcept {
    if (lock == 0 || std::ranges::find(held_, lock, &Held::lock) != held_.end()) return;
    auto* const place = std::ranges::find(held_, 0U, &Held::lock);
    if (place != held_.end()) *place = {.lock = lock, .kind = kind};
  }

  std::uintptr_t awaited_;
  std::uint64_t owner_ = 0;
  const void* condition_ = nullptr;
  bool is_condition_entered_ = false;
  bool is_innermost_ = true;
  std::array<Held, std::tuple_size_v<decltype(HeldLocks::locks)>> held_{};
};

}  // namespace

HeldLocks find_held_locks(const OwnFrames& frames, std::uintptr_t awaited) noexcept {
  constexpr int kMostFrames = 64;
  Search search(awaited);
  HeldSpace& space = held_space;
  const auto* place = static_cast<const PythonFrame*>(frames.innermost);
  for (int i = 0; i < kMostFrames && place != nullptr; ++i) {
    if (space.seen.see(place)) search.look_at(space.seen, operands_of(space));
    place = space.seen.frame.previous;
  }
  return search.found();
}

}  // namespace gilscope
