#include "probe/step_names.h"

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "probe/clock.h"
#include "probe/loaded_module.h"
#include "probe/owned_object.h"
#include "probe/place_words.h"
#include "probe/python_frame.h"
#include "support/library_file.h"

namespace gilscope {
namespace {

bool is_c_task(const PyTypeObject* type) noexcept {
  return std::string_view(type->tp_name) == "_asyncio.Task";
}

// The coroutine that a step or a wake-up of a task is of; none where it is of none.
Owned coroutine_of(PyObject* callable) noexcept {
  const std::string_view type = Py_TYPE(callable)->tp_name;
  if (!PyCFunction_Check(callable) && !type.ends_with("TaskStepMethWrapper")) return Owned(nullptr);
  Owned self = attribute(callable, "__self__");
  if (!self || PyCoro_CheckExact(self.get())) return self;
  PyTypeObject* task = Py_TYPE(self.get());
  while (task != nullptr && !is_c_task(task)) task = task->tp_base;
  if (task == nullptr) return Owned(nullptr);
  const Owned get(PyObject_GetAttrString(reinterpret_cast<PyObject*>(task), "get_coro"));
  return Owned(get ? PyObject_CallOneArg(get.get(), self.get()) : nullptr);
}

// As it lies in memory: `cr_code` and `cr_frame` are attributes that audit hooks of the program hear of.
struct SuspendedFrame {
  const PythonFrame* frame;
  bool is_there;  // it has begun and is not over
};

SuspendedFrame frame_of(PyObject* coroutine) noexcept {
#if PY_VERSION_HEX < 0x030e0000
  const auto& known = *reinterpret_cast<const PyCoroObject*>(coroutine);
  return {.frame = reinterpret_cast<const PythonFrame*>(known.cr_iframe),
          .is_there = known.cr_frame_state < 0};
#else
  // _PyGenObject_HEAD (Include/internal/pycore_interpframe_structs.h)
  struct Coroutine {
    PyObject base;
    const void* weak_references;
    const void* name;
    const void* qualified_name;
    std::array<const void*, 2> exception;
    const void* origin;
    std::array<char, 3> flags;
    std::int8_t frame_state;
    PythonFrame frame;
  };
  const auto& known = *reinterpret_cast<const Coroutine*>(coroutine);
#if PY_VERSION_HEX < 0x030f0000
  return {.frame = &known.frame, .is_there = known.frame_state < 0};
#else
  return {.frame = &known.frame, .is_there = known.frame_state <= 3};
#endif
#endif
}

PyCodeObject* code_of(PyObject* coroutine, const PythonFrame& frame) noexcept {
#if PY_VERSION_HEX < 0x030c0000
  static_cast<void>(frame);
  return reinterpret_cast<const PyCoroObject*>(coroutine)->cr_code;
#else
  static_cast<void>(coroutine);
  return const_cast<PyCodeObject*>(code_at(frame));  // it keeps its code when it is over
#endif
}

// The coroutines that wait for one another, the outermost first.
void name_coroutine(Owned coroutine, CodeWords& words) noexcept {
  constexpr int kDeepest = 32;
  bool is_told = false;
  for (int i = 0; i < kDeepest && coroutine && PyCoro_CheckExact(coroutine.get()); ++i) {
    const auto [frame, is_there] = frame_of(coroutine.get());
    PyCodeObject* const code = code_of(coroutine.get(), *frame);
    if (code == nullptr || !PyCode_Check(reinterpret_cast<PyObject*>(code))) return;
    const auto offset =
        is_there ? frame->instruction - reinterpret_cast<const char*>(code->co_code_adaptive) : -1;
    const int line = offset < 0 ? code->co_firstlineno : PyCode_Addr2Line(code, static_cast<int>(offset));
    CodeWords found;  // NOLINT(cppcoreguidelines-pro-type-member-init): each part is written
    set_place(*code, line, found);
    if (!is_told || !is_library_file(found.file())) set_place(*code, line, words);
    is_told = true;
    coroutine = attribute(coroutine.get(), "cr_await");
  }
}

// Also one of another kind, a generator's or Cython's.
void name_any_coroutine(Owned coroutine, CodeWords& words) noexcept {
  if (PyCoro_CheckExact(coroutine.get())) {
    name_coroutine(std::move(coroutine), words);
  } else {
    set_name(Py_TYPE(coroutine.get())->tp_name, words);
  }
}

void name_callback(PyObject* callable, CodeWords& words) noexcept {
  Owned inner(nullptr);  // a partial may be the last to name what it calls
  constexpr int kDeepest = 8;
  for (int i = 0; i < kDeepest; ++i) {
    if (PyMethod_Check(callable)) {
      callable = PyMethod_Function(callable);
    } else if (std::string_view(Py_TYPE(callable)->tp_name) == "functools.partial") {
      Owned called = attribute(callable, "func");
      if (!called) break;
      inner = std::move(called);
      callable = inner.get();
    } else {
      break;
    }
  }
  if (PyFunction_Check(callable)) {
    auto& code = *reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(callable));
    set_place(code, code.co_firstlineno, words);
  } else if (PyCFunction_Check(callable)) {
    set_name(reinterpret_cast<PyCFunctionObject*>(callable)->m_ml->ml_name, words);
  } else {
    set_name(Py_TYPE(callable)->tp_name, words);
  }
}

// Empty where no loop runs in the thread.
Owned running_loop() noexcept {
  PyObject* const get = find_in_module("_asyncio", "_get_running_loop");
  return Owned(get != nullptr && PyCFunction_Check(get) ? PyObject_CallNoArgs(get) : nullptr);
}

bool has_due_timer(PyObject* loop) noexcept {
  const Owned timers = attribute(loop, "_scheduled");
  if (!timers || !PyList_CheckExact(timers.get()) || PyList_Size(timers.get()) == 0) return false;
  PyObject* const first = PyList_GetItem(timers.get(), 0);
  const Owned when = attribute(first, "_when");
  const Owned is_cancelled = attribute(first, "_cancelled");
  if (!when || !PyFloat_Check(when.get()) || is_cancelled.get() == Py_True) return false;
  return PyFloat_AsDouble(when.get()) <= to_seconds(ProbeClock::read_monotonic());
}

// Beside the one by which other threads wake it.
bool has_other_files(PyObject* loop) noexcept {
  const Owned selector = attribute(loop, "_selector");
  const Owned files = selector ? attribute(selector.get(), "_fd_to_key") : Owned(nullptr);
  return files && PyDict_CheckExact(files.get()) && PyDict_Size(files.get()) > 1;
}

}  // namespace

void name_step(PyObject* callable, CodeWords& words) noexcept {
  const KeptException kept;
  set_name("", words);
  Owned coroutine = coroutine_of(callable);
  if (coroutine) {
    name_any_coroutine(std::move(coroutine), words);
  } else {
    name_callback(callable, words);
  }
}

void name_task(PyObject* coroutine, CodeWords& words) noexcept {
  const KeptException kept;
  set_name("", words);
  name_any_coroutine(Owned(Py_NewRef(coroutine)), words);
}

bool is_nothing_else_in_loop() noexcept {
  const KeptException kept;
  const Owned loop = running_loop();
  return loop && !has_due_timer(loop.get()) && !has_other_files(loop.get());
}

}  // namespace gilscope
