// Where gevent's hub switches to a greenlet, which comes back to the hub once it waits, or is over: by the
// methods `switch` and `throw` of greenlet's type, whose C functions are ours for a while. (A greenlet goes
// to the hub by a function of greenlet's C API instead, which is left alone.) Such a call returns when
// somebody switches to the greenlet that made it: later than calls that were made after it, or never.
#pragma once

#include <Python.h>

#include "probe/code_point.h"

namespace gilscope {

struct SwitchFunctions {
  PyCFunctionWithKeywords switch_to;
  PyCFunction throw_in;
};

// From now on, of the module that defines greenlets; of any other nothing happens, nor where it is not as we
// know it. `ours` are the same each time. The calling thread holds a GIL. One thread at a time.
void lead_switches(PyObject* module, SwitchFunctions ours) noexcept;
// Any thread, and after the end of Python too. Calls that have not returned yet return through ours.
void give_switches_back() noexcept;
// What ours are to call, afterwards too.
[[nodiscard]] SwitchFunctions real_switches() noexcept;

// The code of what a greenlet of gevent runs, which it forgets as it ends: borrowed; nullptr: it is not
// known.
[[nodiscard]] PyCodeObject* code_of_greenlet(PyObject* greenlet) noexcept;
// The same, of one that is about to be thrown into: gevent makes it forget before it is killed. Then it is
// told by its outermost frame, which takes longer.
[[nodiscard]] PyCodeObject* code_of_thrown_into(PyObject* greenlet) noexcept;

// The calling thread is in the hub, by gevent's word for it.
[[nodiscard]] bool is_in_hub() noexcept;

// Of a greenlet that has just come back to the hub: the innermost of the user's that it waits in, at its
// line, or the outermost one; of one that has ended, the line where it began. As name_step() does it.
void name_greenlet(PyObject* greenlet, PyCodeObject* code, CodeWords& words) noexcept;

// The hub, which the calling thread is in, has nothing to wait for but what that greenlet waits for itself.
// True where that is not known.
[[nodiscard]] bool is_nothing_else_in_hub(PyObject* greenlet) noexcept;

}  // namespace gilscope
