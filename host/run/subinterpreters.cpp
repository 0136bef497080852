#include <Python.h>

#include "run/subinterpreters.h"

#include <atomic>
#include <barrier>
#include <csignal>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <fmt/core.h>

#include "run/detached.h"
#include "support/error.h"

namespace gilscope {
namespace {

// Creating interpreters in several threads at once deadlocks on 3.12, ending them at once breaks it too.
// Taken only while detached: a holder needs GILs.
std::mutex& creation_mutex() {
  static std::mutex mutex;
  return mutex;
}

// A sub-interpreter on the thread that made it: current, its GIL held, from construction to destruction.
class Subinterpreter {
 public:
  explicit Subinterpreter(PyInterpreterState* main) : main_state_(PyThreadState_New(main)) {
    const std::scoped_lock lock(creation_mutex());
    PyEval_RestoreThread(main_state_);
    create();
    if (state_ == nullptr) {
      PyThreadState_Clear(main_state_);
      PyThreadState_DeleteCurrent();
      throw Error("a sub-interpreter could not be created: " + failure_, "try fewer workers");
    }
  }
  Subinterpreter(const Subinterpreter&) = delete;
  Subinterpreter& operator=(const Subinterpreter&) = delete;
  Subinterpreter(Subinterpreter&&) = delete;
  Subinterpreter& operator=(Subinterpreter&&) = delete;

  ~Subinterpreter() {
    PyEval_SaveThread();
    const std::scoped_lock lock(creation_mutex());
    PyEval_RestoreThread(state_);
    Py_EndInterpreter(state_);
#if PY_VERSION_HEX < 0x030c0000
    PyThreadState_Swap(main_state_);  // the shared GIL is still held
#else
    PyEval_RestoreThread(main_state_);
#endif
    PyThreadState_Clear(main_state_);
    PyThreadState_DeleteCurrent();
  }

 private:
  void create() {
#if PY_VERSION_HEX < 0x030c0000
    state_ = Py_NewInterpreter();
    if (state_ == nullptr) {
      failure_ = "CPython gives no reason";
      PyThreadState_Swap(main_state_);
    }
#else
    PyInterpreterConfig config{};
    config.use_main_obmalloc = 0;              // an own GIL needs its own allocator,
    config.check_multi_interp_extensions = 1;  // and modules that agree to it
    config.allow_threads = 1;
    config.gil = PyInterpreterConfig_OWN_GIL;
    const PyStatus status = Py_NewInterpreterFromConfig(&state_, &config);
    if (PyStatus_Exception(status) != 0) {
      state_ = nullptr;
      failure_ = status.err_msg == nullptr ? "CPython gives no reason" : status.err_msg;
      PyThreadState_Swap(main_state_);
    }
#endif
  }

  PyThreadState* main_state_;
  PyThreadState* state_ = nullptr;
  std::string failure_;
};

// SIGINT would only set a flag of Python's that nobody reads while the main thread waits here: a trial is a
// process of its own, and ends at once instead.
class DefaultInterrupt {
 public:
  DefaultInterrupt() : previous_(std::signal(SIGINT, SIG_DFL)) {}
  DefaultInterrupt(const DefaultInterrupt&) = delete;
  DefaultInterrupt& operator=(const DefaultInterrupt&) = delete;
  DefaultInterrupt(DefaultInterrupt&&) = delete;
  DefaultInterrupt& operator=(DefaultInterrupt&&) = delete;
  ~DefaultInterrupt() { std::signal(SIGINT, previous_); }

 private:
  void (*previous_)(int);
};

// What the workers share. Everything but the jobs' own Python is done while detached.
struct Shared {
  Shared(unsigned workers, std::size_t job_count, const std::string& marshalled_spec,
         const WorkWatch* watcher)
      : ready(workers),
        started(workers),
        finished(workers, Finish{watcher}),
        jobs(job_count),
        spec(marshalled_spec),
        watch(watcher) {}

  // Runs once, before any worker goes on.
  struct Finish {
    const WorkWatch* watch;
    void operator()() const noexcept {
      if (watch != nullptr) watch->end();
    }
  };

  // For a worker that never came to be: the others do not wait for it.
  void drop_worker() {
    ready.arrive_and_drop();
    started.arrive_and_drop();
    finished.arrive_and_drop();
  }

  std::barrier<> ready;
  std::barrier<> started;
  std::barrier<Finish> finished;
  std::atomic_flag has_watcher;          // relaxed: the barriers order everything else
  std::atomic<std::size_t> next_job{0};  // relaxed is enough: it orders nothing but itself
  std::size_t jobs;
  const std::string& spec;
  const WorkWatch* watch;
};

// The text of the current exception, which is cleared. By the C API: pybind11's error_already_set takes the
// GIL of the interpreter that it knows, which is not this one.
std::string current_error() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyObject* text = value == nullptr ? nullptr : PyObject_Str(value);
  const char* utf8 = text == nullptr ? nullptr : PyUnicode_AsUTF8(text);
  std::string message = utf8 == nullptr ? "(no message)" : utf8;
  PyErr_Clear();
  Py_XDECREF(text);
  Py_XDECREF(traceback);
  Py_XDECREF(value);
  Py_XDECREF(type);
  return message;
}

std::string work_in_subinterpreter(Shared& shared) {
  PyObject* tasks = PyImport_ImportModule("_gilscope_trial_tasks");
  PyObject* worker = tasks == nullptr ? nullptr
                                      : PyObject_CallMethod(tasks, "start", "y#", shared.spec.data(),
                                                            static_cast<Py_ssize_t>(shared.spec.size()));
  {
    const Detached detached;
    shared.ready.arrive_and_wait();
  }
  if (shared.watch != nullptr && !shared.has_watcher.test_and_set(std::memory_order_relaxed)) {
    shared.watch->begin();
  }
  {
    const Detached detached;
    shared.started.arrive_and_wait();
  }
  while (worker != nullptr) {
    const auto job = shared.next_job.fetch_add(1, std::memory_order_relaxed);
    if (job >= shared.jobs) break;
    Py_XDECREF(PyObject_CallMethod(worker, "run_job", "n", static_cast<Py_ssize_t>(job)));
  }
  {
    const Detached detached;
    shared.finished.arrive_and_wait();
  }
  PyObject* bytes = worker == nullptr ? nullptr : PyObject_CallMethod(tasks, "finish", "O", worker);
  std::string report;
  if (bytes != nullptr)
    report.assign(PyBytes_AS_STRING(bytes), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes)));
  std::string failure = bytes == nullptr ? current_error() : "";
  Py_XDECREF(bytes);
  Py_XDECREF(worker);
  Py_XDECREF(tasks);
  if (!failure.empty()) throw Error("a sub-interpreter failed: " + failure, "");
  return report;
}

}  // namespace

std::vector<std::string> run_in_subinterpreters(unsigned workers, std::size_t jobs, const std::string& spec,
                                                const WorkWatch* watch) {
  PyInterpreterState* main = PyInterpreterState_Main();
  Shared shared(workers, jobs, spec, watch);
  std::vector<std::string> reports(workers);
  std::vector<std::optional<Error>> failures(workers);

  const auto work = [&](unsigned number) {
    std::optional<Subinterpreter> interpreter;
    try {
      interpreter.emplace(main);
    } catch (const Error& error) {
      failures[number] = error;
      shared.drop_worker();
      return;
    }
    try {
      reports[number] = work_in_subinterpreter(shared);
    } catch (const Error& error) {
      failures[number] = error;
    }
  };
  {
    const DefaultInterrupt interrupt;
    const Detached detached;
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < workers; ++number) {
      try {
        threads.emplace_back(work, number);
      } catch (const std::system_error& error) {
        failures[number] = Error(fmt::format("only {} of {} threads could be started: {}", number, workers,
                                             error.code().message()),
                                 "try fewer workers");
        for (unsigned missing = number; missing < workers; ++missing) shared.drop_worker();
        break;
      }
    }
    for (auto& thread : threads) thread.join();
  }
  for (const auto& failure : failures) {
    if (failure) throw Error(*failure);
  }
  return reports;
}

}  // namespace gilscope
