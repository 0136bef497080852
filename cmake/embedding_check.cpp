// Does a program that embeds this libpython link, start an interpreter and end it?
#include <Python.h>

int main() {
  Py_InitializeEx(0);
  return Py_IsInitialized() ? 0 : 1;
}
