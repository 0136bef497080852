// References of Python's that are given back, for cold code that asks what is there and must leave no trace.
// The calling thread holds a GIL.
#pragma once

#include <Python.h>

#include <utility>

namespace gilscope {

// A new reference; none where Python raised, which is forgotten.
class Owned {
 public:
  explicit Owned(PyObject* object) noexcept : object_(object) {
    if (object == nullptr) PyErr_Clear();
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Owned(Owned&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Owned& operator=(Owned&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Owned() { Py_XDECREF(object_); }

  [[nodiscard]] PyObject* get() const noexcept { return object_; }
  explicit operator bool() const noexcept { return object_ != nullptr && object_ != Py_None; }

 private:
  PyObject* object_;
};

// The exception that is on its way, put aside meanwhile.
class KeptException {
 public:
#if PY_VERSION_HEX >= 0x030c0000
  KeptException() noexcept : exception_(PyErr_GetRaisedException()) {}
  ~KeptException() { PyErr_SetRaisedException(exception_); }
#else
  KeptException() noexcept { PyErr_Fetch(&type_, &exception_, &traceback_); }
  ~KeptException() { PyErr_Restore(type_, exception_, traceback_); }
#endif
  KeptException(const KeptException&) = delete;
  KeptException& operator=(const KeptException&) = delete;
  KeptException(KeptException&&) = delete;
  KeptException& operator=(KeptException&&) = delete;

 private:
  PyObject* exception_ = nullptr;
#if PY_VERSION_HEX < 0x030c0000
  PyObject* type_ = nullptr;
  PyObject* traceback_ = nullptr;
#endif
};

// As an attribute of C code is found: no __getattr__ of the program's is asked.
inline Owned attribute(PyObject* object, const char* name) noexcept {
  const Owned text(PyUnicode_FromString(name));
  return Owned(text ? PyObject_GenericGetAttr(object, text.get()) : nullptr);
}

}  // namespace gilscope
