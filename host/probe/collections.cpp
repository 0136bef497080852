#include <Python.h>

#include "probe/collections.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "probe/attached.h"
#include "probe/copy_memory.h"
#include "probe/loaded_module.h"
#include "probe/loop_steps.h"
#include "probe/python_stack.h"

namespace gilscope {
namespace {

struct PastCollection {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  int generation = 0;
  bool was_asked_for = false;
};

// One interpreter collects once at a time, and with its GIL held: so these need no lock.
struct CollectionWatch {
  int watchers = 0;
  ProbeClock clock;
  PyInterpreterState* interpreter = nullptr;
  PyObject** slot = nullptr;    // in the interpreter's state
  PyObject* ours = nullptr;     // the list that is there
  void* begin_of_gc = nullptr;  // fills in a new module gc
  std::uint64_t begin = 0;      // of the collection that is on; 0: none
  int generation = 0;
  std::array<PastCollection, 64> past{};  // the latest, in turns
  std::size_t count = 0;
};

constinit CollectionWatch collection_watch;

// Without a GIL, of a thread: all that is told there of collections. HOT where it is read.
constinit thread_local bool is_collecting_here __attribute__((tls_model("initial-exec"))) = false;

// Borrowed; nullptr where the program has none. Not gc's, unless it was imported: then nobody asks.
PyObject* find_collect() noexcept { return find_in_module("gc", "collect"); }

int generation_of(PyObject* info) noexcept {
  PyObject* const number = PyDict_Check(info) ? PyDict_GetItemString(info, "generation") : nullptr;
  return number == nullptr || !PyLong_Check(number) ? 0 : static_cast<int>(PyLong_AsLong(number));
}

void begin_collection(PyObject* info) noexcept {
  sample_step();
  collection_watch.generation = generation_of(info);
  collection_watch.begin = collection_watch.clock.read();
}

void end_collection() noexcept {
  CollectionWatch& watch = collection_watch;
  if (watch.begin == 0) return;
  PastCollection& past = watch.past.at(watch.count++ % watch.past.size());
  past = {.begin = watch.begin, .end = watch.clock.read(), .generation = watch.generation};
  watch.begin = 0;
  PyObject* const collect = find_collect();
  past.was_asked_for = collect != nullptr && is_on_own_stack(collect);
}

// A new reference; nullptr: it has become shorter, as others may change it where there is no GIL.
PyObject* item_of(PyObject* list, Py_ssize_t i) noexcept {
#ifdef Py_GIL_DISABLED
  PyObject* const item = PyList_GetItemRef(list, i);
  if (item == nullptr) PyErr_Clear();
  return item;
#else
  return Py_NewRef(PyList_GET_ITEM(list, i));
#endif
}

// As CPython does it with the list (invoke_gc_callback).
void pass_on(PyObject* theirs, PyObject* const* arguments, Py_ssize_t count) noexcept {
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(theirs); ++i) {
    PyObject* const callback = item_of(theirs, i);
    if (callback == nullptr) break;
    PyObject* const result =
        PyObject_Vectorcall(callback, arguments, static_cast<std::size_t>(count), nullptr);
    if (result == nullptr) PyErr_WriteUnraisable(callback);
    Py_XDECREF(result);
    Py_DECREF(callback);
  }
}

// One that was left behind in another interpreter passes on, and no more.
PyObject* hear(PyObject* theirs, PyObject* const* arguments, Py_ssize_t count) noexcept {
  const CollectionWatch& watch = collection_watch;
  const bool has_phase = count == 2 && PyUnicode_Check(arguments[0]);
  const bool is_start = has_phase && PyUnicode_CompareWithASCIIString(arguments[0], "start") == 0;
  const bool is_stop = has_phase && PyUnicode_CompareWithASCIIString(arguments[0], "stop") == 0;
  if (!kHasAlwaysGil) {
    if (is_start || is_stop) is_collecting_here = is_start;
  } else if (watch.watchers > 0 && PyInterpreterState_Get() == watch.interpreter) {
    if (is_start) begin_collection(arguments[1]);
    if (is_stop) end_collection();
  }
  pass_on(theirs, arguments, count);
  Py_RETURN_NONE;
}

// A METH_FASTCALL function has another type than the table's.
PyMethodDef hear_method{"gilscope", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(hear)),
                        METH_FASTCALL, nullptr};

PyObject* theirs_of(PyObject* ours) noexcept { return PyCFunction_GET_SELF(PyList_GET_ITEM(ours, 0)); }

bool is_in_place(PyInterpreterState* interpreter) noexcept {
  return collection_watch.interpreter == interpreter && collection_watch.ours != nullptr &&
         *collection_watch.slot == collection_watch.ours;
}

// The part of gc's definition that fills in a new module; nullptr: there is none. Nothing is imported.
PyModuleDef_Slot* find_begin_of_gc(PyModuleDef*& definition) noexcept {
  const auto* known = PyImport_Inittab;
  while (known->name != nullptr && std::strcmp(known->name, "gc") != 0) ++known;
  if (known->initfunc == nullptr) return nullptr;
  PyObject* const made = known->initfunc();  // borrowed
  if (made == nullptr || Py_TYPE(made) != &PyModuleDef_Type) return nullptr;
  definition = reinterpret_cast<PyModuleDef*>(made);
  PyModuleDef_Slot* slot = definition->m_slots;
  while (slot != nullptr && slot->slot != 0 && slot->slot != Py_mod_exec) ++slot;
  return slot == nullptr || slot->slot == 0 ? nullptr : slot;
}

// A module gc that is made while ours is in place shows theirs.
int begin_gc(PyObject* module) noexcept {
  using Begin = int (*)(PyObject*);
  const int result = reinterpret_cast<Begin>(collection_watch.begin_of_gc)(module);
  if (result != 0 || !is_in_place(PyInterpreterState_Get())) return result;
  return PyObject_SetAttrString(module, "callbacks", theirs_of(collection_watch.ours));
}

void* begin_gc_pointer() noexcept { return reinterpret_cast<void*>(&begin_gc); }

// Where it cannot be written the module shows ours.
void patch(void*& begin) noexcept {
  collection_watch.begin_of_gc = begin;
  static_cast<void>(write_pointer(begin, begin_gc_pointer()));
}

// What gc.callbacks is, as a new reference: of a module gc that nobody sees.
PyObject* find_callbacks(PyModuleDef* definition) noexcept {
  PyObject* const spec = PyModule_New("gc");
  PyObject* module = nullptr;
  PyObject* callbacks = nullptr;
  PyObject* const name = PyUnicode_FromString("gc");
  if (spec != nullptr && name != nullptr && PyObject_SetAttrString(spec, "name", name) == 0) {
    module = PyModule_FromDefAndSpec(definition, spec);
  }
  if (module != nullptr && PyModule_ExecDef(module, definition) == 0) {
    callbacks = PyObject_GetAttrString(module, "callbacks");
  }
  Py_XDECREF(module);
  Py_XDECREF(name);
  Py_XDECREF(spec);
  PyErr_Clear();
  return callbacks;
}

// Where the interpreter's state names the list: the one place there. The system copies, as how large the
// state is nobody says.
PyObject** find_slot(PyInterpreterState* interpreter, const PyObject* list) noexcept {
  constexpr std::size_t kWords = 4096 / sizeof(void*);
  constexpr std::size_t kPages = 128;
  std::array<const PyObject*, kWords> page{};
  auto** const begin = reinterpret_cast<PyObject**>(interpreter);
  PyObject** found = nullptr;
  if (begin == nullptr) return nullptr;
  for (std::size_t i = 0; i < kPages; ++i) {
    PyObject** const from = begin + i * kWords;
    const std::size_t copied =
        copy_memory(static_cast<const void*>(from), static_cast<void*>(page.data()), sizeof page);
    if (copied == 0) break;
    for (std::size_t word = 0; word < copied / sizeof(void*); ++word) {
      if (page.at(word) != list) continue;
      if (found != nullptr) return nullptr;
      found = from + word;
    }
  }
  return found;
}

// A list of ours, which gc.get_objects() does not find either.
PyObject* make_list(PyObject* theirs) noexcept {
  PyObject* const callable = PyCFunction_New(&hear_method, theirs);
  PyObject* const list = callable == nullptr ? nullptr : PyList_New(1);
  if (list == nullptr) {
    Py_XDECREF(callable);
    PyErr_Clear();
    return nullptr;
  }
  PyObject_GC_UnTrack(callable);
  PyList_SET_ITEM(list, 0, callable);
  PyObject_GC_UnTrack(list);
  return list;
}

void put_in_place(PyInterpreterState* interpreter) noexcept {
  CollectionWatch& watch = collection_watch;
  PyModuleDef* definition = nullptr;
  PyModuleDef_Slot* const begin = find_begin_of_gc(definition);
  if (begin == nullptr) return;
  PyObject* const callbacks = find_callbacks(definition);
  const bool is_list = callbacks != nullptr && PyList_CheckExact(callbacks);
  PyObject** const slot = is_list ? find_slot(interpreter, callbacks) : nullptr;
  PyObject* const list = slot == nullptr ? nullptr : make_list(callbacks);
  if (list != nullptr) {
    watch.interpreter = interpreter;
    watch.slot = slot;
    watch.ours = list;
    Py_INCREF(list);  // the slot's
    std::atomic_ref(*slot).store(list, std::memory_order_release);
    Py_DECREF(callbacks);  // which was the slot's; ours has one, too
    if (begin->value != begin_gc_pointer()) patch(begin->value);
  }
  Py_XDECREF(callbacks);
}

}  // namespace

void watch_collections(ProbeClock clock) noexcept {
  CollectionWatch& watch = collection_watch;
  if (watch.watchers++ > 0) return;
  PyInterpreterState* const interpreter = PyInterpreterState_Get();
  if (!is_in_place(interpreter)) put_in_place(interpreter);
  if (!is_in_place(interpreter)) return;
  watch.clock = clock;
  watch.begin = 0;
  watch.count = 0;
}

void unwatch_collections() noexcept {
  CollectionWatch& watch = collection_watch;
  if (watch.watchers == 0) return;
  --watch.watchers;
  // Without a GIL another thread may just be reading the list: it stays, and passes on.
  if (watch.watchers > 0 || !kHasAlwaysGil) return;
  const PyThreadState* const state = Py_IsInitialized() == 0 ? nullptr : attached_state();
  if (state == nullptr || state->interp != watch.interpreter || !is_in_place(watch.interpreter)) return;
  PyObject* const theirs = theirs_of(watch.ours);
  Py_INCREF(theirs);
  *watch.slot = theirs;
  Py_DECREF(watch.ours);
  Py_CLEAR(watch.ours);
}

bool is_collecting() noexcept { return is_collecting_here; }

Collected collected_between(ProbeClock clock, std::uint64_t begin, std::uint64_t end) noexcept {
  const CollectionWatch& watch = collection_watch;
  Collected collected;
  if (watch.watchers == 0 || clock.kind() != watch.clock.kind()) return collected;
  std::uint64_t longest = 0;
  const auto add = [&](const PastCollection& past) {
    const auto from = std::max(past.begin, begin);
    const auto to = std::min(past.end, end);
    if (to <= from) return;
    collected.ticks += to - from;
    if (to - from <= longest) return;
    longest = to - from;
    collected.generation = past.generation;
    collected.was_asked_for = past.was_asked_for;
  };
  if (watch.begin != 0) add({.begin = watch.begin, .end = end, .generation = watch.generation});
  const auto known = std::min(watch.count, watch.past.size());
  for (std::size_t i = 1; i <= known; ++i) {
    const PastCollection& past = watch.past.at((watch.count - i) % watch.past.size());
    if (past.end <= begin) break;
    add(past);
  }
  return collected;
}

}  // namespace gilscope
