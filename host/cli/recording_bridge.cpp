#include <Python.h>

#include "cli/recording_bridge.h"

#include <array>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string_view>

#include "recording/started_programs.h"
#include "support/log.h"

namespace gilscope::cli {
namespace {

// The value of kRecordingVariable in this process.
std::string announced;

EndWatch watch;

Recording& recording_of(PyObject* capsule) {
  return *static_cast<Recording*>(PyCapsule_GetPointer(capsule, nullptr));
}

// Empty where it has no UTF-8: a lone surrogate.
std::optional<std::string_view> text_of(PyObject* object) {
  Py_ssize_t size = 0;
  const char* const text = PyUnicode_AsUTF8AndSize(object, &size);
  if (text != nullptr) return std::string_view(text, static_cast<std::size_t>(size));
  PyErr_Clear();
  return std::nullopt;
}

PyObject* name_thread(PyObject* recording, PyObject* arguments) {
  unsigned long thread = 0;
  PyObject* text = nullptr;
  if (PyArg_ParseTuple(arguments, "kU", &thread, &text) == 0) return nullptr;
  if (const auto name = text_of(text)) {
    recording_of(recording).name_thread(ThreadId{static_cast<std::uint32_t>(thread)}, *name);
  }
  Py_RETURN_NONE;
}

PyObject* name_process(PyObject* recording, PyObject* arguments) {
  PyObject* text = nullptr;
  int is_worker = 0;
  if (PyArg_ParseTuple(arguments, "U|p", &text, &is_worker) == 0) return nullptr;
  if (const auto name = text_of(text)) {
    recording_of(recording).name_process(*name, is_worker != 0 ? NamedBy::Worker : NamedBy::Module);
  }
  Py_RETURN_NONE;
}

PyObject* end_thread(PyObject* recording, PyObject* id) {
  const unsigned long thread = PyLong_AsUnsignedLong(id);
  if (PyErr_Occurred() != nullptr) return nullptr;
  recording_of(recording).end_thread(ThreadId{static_cast<std::uint32_t>(thread)});
  Py_RETURN_NONE;
}

// Of this process, or of a child that was forked from it.
PyObject* leave_process(PyObject* recording, PyObject* status) {
  const long number = PyLong_AsLong(status);
  if (PyErr_Occurred() != nullptr) return nullptr;
  recording_of(recording).stop();
  watch.leaving(static_cast<int>(number));
  Py_RETURN_NONE;
}

// os.execv and os.execve, by which the others of their kind run: as they were, but that the recording knows.
// Of C, so that no frame of ours is in a traceback; of the module, so that they are pickled by name.
struct WatchedExec {
  PyObject* original = nullptr;
  PyMethodDef method{};
};
std::array<WatchedExec, 2> watched_execs;
Recording* executing = nullptr;

template <std::size_t which>
PyObject* exec_process(PyObject* /*unused*/, PyObject* arguments, PyObject* named) {
  executing->note_exec(true);
  PyObject* const result = PyObject_Call(watched_execs[which].original, arguments, named);
  executing->note_exec(false);  // it could not
  return result;
}

template <std::size_t which>
void watch_exec(PyObject* module, const char* name) {
  PyObject* const original = PyObject_GetAttrString(module, name);
  if (original == nullptr || PyCFunction_Check(original) == 0) return Py_XDECREF(original);
  const PyMethodDef& method = *reinterpret_cast<PyCFunctionObject*>(original)->m_ml;
  auto& watched = watched_execs[which];
  watched.original = original;
  watched.method = {method.ml_name,
                    reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(exec_process<which>)),
                    METH_VARARGS | METH_KEYWORDS, method.ml_doc};
  PyObject* const module_name = PyModule_GetNameObject(module);
  PyObject* const function = PyCFunction_NewEx(&watched.method, module, module_name);
  PyObject* const of_files = PyObject_GetAttrString(module, "supports_fd");  // a set of functions
  if (function != nullptr && of_files != nullptr && PySet_Contains(of_files, original) == 1) {
    PySet_Add(of_files, function);
  }
  if (function != nullptr) PyObject_SetAttrString(module, name, function);
  for (PyObject* const object : {module_name, function, of_files}) Py_XDECREF(object);
}

PyObject* watch_execs(PyObject* recording, PyObject* os) {
  executing = &recording_of(recording);
  watch_exec<0>(os, "execv");
  watch_exec<1>(os, "execve");
  PyErr_Clear();
  Py_RETURN_NONE;
}

PyObject* watch_starts(PyObject* /*unused*/, PyObject* module) {
  PyObject* const function = PyObject_GetAttrString(module, "fork_exec");
  if (function != nullptr && PyCFunction_Check(function) != 0) {
    try {
      watch_starts_of(reinterpret_cast<const void*>(PyCFunction_GetFunction(function)));
    } catch (const std::exception& error) {
      log_debug("what subprocess starts does not learn of the recording: {}", error.what());
    }
  }
  Py_XDECREF(function);
  PyErr_Clear();
  Py_RETURN_NONE;
}

PyObject* note_interrupt(PyObject* /*unused*/, PyObject* /*unused*/) {
  watch.interrupted();
  Py_RETURN_NONE;
}

PyObject* announce(PyObject* /*unused*/, PyObject* /*unused*/) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called with the GIL held, as Python's own changes are
  if (!announced.empty()) setenv(kRecordingVariable, announced.c_str(), 1);
  Py_RETURN_NONE;
}

PyMethodDef name_thread_method{"name_thread", name_thread, METH_VARARGS, nullptr};
PyMethodDef name_process_method{"name_process", name_process, METH_VARARGS, nullptr};
PyMethodDef end_thread_method{"end_thread", end_thread, METH_O, nullptr};
PyMethodDef leave_process_method{"leave_process", leave_process, METH_O, nullptr};
PyMethodDef watch_execs_method{"watch_execs", watch_execs, METH_O, nullptr};
PyMethodDef announce_method{"announce", announce, METH_NOARGS, nullptr};
PyMethodDef watch_starts_method{"watch_starts", watch_starts, METH_O, nullptr};
PyMethodDef note_interrupt_method{"note_interrupt", note_interrupt, METH_NOARGS, nullptr};

}  // namespace

void have_python_tell(Recording& recording, const EndWatch& end_watch) {
  watch = end_watch;
  PyObject* const capsule = PyCapsule_New(&recording, nullptr, nullptr);
  PyObject* const name = PyCFunction_New(&name_thread_method, capsule);
  PyObject* const of_process = PyCFunction_New(&name_process_method, capsule);
  PyObject* const end = PyCFunction_New(&end_thread_method, capsule);
  PyObject* const leave = PyCFunction_New(&leave_process_method, capsule);
  PyObject* const interrupt = PyCFunction_New(&note_interrupt_method, capsule);
  PyObject* const exec = PyCFunction_New(&watch_execs_method, capsule);
  PyObject* const starts = PyCFunction_New(&watch_starts_method, capsule);
  PyObject* const announcer = PyCFunction_New(&announce_method, capsule);
  PyObject* const bootstrap = PyImport_ImportModule("_gilscope_bootstrap");
  PyObject* const result =
      bootstrap == nullptr ? nullptr
                           : PyObject_CallMethod(bootstrap, "tell_recording", "OOOOOOOO", name, of_process,
                                                 end, leave, exec, starts, interrupt, announcer);
  if (result == nullptr) PyErr_Clear();
  for (PyObject* const object :
       {capsule, name, of_process, end, leave, exec, starts, interrupt, announcer, bootstrap, result})
    Py_XDECREF(object);
}

void announce_recording(const std::string& path) {
  announced = path;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread of this process reads the environment yet
  setenv(kRecordingVariable, announced.c_str(), 1);
}

std::string take_variable(const char* name) {
  // NOLINTBEGIN(concurrency-mt-unsafe): this process has one thread yet
  const char* const found = std::getenv(name);
  std::string value = found == nullptr ? "" : found;
  unsetenv(name);
  // NOLINTEND(concurrency-mt-unsafe)
  return value;
}

std::string take_recording() {
  constexpr const char* kPythonPath = "PYTHONPATH";
  // NOLINTBEGIN(concurrency-mt-unsafe): this process has one thread yet
  const char* const found = std::getenv(kPythonPath);
  const std::string path = found == nullptr ? "" : found;
  if (const auto own = without_start(path); own.empty() && !path.empty() && path.back() != ':') {
    unsetenv(kPythonPath);
  } else if (own != path) {
    setenv(kPythonPath, own.c_str(), 1);
  }
  // NOLINTEND(concurrency-mt-unsafe)
  return take_variable(kRecordingVariable);
}

}  // namespace gilscope::cli
