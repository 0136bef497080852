#include <Python.h>

#include "probe/parking_lot.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <optional>
#include <sched.h>
#include <semaphore.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "probe/hooks.h"
#include "probe/loaded_module.h"
#include "probe/object_copy.h"
#include "probe/slot_patch.h"
#include "support/log.h"

namespace gilscope {

std::string_view ParkedLock::type_name() const noexcept {
  return {type.data(), strnlen(type.data(), type.size())};
}

#ifndef Py_GIL_DISABLED

void calibrate_parking_lot(const LoadedObject& /*cpython*/) noexcept {}
bool is_try_of_lock(const void* /*returns_to*/) noexcept { return false; }
ParkedLock describe_parked(std::uintptr_t /*lock*/, const void* /*state*/) noexcept { return {}; }

#else

namespace {

constexpr std::string_view kLockType = "_thread.lock";
constexpr std::uintptr_t kObjectAlignment = 16;

struct ParkingLot {
  bool is_tried = false;  // by who starts a probe: one at a time
  std::atomic<const LoadedObject*> cpython{nullptr};
  // Where a threading.Lock has what is waited for. Release and acquire publish the above; 0: it is not as we
  // know.
  std::atomic<std::uintptr_t> lock_offset{0};
};

struct WaitCalls {
  decltype(&::sem_clockwait) clockwait;
  decltype(&::sem_timedwait) timedwait;
  decltype(&::sched_yield) yield;
};

constinit ParkingLot parking_lot;
constinit WaitCalls real_waits{};

// Of the one thread that calibrates, what lay before the semaphore at which it waited last.
constinit thread_local bool is_calibrating = false;
constinit std::uintptr_t before_semaphore = 0;
constinit std::atomic<const void*> try_returns_to{nullptr};

void look_before(const sem_t* semaphore) noexcept {
  if (is_calibrating) before_semaphore = reinterpret_cast<const std::uintptr_t*>(semaphore)[-1];
}

int look_clockwait(sem_t* semaphore, clockid_t id, const timespec* until) {
  look_before(semaphore);
  return real_waits.clockwait(semaphore, id, until);
}

int look_timedwait(sem_t* semaphore, const timespec* until) {
  look_before(semaphore);
  return real_waits.timedwait(semaphore, until);
}

int look_yield() noexcept {
  if (is_calibrating) try_returns_to.store(__builtin_return_address(0), std::memory_order_relaxed);
  return real_waits.yield();
}

template <typename Function>
void lead(const LoadedObject& cpython, std::string_view name, Function& real, Function ours,
          std::vector<SlotChange>& changes) {
  const auto slots = cpython.find_slots(name);
  if (slots.empty()) return;
  real = reinterpret_cast<Function>(*slots.front().place);
  add_changes(slots, reinterpret_cast<std::uintptr_t>(ours), changes);
}

// Waits a moment for a lock that it has itself. False where Python refuses.
bool wait_for_own(PyObject* lock) noexcept {
  PyObject* const first = PyObject_CallMethod(lock, "acquire", nullptr);
  is_calibrating = true;
  PyObject* const second =
      first == nullptr ? nullptr : PyObject_CallMethod(lock, "acquire", "Od", Py_True, 1e-6);
  is_calibrating = false;
  PyObject* const released = first == nullptr ? nullptr : PyObject_CallMethod(lock, "release", nullptr);
  const bool is_as_known = second == Py_False && released != nullptr;
  Py_XDECREF(first);
  Py_XDECREF(second);
  Py_XDECREF(released);
  PyErr_Clear();
  return is_as_known;
}

// 0: it does not lie in the lock.
std::uintptr_t find_lock_offset(const LoadedObject& cpython) {
  std::vector<SlotChange> changes;
  lead(cpython, "sem_clockwait", real_waits.clockwait, look_clockwait, changes);
  lead(cpython, "sem_timedwait", real_waits.timedwait, look_timedwait, changes);
  lead(cpython, "sched_yield", real_waits.yield, static_cast<decltype(&::sched_yield)>(look_yield), changes);
  PyObject* const make = find_in_module("_thread", "allocate_lock");
  PyObject* const lock = make == nullptr ? nullptr : PyObject_CallNoArgs(make);
  if (lock == nullptr) return PyErr_Clear(), 0;
  before_semaphore = 0;
  bool has_waited = false;
  {
    const SlotPatch patch(changes);
    has_waited = wait_for_own(lock);
  }
  const auto offset = before_semaphore - reinterpret_cast<std::uintptr_t>(lock);
  const bool is_in_it = has_waited && std::string_view(Py_TYPE(lock)->tp_name) == kLockType &&
                        offset >= sizeof(PyObject) &&
                        offset < static_cast<std::uintptr_t>(Py_TYPE(lock)->tp_basicsize);
  Py_DECREF(lock);
  return is_in_it ? offset : 0;
}

// Of an object that may begin there: its type's name. False: none does.
bool read_type_name(std::uintptr_t object, ParkedLock& found) noexcept {
  if (object % kObjectAlignment != 0) return false;
  const PyTypeObject* const type = type_of(reinterpret_cast<const void*>(object));
  const Copied<PyTypeObject> copied(type);
  if (!copied || !is_kind_of(copied->ob_base.ob_base.ob_type, &PyType_Type)) return false;
  constexpr std::uintptr_t kPage = 4096;
  const auto left =
      kPage - reinterpret_cast<std::uintptr_t>(copied->tp_name) % kPage;  // the next may not be there
  const auto size = std::min<std::size_t>(found.type.size(), left);
  if (copy_memory(copied->tp_name, found.type.data(), size) != size) found.type = {};
  return !found.type_name().empty();
}

// Where the calling thread waits until it may go on; not its GILState's where it has states in several
// interpreters.
bool is_own_state(std::uintptr_t lock, const void* state) noexcept {
  const auto* const at = reinterpret_cast<const PyThreadState*>(lock - offsetof(PyThreadState, state));
  if (at == state) return true;
  return copy_of(&at->native_thread_id) == static_cast<unsigned long>(gettid()) &&
         copy_of(&at->thread_id) == PyThread_get_thread_ident();
}

}  // namespace

void calibrate_parking_lot(const LoadedObject& cpython) noexcept {
  if (std::exchange(parking_lot.is_tried, true)) return;
  try {
    parking_lot.cpython.store(new LoadedObject(cpython),
                              std::memory_order_relaxed);  // as long as the process
    parking_lot.lock_offset.store(find_lock_offset(cpython), std::memory_order_release);
  } catch (const std::exception& error) {
    log_debug("what threads wait for is not known: {}", error.what());
  }
}

bool is_try_of_lock(const void* returns_to) noexcept {
  return returns_to == try_returns_to.load(std::memory_order_relaxed);
}

ParkedLock describe_parked(std::uintptr_t lock, const void* state) noexcept {
  const auto offset = parking_lot.lock_offset.load(std::memory_order_acquire);
  ParkedLock found;
  if (offset == 0 || lock == 0) return found;
  if (state != nullptr &&
      lock == reinterpret_cast<std::uintptr_t>(&static_cast<const PyThreadState*>(state)->state)) {
    found.kind = LockKind::World;
  } else if (read_type_name(lock - offset, found) && found.type_name() == kLockType) {
    found = {.kind = LockKind::Lock};
  } else if (read_type_name(lock - offsetof(PyObject, ob_mutex), found)) {
    found.kind = LockKind::Object;
  } else if (is_own_state(lock, state)) {
    found = {.kind = LockKind::World};
  } else {
    found = {.kind = parking_lot.cpython.load(std::memory_order_relaxed)->contains(lock) ? LockKind::Python
                                                                                         : LockKind::Unknown};
  }
  return found;
}

#endif

}  // namespace gilscope
