#include <Python.h>

#include "probe/code_deaths.h"

namespace gilscope {

constinit std::array<std::atomic<std::uint64_t>, 1U << code_deaths::kPlaceBits> code_deaths::counts{};

namespace {

// Relaxed: the same from the first watch on. That thread holds a GIL; a process in which others run meanwhile
// has several of them, and their code dies by the one function or by the other.
constinit std::atomic<destructor> real_end_of_code{nullptr};
// Under the mutex of those who start and stop probes.
constinit int watchers = 0;
constinit bool is_watching = false;

// After it: code that is still there is not another one. No other code can be there before we count, under
// the same GIL; under another one it is told apart by that.
void end_code(PyObject* code) {
  real_end_of_code.load(std::memory_order_relaxed)(code);
  code_deaths::count_of(code).fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

// Not PyCode_AddWatcher: 3.12 and later, of one interpreter each, at most eight, and never gone from there
// once the interpreter's thread has to be asked. The type is the same for all interpreters (3.11 to 3.15),
// and _Py_Dealloc looks there for each object.
void watch_code_deaths() noexcept {
  if (watchers++ != 0) return;
  const std::atomic_ref<destructor> slot(PyCode_Type.tp_dealloc);
  const destructor present = slot.load(std::memory_order_relaxed);
  // Somebody who took ours for the real one still calls it.
  if (is_watching && present != real_end_of_code.load(std::memory_order_relaxed)) return;
  real_end_of_code.store(present, std::memory_order_relaxed);
  slot.store(end_code, std::memory_order_relaxed);
  is_watching = true;
}

void unwatch_code_deaths() noexcept {
  if (--watchers != 0) return;
  destructor ours = end_code;
  const bool was_ours = std::atomic_ref<destructor>(PyCode_Type.tp_dealloc)
                            .compare_exchange_strong(ours, real_end_of_code.load(std::memory_order_relaxed),
                                                     std::memory_order_relaxed);
  is_watching = !was_ours;
}

}  // namespace gilscope
