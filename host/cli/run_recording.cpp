#include <Python.h>

#include "cli/run_recording.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <unistd.h>

#include <spdlog/spdlog.h>

#include "probe/pair_cost.h"
#include "probe/probe_error.h"
#include "recording/recording.h"
#include "report/summary_report.h"
#include "run/trial_runner.h"
#include "support/error.h"

namespace gilscope::cli {
namespace {

// Where children find the recording. Set only after Python has read its environment: os.environ does not show
// it, and a script that empties os.environ does not unset it.
constexpr const char* kVariable = "GILSCOPE_RECORDING";

// Never destroyed: threads that Python leaves behind may be in a hook until the very end.
struct Run {
  RunOptions options;
  std::vector<std::string> command;
  std::unique_ptr<Recording> recording;  // nullptr: there is no GIL
  pid_t process = 0;
  bool is_reported = false;
  bool is_interrupted = false;                // by a KeyboardInterrupt that the script did not handle
  std::optional<bool> was_interrupt_blocked;  // since Python has ended: whether the script had blocked SIGINT
};
Run* run = nullptr;

Recording* recording_of_child = nullptr;

PyObject* name_thread(PyObject* recording, PyObject* arguments) {
  unsigned long thread = 0;
  const char* name = nullptr;
  Py_ssize_t size = 0;
  PyObject* text = nullptr;
  if (PyArg_ParseTuple(arguments, "kU", &thread, &text) == 0) return nullptr;
  name = PyUnicode_AsUTF8AndSize(text, &size);
  if (name == nullptr) {  // a lone surrogate
    PyErr_Clear();
    Py_RETURN_NONE;
  }
  static_cast<Recording*>(PyCapsule_GetPointer(recording, nullptr))
      ->name_thread(ThreadId{static_cast<std::uint32_t>(thread)},
                    std::string_view(name, static_cast<std::size_t>(size)));
  Py_RETURN_NONE;
}

PyObject* end_thread(PyObject* recording, PyObject* id) {
  const unsigned long thread = PyLong_AsUnsignedLong(id);
  if (PyErr_Occurred() != nullptr) return nullptr;
  static_cast<Recording*>(PyCapsule_GetPointer(recording, nullptr))
      ->end_thread(ThreadId{static_cast<std::uint32_t>(thread)});
  Py_RETURN_NONE;
}

// Of this process, or of a child that was forked from it.
PyObject* leave_process(PyObject* recording, PyObject* /*unused*/) {
  static_cast<Recording*>(PyCapsule_GetPointer(recording, nullptr))->stop();
  Py_RETURN_NONE;
}

PyObject* note_interrupt(PyObject* /*unused*/, PyObject* /*unused*/) {
  if (run != nullptr) run->is_interrupted = true;
  Py_RETURN_NONE;
}

// The value of kVariable in this process.
std::string recording_path;

PyObject* announce(PyObject* /*unused*/, PyObject* /*unused*/) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): called with the GIL held, as Python's own changes are
  if (!recording_path.empty()) setenv(kVariable, recording_path.c_str(), 1);
  Py_RETURN_NONE;
}

PyMethodDef name_thread_method{"name_thread", name_thread, METH_VARARGS, nullptr};
PyMethodDef end_thread_method{"end_thread", end_thread, METH_O, nullptr};
PyMethodDef leave_process_method{"leave_process", leave_process, METH_NOARGS, nullptr};
PyMethodDef announce_method{"announce", announce, METH_NOARGS, nullptr};
PyMethodDef note_interrupt_method{"note_interrupt", note_interrupt, METH_NOARGS, nullptr};

// Names and exact ends are no more than comfort: where this fails the run goes on without.
void have_python_tell(Recording& recording) {
  PyObject* const capsule = PyCapsule_New(&recording, nullptr, nullptr);
  PyObject* const name = PyCFunction_New(&name_thread_method, capsule);
  PyObject* const end = PyCFunction_New(&end_thread_method, capsule);
  PyObject* const leave = PyCFunction_New(&leave_process_method, capsule);
  PyObject* const interrupted = PyCFunction_New(&note_interrupt_method, capsule);
  PyObject* const announcer = PyCFunction_New(&announce_method, capsule);
  PyObject* const bootstrap = PyImport_ImportModule("_gilscope_bootstrap");
  PyObject* const result = bootstrap == nullptr
                               ? nullptr
                               : PyObject_CallMethod(bootstrap, "tell_recording", "OOOOO", name, end, leave,
                                                     interrupted, announcer);
  if (result == nullptr) PyErr_Clear();
  for (PyObject* const object : {capsule, name, end, leave, interrupted, announcer, bootstrap, result})
    Py_XDECREF(object);
}

SummaryContext describe_context(const RecordedRun& recorded, int exit_code) {
  SummaryContext context{.command = run->command,
                         .exit_code = exit_code,
                         .clock = recorded.clock,
                         .unrecorded_processes = recorded.unrecorded_processes,
                         .were_slots_overwritten = recorded.losses.were_slots_overwritten};
  if (!run->options.common.json.empty()) {
    // The script may have left us a process in which nothing else starts: the figures are worth more than
    // this.
    try {
      auto doctor = nlohmann::ordered_json::parse(examine_in_child());
      context.python = std::move(doctor.at("python"));
      context.machine = std::move(doctor.at("machine"));
    } catch (const std::exception& error) {
      spdlog::warn("the JSON does not say which Python and machine it is of: {}", error.what());
    }
  }
  return context;
}

std::optional<double> measure_cost() {
  // Of the least memory: the script may have left us little (RLIMIT_AS).
  Counters scratch({.rows = 1, .gils = 1});
  return measure_pair_cost(scratch);
}

void write_report(int exit_code) {
  const auto& common = run->options.common;
  if (common.quiet && common.json.empty()) return;
  const RecordedRun recorded = run->recording ? run->recording->collect() : RecordedRun{};
  const RunSummary summary = summarize_run(recorded.processes, measure_cost());
  const SummaryContext context = describe_context(recorded, exit_code);
  if (!common.quiet) {
    const TextStyle style{.colour = wants_colour(STDERR_FILENO) ? Colour::On : Colour::Off};
    print_error('\n' + format_summary(summary, context, style));
  }
  if (!common.json.empty()) write_json(common, summary_json(summary, context));
}

int count_threads() noexcept {
  std::error_code error;
  int count = 0;
  for (std::filesystem::directory_iterator threads("/proc/self/task", error);
       !error && threads != std::filesystem::directory_iterator(); threads.increment(error)) {
    ++count;
  }
  return count;
}

sigset_t only_interrupt() {
  sigset_t set{};
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

// At the end of Py_FinalizeEx, which comes before all ends that Python makes: the return of Py_RunMain,
// exit() in it (sys.exit, up to 3.14.6), and the signal that it sends itself for an unhandled
// KeyboardInterrupt. That signal is kept back until the report is out.
void on_end_of_python() {
  if (run == nullptr) return;
  if (run->recording != nullptr) run->recording->stop();
  if (getpid() != run->process) return;
  sigset_t before{};
  const sigset_t interrupt = only_interrupt();
  pthread_sigmask(SIG_BLOCK, &interrupt, &before);
  run->was_interrupt_blocked = sigismember(&before, SIGINT) == 1;
  // Where daemon threads are left, the signal that Python sends finds one of them, and ends the process.
  if (run->is_interrupted && count_threads() > 1) report_run(128 + SIGINT);
}

void on_exit_of_process(int exit_code, void* /*unused*/) { report_run(exit_code); }

ProcessRole role_of(const std::vector<std::string>& arguments) {
  const auto is_server = [](const std::string& argument) {
    return argument.find("from multiprocessing.forkserver import") != std::string::npos;
  };
  return std::ranges::any_of(arguments, is_server) ? ProcessRole::Server : ProcessRole::Spawn;
}

bool is_resource_tracker(const std::vector<std::string>& arguments) {
  return std::ranges::any_of(arguments, [](const std::string& argument) {
    return argument.find("from multiprocessing.resource_tracker import") != std::string::npos;
  });
}

std::unique_ptr<Recording> make_recording() {
  try {
    return std::make_unique<Recording>(Reach::WithChildren);
  } catch (const Error& error) {
    spdlog::warn("child processes are not recorded: {}", error.what());
    return std::make_unique<Recording>(Reach::ThisProcess);
  }
}

}  // namespace

void begin_recording(const RunOptions& options, const std::vector<std::string>& command) {
  if (options.no_probe) return;
  run = new Run{.options = options, .command = command, .process = getpid()};
  // The script may change the folder before the file is written.
  std::string& json = run->options.common.json;
  if (!json.empty() && json != "-") json = std::filesystem::absolute(json).string();
  try {
    auto recording = make_recording();
    recording->start();
    run->recording = std::move(recording);
  } catch (const ProbeError& error) {
    if (error.failure() != ProbeFailure::NoGil) {
      throw ProbeError(error.failure(), error.what(), error.hint() + "; --no-probe runs without tracing");
    }
  }
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread of this process reads the environment yet
  if (run->recording != nullptr) setenv(kVariable, (recording_path = run->recording->path()).c_str(), 1);
  if (run->recording != nullptr) have_python_tell(*run->recording);
  Py_AtExit(on_end_of_python);
  on_exit(on_exit_of_process, nullptr);
}

void report_run(int exit_code) noexcept {
  if (run == nullptr || run->is_reported || getpid() != run->process) return;
  run->is_reported = true;
  if (run->recording) run->recording->stop();
  sigset_t pending{};
  sigpending(&pending);
  // Python ended by an unhandled KeyboardInterrupt: the signal waits for us. One that the script had blocked
  // may wait as well, and goes on waiting: as under `python`, it ends nothing.
  const bool is_ours = run->was_interrupt_blocked == false;
  const bool is_interrupted = is_ours && sigismember(&pending, SIGINT) == 1;
  try {
    write_report(is_interrupted ? 128 + SIGINT : static_cast<unsigned char>(exit_code));
  } catch (const Error& error) {
    print_error(fmt::format("gilscope: {}\n", error.what()));
    if (!error.hint().empty()) print_error(fmt::format("  try: {}\n", error.hint()));
  } catch (const std::exception& error) {
    print_error(fmt::format("gilscope: no report: {}\n", error.what()));
  }
  const sigset_t interrupt = only_interrupt();
  if (is_ours) pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

std::string take_recording() {
  // NOLINTBEGIN(concurrency-mt-unsafe): this process has one thread yet
  const char* const found = std::getenv(kVariable);
  std::string path = found == nullptr ? "" : found;
  unsetenv(kVariable);
  // NOLINTEND(concurrency-mt-unsafe)
  return path;
}

void join_recording(const std::string& path, const std::vector<std::string>& arguments) noexcept {
  if (path.empty() || is_resource_tracker(arguments)) return;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread of this process reads the environment yet
  setenv(kVariable, (recording_path = path).c_str(), 1);
  try {
    recording_of_child = Recording::join(path, role_of(arguments)).release();
    if (recording_of_child == nullptr) return;
    recording_of_child->start();
    have_python_tell(*recording_of_child);
    Py_AtExit([] { recording_of_child->stop(); });
  } catch (const std::exception& error) {
    spdlog::debug("this child is not recorded: {}", error.what());
  }
}

}  // namespace gilscope::cli
