#define Py_BUILD_CORE 1
#include <Python.h>

#include "probe/pending_signals.h"

#if PY_VERSION_HEX < 0x030d0000

#include <internal/pycore_runtime.h>

int gilscope_has_pending_signal(void) { return _Py_atomic_load_relaxed(&_PyRuntime.ceval.signals_pending); }

#endif
