#include <Python.h>

#include "cli/run_recording.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <new>
#include <optional>
#include <unistd.h>
#include <utility>

#include "cli/last_words.h"
#include "cli/recording_bridge.h"
#include "cli/run_flight.h"
#include "probe/probe_error.h"
#include "recording/address_space.h"
#include "recording/recording.h"
#include "recording/recording_cost.h"
#include "report/summary_report.h"
#include "run/child.h"
#include "run/start_archive.h"
#include "run/surroundings.h"
#include "run/trial_runner.h"
#include "run/witness.h"
#include "support/error.h"
#include "support/log.h"
#include "support/system_files.h"

namespace gilscope::cli {
namespace {

// Never destroyed: threads that Python leaves behind may be in a hook until the very end.
struct Run {
  RunOptions options;
  std::vector<std::string> command;
  Surroundings surroundings;              // null where nobody asks
  std::unique_ptr<RunCapture> capture;    // nullptr: events are counted, not kept
  std::unique_ptr<Recording> recording;   // nullptr: there is no GIL, and nothing else to record
  std::unique_ptr<RunFlight> flight;      // nullptr: no rings are kept
  std::unique_ptr<StartArchive> archive;  // that Pythons read first; nullptr: they are not recorded
  LastWords words;
  pid_t process = 0;
  bool has_witness = false;  // who reports where this process cannot
  bool is_reported = false;
  bool is_interrupted = false;                // by a KeyboardInterrupt that the script did not handle
  std::optional<bool> was_interrupt_blocked;  // since Python has ended: whether the script had blocked SIGINT
};
Run* run = nullptr;

Recording* recording_of_child = nullptr;

void note_interrupt() { run->is_interrupted = true; }

// Whether anybody wants to know, beside the capture.
bool is_told() {
  const auto& common = run->options.common;
  return !common.quiet || !common.json.empty() || !run->options.report.empty();
}

// Each of them is delivered whatever becomes of the other. `folder`: of the capture, "" for none.
void deliver(const RunSummary& summary, const SummaryContext& context, const std::string& folder) {
  const auto& common = run->options.common;
  std::optional<Error> failure;
  const auto attempt = [&](const auto& write) {
    try {
      write();
    } catch (const Error& error) {
      if (failure) run->words.fail(error);
      if (!failure) failure = error;
    }
  };
  if (!common.quiet || !run->options.report.empty()) {
    attempt([&] {
      run->words.report([&](const TextStyle& style) {
        auto text = format_summary(summary, style);
        if (run->flight) text += run->flight->text();
        if (folder.empty()) return text;
        return text + fmt::format("The capture is in {}: gilscope report shows it again.\n",
                                  replace_controls(folder));
      });
    });
  }
  if (!common.json.empty()) attempt([&] { write_json(common, summary_json(summary, context)); });
  if (failure) throw Error(*failure);
}

void report_counters(const ProcessEnd& end) {
  if (!is_told()) return;
  RecordedRun recorded = run->recording ? run->recording->collect() : RecordedRun{.has_gil = false};
  if (recorded.has_gil) recorded.pair_cost_ns = measure_counting_cost();
  recorded.exit_code = end.exit_code;
  recorded.ended_by = end.by;
  deliver(summarize_run(recorded),
          {.python = run->surroundings.python, .machine = run->surroundings.machine, .command = run->command},
          "");
}

void add_notes(const RunNotes& notes) {
  if (!run->capture->has_rings()) return run->capture->add_notes(notes);
  run->capture->take_from_rings(find_last_span(run->recording.get()), notes);
}

void report_capture(const ProcessEnd& end) {
  RunNotes notes = run->recording ? run->recording->notes() : RunNotes{.has_gil = false};
  if (notes.has_gil) notes.pair_cost_ns = measure_capture_cost();
  notes.exit_code = end.exit_code;
  notes.ended_by = end.by;
  try {
    add_notes(notes);
  } catch (const Error& error) {
    run->words.fail(error);
  }
  if (!is_told() && list_exports(run->options.capture.exports).empty()) return;
  const RecordedRun recorded = run->capture->read(notes, throw_if_interrupted);
  std::optional<Error> failure;
  try {
    SummaryContext context = run->capture->context();
    if (run->flight) context.kept = run->flight->json();
    deliver(summarize_run(recorded), context, run->capture->kept_folder());
  } catch (const Error& error) {  // the other output is worth having all the same
    failure = error;
  }
  run->capture->write_exports(recorded);
  if (failure) throw Error(*failure);
}

// Returns the signal that ended it, if one did.
std::optional<int> write_report(const ProcessEnd& end) {
  try {
    if (run->capture) {
      report_capture(end);
    } else {
      report_counters(end);
    }
  } catch (const Error& error) {
    run->words.fail(error);
  } catch (const Interrupted& interrupted) {
    const auto& folder = run->capture->kept_folder();
    run->words.fail(
        {"interrupted before the report was whole", folder.empty() ? "" : "gilscope report " + folder});
    return interrupted.signal;
  } catch (const std::exception& error) {
    run->words.fail({std::string("no report: ") + error.what(), ""});
  }
  return std::nullopt;
}

// The script has chosen an end after which nothing of this process runs. Where nobody would tell of it then,
// it is told now; and nothing of ours is left behind.
void leave(int status) {
  if (run->has_witness) return;
  if (getpid() == run->process && !std::exchange(run->is_reported, true)) {
    write_report({.exit_code = static_cast<unsigned char>(status), .by = "exit"});
  }
  if (run->capture) run->capture->end();
}

std::string text_of_sys(const char* name) {
  PyObject* const text = PySys_GetObject(name);
  PyObject* const bytes = text == nullptr ? nullptr : PyUnicode_EncodeFSDefault(text);
  std::string value = bytes == nullptr ? "" : PyBytes_AsString(bytes);
  Py_XDECREF(bytes);
  PyErr_Clear();
  return value;
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

// In the witness, at once and later.
void outlive() {
  run->process = getpid();
  if (run->recording) run->recording->outlive();
}

std::string look_at_flight(bool is_asked) { return run->flight->look(run->recording->file(), is_asked); }

// What there was to dump, which the witness knows; it writes what is due at once.
void ask_for_dumps() {
  if (!run->flight || !run->has_witness) return;
  constexpr std::chrono::seconds kPatience{10};
  if (const auto told = ask_witness(kPatience)) run->flight->take(*told);
}

void tell(ProcessEnd end) {
  if (run->flight && run->recording) look_at_flight(true);
  if (run->recording && run->recording->note_death()) end.by = "exec";
  if (run->capture) run->capture->take_over();
  write_report(end);
  if (run->capture) run->capture->end();
}

void post_witness_of_run() {
  if (!is_told() && !run->capture) return;
  if (run->recording && run->recording->path().empty()) return;  // it could read nothing
  std::vector<int> files;
  if (run->recording) files.push_back(run->recording->file());
  const bool is_printed = run->options.common.json == "-" || run->options.report == "-";
  if (is_printed) files.push_back(STDOUT_FILENO);
  const auto look = run->flight && run->recording ? look_at_flight : nullptr;
  run->has_witness = post_witness({.files = files, .part = outlive, .tell = tell, .look = look});
  run->words.expect_successor(run->has_witness);
  if (!run->has_witness) log_debug("nobody reports where this process is killed");
  if (!run->has_witness && look != nullptr) run->flight->warn_of_nobody();
}

// The script may change the folder before it is written.
std::string absolute_file(const std::string& file) {
  return file.empty() || file == "-" ? file : std::filesystem::absolute(file).string();
}

std::unique_ptr<Recording> make_recording() {
  const auto capture = run->capture ? std::optional(run->capture->plan()) : std::nullopt;
  try {
    return std::make_unique<Recording>(Reach::WithChildren, capture, run->options.stacks);
  } catch (const Error& error) {
    log_warning("child processes are not recorded: {}", error.what());
    return std::make_unique<Recording>(Reach::ThisProcess, capture, run->options.stacks);
  }
}

void pass_on_to_children(const Invocation& invocation) {
  try {
    StartPlan plan{.recording = run->recording->path(),
                   .version = GILSCOPE_VERSION,
                   .host = {},
                   .python = {},
                   .prefix = {}};
    if (invocation.host.linkage() != Linkage::Stock) {
      plan.host = invocation.host.program().command.front();
      plan.python = Py_GetVersion();
      plan.prefix = text_of_sys("base_exec_prefix");
    }
    run->archive = std::make_unique<StartArchive>(plan);
    run->recording->pass_on(run->archive->path(), run->archive->file());
  } catch (const Error& error) {
    log_debug("only the children of multiprocessing and of fork are recorded: {}", error.what());
  }
}

// Whether the code of -c runs that function of multiprocessing, or of what imitates it (multiprocess).
bool runs(const std::vector<std::string>& arguments, std::string_view import) {
  return std::ranges::any_of(
      arguments, [&](const std::string& argument) { return argument.find(import) != std::string::npos; });
}

ProcessRole role_of_command(const std::vector<std::string>& arguments) {
  if (runs(arguments, ".forkserver import main")) return ProcessRole::Server;
  return runs(arguments, ".spawn import spawn_main") ? ProcessRole::Spawn : ProcessRole::Started;
}

// Without Python's flags, and the folders of a script.
std::string name_of_command(const std::vector<std::string>& arguments) {
  auto word = arguments.begin();
  while (word != arguments.end() && word->starts_with('-') && *word != "-c" && *word != "-m" &&
         *word != "-") {
    word += (*word == "-W" || *word == "-X") && word + 1 != arguments.end() ? 2 : 1;
  }
  if (word == arguments.end()) return "python";
  std::string name = word->starts_with('-') ? *word : std::filesystem::path(*word).filename().string();
  while (++word != arguments.end()) name += ' ' + *word;
  return name;
}

}  // namespace

void begin_recording(const RunOptions& options, const Invocation& invocation) {
  if (options.no_probe) return;
  if (const auto lack = lack_of_addresses()) {
    // The program runs, whatever there is no room for.
    log_warning("this process is not traced, and there is no report: {}", *lack);
    return;
  }
  // Only a capture and the JSON say which Python they are of.
  const bool is_described = options.capture.is_wanted() || !options.common.json.empty();
  const auto surroundings = is_described ? look_around(invocation.host.linkage()) : Surroundings{};
  // Not before Python has started: `--version` and wrong flags end it there, and leave no folder.
  std::unique_ptr<RunCapture> capture;
  if (options.capture.is_wanted()) {
    auto capture_options = options.capture;
    auto& sources = capture_options.exports.sources;
    sources.folders = find_program_folders();
    std::error_code error;  // somebody may have deleted it
    sources.base = std::filesystem::current_path(error);
    capture = std::make_unique<RunCapture>(std::move(capture_options), invocation.command, surroundings,
                                           options.common.existing());
  }
  run = new Run{.options = options,
                .command = invocation.command,
                .surroundings = surroundings,
                .capture = std::move(capture),
                .flight = options.flight.is_wanted() ? std::make_unique<RunFlight>(options.flight) : nullptr,
                .words = {absolute_file(options.report), options.common.existing()},
                .process = getpid()};
  run->options.common.json = absolute_file(options.common.json);
  try {
    auto recording = make_recording();
    if (options.no_children) recording->exclude_children();
    recording->note_command(invocation.command);
    recording->start();
    run->recording = std::move(recording);
    if (run->flight) run->flight->watch_signal(*run->recording);
    const bool has_children = !options.no_children && !run->recording->path().empty();
    if (has_children) announce_recording(run->recording->path());
    have_python_tell(*run->recording, {.interrupted = note_interrupt, .leaving = leave});
    if (has_children) pass_on_to_children(invocation);
  } catch (const ProbeError& error) {
    if (error.failure() != ProbeFailure::NoGil) {
      if (run->capture) run->capture->discard();
      throw ProbeError(error.failure(), error.what(), error.hint() + "; --no-probe runs without tracing");
    }
  } catch (const Error&) {
    if (run->capture) run->capture->discard();
    throw;
  } catch (const std::bad_alloc&) {
    log_warning("this process is not traced, and there is no report: no memory for it");
    if (run->capture) run->capture->discard();
    run = nullptr;
    return;
  }
  post_witness_of_run();
  pthread_atfork(nullptr, nullptr, [] {
    if (run != nullptr) run->words.close_in_child();
  });
  Py_AtExit(on_end_of_python);
  on_exit(on_exit_of_process, nullptr);
}

void report_run(int exit_code) noexcept {
  if (run == nullptr || run->is_reported || getpid() != run->process) return;
  run->is_reported = true;
  if (run->recording) run->recording->stop();
  ask_for_dumps();
  sigset_t pending{};
  sigpending(&pending);
  // Python ended by an unhandled KeyboardInterrupt: the signal waits for us. One that the script had blocked
  // may wait as well, and goes on waiting: as under `python`, it ends nothing.
  const bool is_ours = run->was_interrupt_blocked == false;
  const bool is_interrupted = is_ours && sigismember(&pending, SIGINT) == 1;
  const int code = is_interrupted ? 128 + SIGINT : static_cast<unsigned char>(exit_code);
  const sigset_t interrupt = only_interrupt();
  std::optional<int> ended_by;
  if (run->capture && is_ours) {
    const timespec at_once{};
    if (is_interrupted) sigtimedwait(&interrupt, nullptr, &at_once);
    const InterruptGuard guard;
    pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
    ended_by = write_report({.exit_code = code, .by = {}});
    pthread_sigmask(SIG_BLOCK, &interrupt, nullptr);
  } else {
    write_report({.exit_code = code, .by = {}});
  }
  if (run->capture) run->capture->end();
  dismiss_witness(run->words.rest());
  // What Python, or the user, wanted to end this process by.
  if (is_interrupted && run->capture) ended_by = SIGINT;
  if (ended_by) kill(getpid(), *ended_by);
  if (is_ours) pthread_sigmask(SIG_UNBLOCK, &interrupt, nullptr);
}

void join_recording(const std::string& path, const std::vector<std::string>& arguments) noexcept {
  if (path.empty() || recording_of_child != nullptr || runs(arguments, "resource_tracker import main"))
    return;
  announce_recording(path);
  try {
    const auto role = role_of_command(arguments);
    recording_of_child = Recording::join(path, role).release();
    if (recording_of_child == nullptr) return;
    recording_of_child->start();
    if (role == ProcessRole::Started) {
      recording_of_child->name_process(name_of_command(arguments), NamedBy::Command);
    }
    have_python_tell(*recording_of_child, {});
    Py_AtExit([] { recording_of_child->stop(); });
    recording_of_child->watch_starts();
  } catch (const std::exception& error) {
    log_debug("this child is not recorded: {}", error.what());
  }
}

void leave_recording() noexcept {
  if (recording_of_child != nullptr) recording_of_child->stop();
}

}  // namespace gilscope::cli
