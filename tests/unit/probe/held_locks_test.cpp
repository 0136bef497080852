// Which locks a thread has that waits, as its frames show.
#include <Python.h>

#include "probe/held_locks.h"

#include <pthread.h>

#include <gtest/gtest.h>

#include "probe/probe_fixture.h"

namespace gilscope {
namespace {

// look(awaited) -> (owner, [held, …]), of who calls it.
PyObject* look(PyObject* /*module*/, PyObject* awaited) {
  const auto lock = PyLong_AsUnsignedLongLong(awaited);
  const HeldLocks found = find_held_locks(own_frames(PyThreadState_Get()), static_cast<std::uintptr_t>(lock));
  PyObject* const held = PyList_New(0);
  for (const auto one : found.locks) {
    if (one == 0) continue;
    PyObject* const address = PyLong_FromUnsignedLongLong(one);
    PyList_Append(held, address);
    Py_DECREF(address);
  }
  PyObject* const answer =
      Py_BuildValue("(KO)", static_cast<unsigned long long>(found.owner), held);  // NOLINT: Python's type
  Py_DECREF(held);
  return answer;
}

PyMethodDef look_method{.ml_name = "look", .ml_meth = look, .ml_flags = METH_O, .ml_doc = nullptr};

class HeldLocksTest : public ProbeOfStacksTest {
 protected:
  void SetUp() override {
    ProbeOfStacksTest::SetUp();
    if (IsSkipped()) return;
    PyObject* const names = PyModule_GetDict(PyImport_AddModule("__main__"));
    PyObject* const function = PyCFunction_New(&look_method, nullptr);
    PyDict_SetItemString(names, "look", function);
    Py_DECREF(function);
    run("import ctypes, sys, threading\n"
        "def address(lock):\n"  // as the size of its object says: there is a PyMutex, or a pointer and more
        "    begin, words = id(lock) + object.__basicsize__, type(lock).__basicsize__ // 8 - "
        "object.__basicsize__ // 8\n"
        "    is_inside = words == (1 if isinstance(lock, type(threading.Lock())) else 3)\n"
        "    return begin if is_inside else ctypes.c_size_t.from_address(begin).value\n"
        "lock, other, recursive = threading.Lock(), threading.Lock(), threading.RLock()\n");
  }
};

TEST_F(HeldLocksTest, are_those_of_with_in_any_of_its_functions) {
  run("def inner():\n"
      "    with recursive:\n"
      "        return look(1)\n"
      "def outer():\n"
      "    with lock:\n"
      "        return [inner() for _ in range(2)][1]\n"
      "owner, held = outer()\n"
      "assert held == [address(recursive), address(lock)], (held, address(recursive), address(lock))\n"
      "assert owner == 0, owner\n");
}

TEST_F(HeldLocksTest, are_not_those_that_were_given_up) {
  run("def function():\n"
      "    with lock, other:\n"
      "        pass\n"
      "    with other:\n"
      "        return look(1)\n"
      "assert function()[1] == [address(other)]\n"
      "assert look(1)[1] == []\n");
}

TEST_F(HeldLocksTest, are_known_while_another_one_is_taken_by_with) {
  run("class Taken:\n"
      "    def __enter__(self): self.seen = look(1)\n"
      "    def __exit__(self, *error): pass\n"
      "taken = Taken()\n"
      "def function():\n"
      "    with lock:\n"
      "        with taken: pass\n"
      "function()\n"
      "assert taken.seen[1] == [address(lock)], taken.seen\n");
}

TEST_F(HeldLocksTest, of_an_rlock_have_its_owner) {
  PyObject* const names = PyModule_GetDict(PyImport_AddModule("__main__"));
  const auto self = static_cast<unsigned long long>(pthread_self());  // NOLINT: Python's type
  PyObject* const owner = PyLong_FromUnsignedLongLong(self);
  PyDict_SetItemString(names, "owner", owner);
  Py_DECREF(owner);
  run("def function():\n"
      "    with recursive:\n"
      "        return [recursive.acquire, look(address(recursive))][1]\n"
      "assert function()[0] == owner, (function(), owner)\n"
      "assert look(address(recursive))[0] == 0\n");
}

}  // namespace
}  // namespace gilscope
