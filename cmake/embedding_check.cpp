// Does a program that embeds this libpython link, start an interpreter and end it? And do both have the same
// variables? Where the linker took one for the program's own, each has another.
#include <Python.h>

int main() {
  Py_InitializeEx(0);
  if (!Py_IsInitialized()) return 1;
  const PyObject* const number = PyLong_FromLong(1);
  return number != nullptr && Py_TYPE(number) == &PyLong_Type ? 0 : 2;
}
