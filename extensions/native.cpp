// The module gilscope._native: Python's arguments in, Python's errors out, and who has the GIL in between.
#include <chrono>
#include <csignal>
#include <cstdint>
#include <limits>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <pybind11/pybind11.h>

#include "command_line.h"
#include "count_loop.h"
#include "flight.h"
#include "span.h"
#include "trace.h"

namespace py = pybind11;

namespace gilscope {
namespace {

using std::chrono::nanoseconds;

enum class Gil : std::uint8_t { Kept, Released };

// How often a long call of the main thread looks for signals: quick enough for a finger on Ctrl-C, and rare
// enough that retaking the GIL for it (which may wait one switch interval, 5 ms) costs little.
constexpr nanoseconds kBetweenChecks = std::chrono::milliseconds(80);
constexpr nanoseconds kForever = nanoseconds::max();

// CPython runs signal handlers in the main thread of the main interpreter only. Py_Main, and fork too, make
// that the thread whose id is the process's.
bool signals_are_handled_here() {
  return gettid() == getpid() && PyInterpreterState_Get() == PyInterpreterState_Main();
}

void check_signals() {
  if (PyErr_CheckSignals() != 0) {
    throw py::error_already_set();
  }
}

// Keeps signals from this thread for its scope.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all{};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &previous_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  SignalsBlocked(SignalsBlocked&&) = delete;
  SignalsBlocked& operator=(SignalsBlocked&&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &previous_, nullptr); }

  [[nodiscard]] const sigset_t& previous() const noexcept { return previous_; }

 private:
  sigset_t previous_{};
};

// Calls `step` (noexcept, without Python) until it returns true, and looks for signals whenever it returned
// false. A thread that cannot handle signals does not look: with the GIL released it must not ask for it
// before the end.
template <typename Step>
void run(Gil gil, Step step) {
  static_assert(noexcept(step()));
  const bool handles_signals = signals_are_handled_here();
  if (gil == Gil::Kept) {
    while (!step()) {
      if (handles_signals) {
        check_signals();
      }
    }
    return;
  }
  // No RAII: in a daemon thread at Python's end, PyEval_RestoreThread unwinds the thread (up to 3.13), and
  // from within a destructor that would be std::terminate.
  PyThreadState* const thread = PyEval_SaveThread();
  while (!step()) {
    if (handles_signals) {
      PyEval_RestoreThread(thread);
      check_signals();
      PyEval_SaveThread();
    }
  }
  PyEval_RestoreThread(thread);
}

// What `value.__index__()` says, which must be from 0 to `limit`.
std::int64_t whole_number(const py::object& value, const char* name, std::int64_t limit) {
  const auto index = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
  if (!index) {
    throw py::error_already_set();
  }
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow < 0 || (overflow == 0 && number < 0)) {
    throw py::value_error(std::string(name) + " must not be negative");
  }
  if (overflow > 0 || number > limit) {
    throw std::overflow_error(std::string(name) + " must be at most " + std::to_string(limit));
  }
  return number;
}

nanoseconds whole_nanoseconds(const py::object& value) {
  return nanoseconds(whole_number(value, "ns", std::numeric_limits<std::int64_t>::max()));
}

std::uint64_t count(const py::object& n, bool release_gil) {
  CountLoop loop(static_cast<std::uint64_t>(whole_number(n, "n", kMaxCount)));
  const nanoseconds at_most = signals_are_handled_here() ? kBetweenChecks : kForever;
  run(release_gil ? Gil::Released : Gil::Kept, [&]() noexcept { return loop.run(at_most); });
  return loop.total();
}

void hold(const py::object& ns) {
  Span span(whole_nanoseconds(ns));
  // Wakes up now and then: the kernel may have given the signal to another thread.
  run(Gil::Kept, [&]() noexcept { return span.wait(kBetweenChecks); });
}

void release(const py::object& ns) {
  Span span(whole_nanoseconds(ns));
  if (!signals_are_handled_here()) {
    run(Gil::Released, [&]() noexcept { return span.wait(kForever); });
    return;
  }
  // Only a signal that came to this thread ends the wait early: nothing else may ask for the GIL within the
  // span. None may come between the look for one and the sleep, which would not end for it: they come in
  // while it sleeps.
  const SignalsBlocked blocked;
  check_signals();
  run(Gil::Released, [&]() noexcept { return span.wait(kForever, &blocked.previous()); });
}

// The texts are those of python/gilscope/_native.pyi (tests/python/test_package.py compares them). The first
// line gives inspect.signature() what it needs.
constexpr const char* kCountDoc = R"(count(n, release_gil=False)
--

Return the sum of range(n), by one addition a step in a C++ loop.

The loop is a known amount of pure processor work, a fraction of a
nanosecond a step: the compiler can neither fold nor vectorise it.

n: how many steps; an int, or anything with __index__, from 0 to
    6074001000, beyond which the sum would not fit in 64 bits.
release_gil: give the GIL up for the whole loop. Only the main thread
    retakes it, for a moment each 80 ms, to look for signals: Ctrl-C
    ends a long call, with the GIL kept or given up.

Raises TypeError when n is not an integer, ValueError when it is
negative, and OverflowError, before the first step, when it is more
than 6074001000.)";

constexpr const char* kHoldDoc = R"(hold(ns)
--

Keep the GIL for ns nanoseconds, and return.

The thread sleeps, and spins for the last 500 us: accurate to 50 us on
an idle machine, and never short. Ctrl-C ends it in the main thread.

ns: the length in nanoseconds; an int, or anything with __index__, from
    0 to 2**63 - 1.

Raises TypeError when ns is not an integer, ValueError when it is
negative, and OverflowError when it is more than 2**63 - 1.)";

constexpr const char* kReleaseDoc = R"(release(ns)
--

Give the GIL up for ns nanoseconds, retake it, and return.

The thread sleeps, and spins for the last 500 us: accurate to 50 us on
an idle machine, and never short. Retaking the GIL comes on top, and
takes as long as another thread keeps it. Ctrl-C ends it in the main
thread; nothing else retakes the GIL before the span is over.

ns: the length in nanoseconds; an int, or anything with __index__, from
    0 to 2**63 - 1.

Raises TypeError when ns is not an integer, ValueError when it is
negative, and OverflowError when it is more than 2**63 - 1.)";

}  // namespace
}  // namespace gilscope

// The other order of the two tags does not compile with pybind11 3.1.
PYBIND11_MODULE(native, m, py::mod_gil_not_used(), py::multiple_interpreters::per_interpreter_gil()) {
  py::options options;
  options.disable_function_signatures();

  m.doc() = "Work of known amount and known length, with the GIL kept or given up.";
  m.attr("__version__") = GILSCOPE_VERSION;
  m.def("count", &gilscope::count, py::arg("n"), py::arg("release_gil") = false, gilscope::kCountDoc);
  m.def("hold", &gilscope::hold, py::arg("ns"), gilscope::kHoldDoc);
  m.def("release", &gilscope::release, py::arg("ns"), gilscope::kReleaseDoc);
  gilscope::bind_trace(m);
  gilscope::bind_flight(m);
  gilscope::bind_command_line(m);
}

// What Python calls. On 3.11, pybind11's own beginning (PyGILState_Ensure) would wait for ever in a
// sub-interpreter for the GIL that the thread has itself; tests/python/test_native.py would hang.
// NOLINTNEXTLINE(readability-identifier-naming,bugprone-reserved-identifier): Python makes up the name
extern "C" PYBIND11_EXPORT PyObject* PyInit__native() {
#if PY_VERSION_HEX < 0x030C0000
  if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
    PyErr_SetString(PyExc_ImportError,
                    "gilscope does not import in a sub-interpreter of Python 3.11: use 3.12 or newer");
    return nullptr;
  }
#endif
  return PyInit_native();
}
