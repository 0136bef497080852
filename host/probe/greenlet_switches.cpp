#include "probe/greenlet_switches.h"

#include <string_view>
#include <utility>

#include "probe/loaded_module.h"
#include "probe/method_patch.h"
#include "probe/module_births.h"
#include "probe/owned_object.h"
#include "probe/place_words.h"
#include "support/library_file.h"

namespace gilscope {
namespace {

constexpr const char* kModule = "greenlet._greenlet";
constexpr int kDeepest = 64;

struct SwitchPatch {
  MethodPatch switch_to;
  MethodPatch throw_in;
  PyObject* run_name = nullptr;  // "_run"; never given back
};
constinit SwitchPatch switch_patch;

// An object of a type of C code's: its own value, never a property of the program's.
long number_of(PyObject* object, const char* name) noexcept {
  const Owned number = attribute(object, name);
  const long value = number && PyLong_Check(number.get()) ? PyLong_AsLong(number.get()) : -1;
  PyErr_Clear();
  return value;
}

Owned current_greenlet() noexcept {
  PyObject* const get = find_in_module(kModule, "getcurrent");
  return Owned(get != nullptr && PyCFunction_Check(get) ? PyObject_CallNoArgs(get) : nullptr);
}

bool is_hub(PyObject* greenlet) noexcept {
  for (const PyTypeObject* type = Py_TYPE(greenlet); type != nullptr; type = type->tp_base) {
    if (std::string_view(type->tp_name).ends_with("SwitchOutGreenletWithLoop")) return true;
  }
  return false;
}

PyCodeObject* code_of_callable(PyObject* callable) noexcept {
  if (PyMethod_Check(callable)) callable = PyMethod_Function(callable);
  return PyFunction_Check(callable) ? reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(callable)) : nullptr;
}

// As a class of the program's has it, which stays when the greenlet ends.
PyCodeObject* code_of_class(const PyTypeObject* type) noexcept {
  for (; type != nullptr; type = type->tp_base) {
    PyObject* const run =
        type->tp_dict == nullptr ? nullptr : PyDict_GetItemWithError(type->tp_dict, switch_patch.run_name);
    if (run != nullptr) return code_of_callable(run);
  }
  return nullptr;
}

// Where it waits. False: it is over, or all of it is a library's.
bool name_by_frames(PyObject* greenlet, CodeWords& words) noexcept {
  Owned frame = attribute(greenlet, "gr_frame");
  for (int i = 0; i < kDeepest && frame && PyFrame_Check(frame.get()); ++i) {
    auto* const known = reinterpret_cast<PyFrameObject*>(frame.get());
    const Owned code(reinterpret_cast<PyObject*>(PyFrame_GetCode(known)));
    set_place(*reinterpret_cast<PyCodeObject*>(code.get()), PyFrame_GetLineNumber(known), words);
    if (!is_library_file(words.file())) return true;
    frame = Owned(reinterpret_cast<PyObject*>(PyFrame_GetBack(known)));
  }
  return false;
}

}  // namespace

void lead_switches(PyObject* module, SwitchFunctions ours) noexcept {
  if (!is_defined_as(module, kModule)) return;
  PyObject* const type = PyDict_GetItemString(PyModule_GetDict(module), "greenlet");
  if (type == nullptr || !PyType_Check(type)) return;
  const auto& greenlets = *reinterpret_cast<PyTypeObject*>(type);
  PyMethodDef* const switch_to = find_method(greenlets, "switch", METH_VARARGS | METH_KEYWORDS);
  PyMethodDef* const throw_in = find_method(greenlets, "throw", METH_VARARGS);
  SwitchPatch& patch = switch_patch;
  if (patch.run_name == nullptr) patch.run_name = PyUnicode_InternFromString("_run");
  PyErr_Clear();
  if (switch_to == nullptr || throw_in == nullptr || patch.run_name == nullptr) return;
  if (patch.switch_to.apply(*switch_to, as_method(ours.switch_to)))
    patch.throw_in.apply(*throw_in, ours.throw_in);
}

void give_switches_back() noexcept {
  switch_patch.switch_to.restore();
  switch_patch.throw_in.restore();
}

SwitchFunctions real_switches() noexcept {
  return {.switch_to = switch_patch.switch_to.original<PyCFunctionWithKeywords>(),
          .throw_in = switch_patch.throw_in.original<PyCFunction>()};
}

PyCodeObject* code_of_greenlet(PyObject* greenlet) noexcept {
  PyObject** const place = _PyObject_GetDictPtr(greenlet);
  if (place == nullptr || *place == nullptr) return nullptr;
  PyObject* const run = PyDict_GetItemWithError(*place, switch_patch.run_name);
  return run == nullptr ? nullptr : code_of_callable(run);
}

PyCodeObject* code_of_thrown_into(PyObject* greenlet) noexcept {
  if (PyCodeObject* const known = code_of_greenlet(greenlet)) return known;
  const KeptException kept;
  Owned outermost(nullptr);
  Owned frame = attribute(greenlet, "gr_frame");
  while (frame && PyFrame_Check(frame.get())) {
    outermost = std::move(frame);
    frame = Owned(
        reinterpret_cast<PyObject*>(PyFrame_GetBack(reinterpret_cast<PyFrameObject*>(outermost.get()))));
  }
  if (!outermost) return nullptr;
  // The frame keeps it alive.
  const Owned code(
      reinterpret_cast<PyObject*>(PyFrame_GetCode(reinterpret_cast<PyFrameObject*>(outermost.get()))));
  return reinterpret_cast<PyCodeObject*>(code.get());
}

bool is_in_hub() noexcept {
  const KeptException kept;
  const Owned current = current_greenlet();
  return current && is_hub(current.get());
}

void name_greenlet(PyObject* greenlet, PyCodeObject* code, CodeWords& words) noexcept {
  const KeptException kept;
  set_name(Py_TYPE(greenlet)->tp_name, words);
  if (name_by_frames(greenlet, words)) return;
  PyCodeObject* const run = code != nullptr ? code : code_of_class(Py_TYPE(greenlet));
  if (run != nullptr) set_place(*run, run->co_firstlineno, words);
}

bool is_nothing_else_in_hub(PyObject* greenlet) noexcept {
  const KeptException kept;
  const Owned hub = current_greenlet();
  const Owned loop = hub ? attribute(hub.get(), "loop") : Owned(nullptr);
  if (!loop || !std::string_view(Py_TYPE(loop.get())->tp_name).ends_with(".corecext.loop")) return true;
  const Owned is_dead = attribute(greenlet, "dead");
  const long own = is_dead.get() == Py_True ? 0 : 1;
  return number_of(loop.get(), "activecnt") <= own;
}

}  // namespace gilscope
