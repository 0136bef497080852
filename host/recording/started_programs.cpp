// The hooks run in the child of fork() or vfork(), where but for system calls nothing is allowed, and memory
// may be the parent's: all that they write is on the stack or in the shared table.
#include "recording/started_programs.h"

#include <algorithm>
#include <alloca.h>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <list>
#include <span>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "probe/elf_slots.h"
#include "probe/slot_patch.h"
#include "recording/start_kind.h"
#include "support/sort_stably.h"

namespace gilscope {
namespace {

constexpr std::string_view kPythonPath = "PYTHONPATH=";
constexpr std::string_view kRecordingPath = "GILSCOPE_RECORDING=";  // host/cli/recording_bridge.h

#define GILSCOPE_STARTS(START)                                                                      \
  START(execv, (const char* path, char* const argv[]))                                              \
  START(execve, (const char* path, char* const argv[], char* const envp[]))                         \
  START(system, (const char* command))                                                              \
  START(fexecve, (int file, char* const argv[], char* const envp[]))                                \
  START(posix_spawn, (pid_t * pid, const char* path, const posix_spawn_file_actions_t* actions,     \
                      const posix_spawnattr_t* attributes, char* const argv[], char* const envp[])) \
  START(posix_spawnp, (pid_t * pid, const char* path, const posix_spawn_file_actions_t* actions,    \
                       const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]))

struct StartCalls {
// NOLINTNEXTLINE(bugprone-macro-parentheses): a member's name takes none
#define GILSCOPE_START(name, parameters) decltype(&::name) name;
  GILSCOPE_STARTS(GILSCOPE_START)
#undef GILSCOPE_START
};

StartCalls start_calls{};
// What is passed on, as it was announced: what stands in the shared table another process may have written
// over.
struct PassedOn {
  std::array<char, sizeof(StartedPrograms::entry) + 1> entry{};
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t owner = 0;
};
PassedOn passed_on;
StartedPrograms* started_table = nullptr;
ProcessNote* note_of_process = nullptr;
ProbeClock start_clock;

// Whose stacks may be small.
constexpr std::size_t kMaxVariables = 1024;
constexpr std::size_t kMaxPathBytes = 4096;

bool is_owner() noexcept { return static_cast<std::uint64_t>(getpid()) == passed_on.owner; }

// Whether others find there what was announced: its process lives, has not closed it, and lets this one see
// it.
bool is_still_there() noexcept {
  struct stat status{};
  return stat(passed_on.entry.data(), &status) == 0 && status.st_dev == passed_on.device &&
         status.st_ino == passed_on.inode;
}

StartedProgram* note_python(const char* path, char* const argv[]) noexcept {
  const auto number = std::atomic_ref(started_table->count.raw).fetch_add(1, std::memory_order_relaxed);
  if (number >= StartedPrograms::kPrograms) return nullptr;
  StartedProgram& program = started_table->programs[number];
  std::size_t used = 0;
  const auto append = [&](std::string_view text) {
    const auto size = std::min(text.size(), program.command.size() - 1 - used);
    std::memcpy(program.command.data() + used, text.data(), size);
    used += size;
  };
  // The binary that embeds Python goes by the name of that.
  append(name_of_program(name_of_program(path) == "gilscope" && argv[0] != nullptr ? argv[0] : path));
  for (char* const* word = argv[0] == nullptr ? argv : argv + 1; *word != nullptr; ++word) {
    append(" ");
    append(*word);
  }
  program.ticks.set(start_clock.read());
  return &program;
}

void count_other() noexcept {
  std::atomic_ref(started_table->others.raw).fetch_add(1, std::memory_order_relaxed);
}

// What is changed in the environment of a program, and what that takes on the caller's stack: the program is
// started from there.
struct Change {
  bool adds_path = false;
  bool drops_recording = false;
  std::size_t variables = 0;
  std::size_t path_bytes = 0;
};

const char* python_path_of(char* const envp[]) noexcept {
  for (; *envp != nullptr; ++envp) {
    if (std::string_view(*envp).starts_with(kPythonPath)) return *envp + kPythonPath.size();
  }
  return nullptr;
}

// A child of multiprocessing whose code begins with ours (host/run/bootstrap.py) joins by that variable.
bool joins_by_itself(char* const argv[]) noexcept {
  for (; *argv != nullptr; ++argv) {
    if (std::strstr(*argv, "enter_child") != nullptr) return true;
  }
  return false;
}

// The host's binary, as which multiprocessing starts its children.
bool is_own_program(const char* path) noexcept {
  struct stat status{};
  struct stat own{};
  return path != nullptr && stat("/proc/self/exe", &own) == 0 && stat(path, &status) == 0 &&
         status.st_dev == own.st_dev && status.st_ino == own.st_ino;
}

// `is_own`: it is the binary that records. `is_gone`: this process takes with it what others would look for.
Change change_for(Started kind, bool is_own, char* const argv[], char* const envp[], bool is_gone) noexcept {
  if (envp == nullptr || argv == nullptr) return {};
  const bool is_there = !is_gone && is_still_there();
  const bool joins = is_own || joins_by_itself(argv);
  Change change{.adds_path = is_there && kind == Started::Python && !joins,
                .drops_recording = !is_there || !joins};
  while (envp[change.variables] != nullptr) ++change.variables;
  change.variables += 2;
  const std::string_view entry = passed_on.entry.data();
  const char* const path = python_path_of(envp);
  const std::string_view value = path == nullptr ? "" : path;
  change.path_bytes = kPythonPath.size() + entry.size() + value.size() + 2;
  if (change.path_bytes > kMaxPathBytes || value.starts_with(entry)) change.adds_path = false;
  if (change.variables > kMaxVariables) return {};
  return change;
}

char* const* apply(const Change& change, char* const envp[], char** variables, char* path) noexcept {
  std::size_t used = 0;
  const char* const before = python_path_of(envp);
  for (; *envp != nullptr; ++envp) {
    const std::string_view variable = *envp;
    if (change.adds_path && variable.starts_with(kPythonPath)) continue;
    if (change.drops_recording && variable.starts_with(kRecordingPath)) continue;
    variables[used++] = *envp;
  }
  if (change.adds_path) {
    char* end = path;
    const auto append = [&](std::string_view text) { end = std::ranges::copy(text, end).out; };
    append(kPythonPath);
    append(passed_on.entry.data());
    if (before != nullptr) append(":");  // an empty one is to be empty again
    append(before == nullptr ? "" : before);
    *end = '\0';
    variables[used++] = path;
  }
  variables[used] = nullptr;
  return variables;
}

// Calls `start` with the environment that the program is to have, and with the note of a Python.
template <typename Call>
[[gnu::always_inline]] inline int start_with(const char* path, char* const argv[], char* const envp[],
                                             bool is_gone, const Call& call) noexcept {
  auto kind = argv == nullptr ? Started::Other : judge_start(path, argv);
  const bool is_own = kind == Started::Other && argv != nullptr && is_own_program(path);
  if (is_own) kind = judge_own(argv);
  const Change change = change_for(kind, is_own, argv, envp, is_gone);
  StartedProgram* program = nullptr;
  const bool is_there = path != nullptr && (std::strchr(path, '/') == nullptr || access(path, X_OK) == 0);
  const bool is_python = kind == Started::Python || kind == Started::Closed;
  if (is_there && !is_gone && is_python) program = note_python(path, argv);
  if (is_there && !is_gone && kind == Started::Other) count_other();
  char* const* environment = envp;
  if (change.adds_path || change.drops_recording) {
    auto* const variables = static_cast<char**>(alloca(change.variables * sizeof(char*)));
    auto* const bytes = static_cast<char*>(alloca(change.adds_path ? change.path_bytes : 1));
    environment = apply(change, envp, variables, bytes);
  }
  return call(environment, program);
}

// It is this process that becomes the program. Where what it would pass on is its own, that is gone then.
template <typename Call>
[[gnu::always_inline]] inline int become(const char* path, char* const argv[], char* const envp[],
                                         const Call& call) noexcept {
  return start_with(path, argv, envp, is_owner(), [&](char* const* environment, StartedProgram* program) {
    const auto pid = static_cast<std::uint64_t>(getpid());
    if (program != nullptr) program->pid.set(pid);
    // Of the child of vfork() it would be the parent's; the first one notes it elsewhere.
    ProcessNote* const note =
        note_of_process->pid.read() == pid && pid != passed_on.owner ? note_of_process : nullptr;
    if (note != nullptr) note->exec_ticks.set(start_clock.read());
    int result = call(environment);
    // There may have been place for all but what is ours.
    if (errno == E2BIG && environment != envp) result = call(envp);
    if (program != nullptr) program->pid.set(0);
    if (note != nullptr) note->exec_ticks.set(0);
    return result;
  });
}

int start_execve(const char* path, char* const argv[], char* const envp[]) {
  return become(path, argv, envp,
                [&](char* const* environment) { return start_calls.execve(path, argv, environment); });
}

int start_execv(const char* path, char* const argv[]) { return start_execve(path, argv, environ); }

int start_fexecve(int file, char* const argv[], char* const envp[]) {
  const char* const path = argv == nullptr || argv[0] == nullptr ? "" : argv[0];
  return become(path, argv, envp,
                [&](char* const* environment) { return start_calls.fexecve(file, argv, environment); });
}

int start_system(const char* command) {
  if (command != nullptr) count_other();
  return start_calls.system(command);
}

[[gnu::always_inline]] inline int spawn(decltype(&::posix_spawn) original, pid_t* pid, const char* path,
                                        const posix_spawn_file_actions_t* actions,
                                        const posix_spawnattr_t* attributes, char* const argv[],
                                        char* const envp[]) noexcept {
  return start_with(path, argv, envp, false, [&](char* const* environment, StartedProgram* program) {
    pid_t started = 0;
    int error = original(&started, path, actions, attributes, argv, environment);
    if (error == E2BIG && environment != envp) {
      error = original(&started, path, actions, attributes, argv, envp);
    }
    if (error != 0) return error;
    if (program != nullptr) program->pid.set(static_cast<std::uint64_t>(started));
    if (pid != nullptr) *pid = started;
    return 0;
  });
}

int start_posix_spawn(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                      const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  return spawn(start_calls.posix_spawn, pid, path, actions, attributes, argv, envp);
}

int start_posix_spawnp(pid_t* pid, const char* path, const posix_spawn_file_actions_t* actions,
                       const posix_spawnattr_t* attributes, char* const argv[], char* const envp[]) {
  return spawn(start_calls.posix_spawnp, pid, path, actions, attributes, argv, envp);
}

// Of the C library; RTLD_NEXT first: RTLD_DEFAULT finds a stub of the executable itself where that is not
// position-independent.
void* find_call(const LoadedObject& cpython, const char* name) noexcept {
  for (void* const scope : {RTLD_NEXT, RTLD_DEFAULT}) {
    void* const found = dlsym(scope, name);
    if (found != nullptr && !cpython.contains(reinterpret_cast<std::uintptr_t>(found))) return found;
  }
  return nullptr;
}

// The slots that lead to `original`, or have not been used yet. Others are somebody else's.
void add_start(const LoadedObject& object, std::string_view name, std::uintptr_t original,
               std::uintptr_t replacement, std::vector<SlotChange>& changes) {
  if (original == 0) return;
  for (const Slot& slot : object.find_slots(name)) {
    const std::uintptr_t target = std::atomic_ref(*slot.place).load(std::memory_order_relaxed);
    if (target != original && !object.contains(target)) continue;
    changes.push_back({.slot = slot, .original = target, .replacement = replacement});
  }
}

void patch_starts(const LoadedObject& object) {
  std::vector<SlotChange> changes;
#define GILSCOPE_START(name, parameters)                                       \
  add_start(object, #name, reinterpret_cast<std::uintptr_t>(start_calls.name), \
            reinterpret_cast<std::uintptr_t>(&start_##name), changes);
  GILSCOPE_STARTS(GILSCOPE_START)
#undef GILSCOPE_START
  // Never undone: programs are started up to the very end.
  static auto* const kept = new std::list<SlotPatch>;
  kept->emplace_back(changes);
}

}  // namespace

void announce_start(StartedPrograms& started, const std::string& entry, int file) noexcept {
  struct stat status{};
  if (entry.size() >= started.entry.size() || fstat(file, &status) != 0) return;
  started.device.set(status.st_dev);
  started.inode.set(status.st_ino);
  started.owner.set(static_cast<std::uint64_t>(getpid()));
  std::memcpy(started.entry.data(), entry.data(), entry.size());
}

void watch_starts(StartedPrograms& started, ProcessNote& note, ProbeClock clock) {
  if (started.entry.front() == '\0' || started_table != nullptr) return;
  // This one has joined; its own note may be one of several later.
  for (StartedProgram& program : started.programs) {
    if (program.pid.read() == static_cast<std::uint64_t>(getpid())) program.pid.set(0);
  }
  const auto cpython = LoadedObject::of_cpython();
#define GILSCOPE_START(name, parameters) \
  start_calls.name = reinterpret_cast<decltype(start_calls.name)>(find_call(cpython, #name));
  GILSCOPE_STARTS(GILSCOPE_START)
#undef GILSCOPE_START
  std::ranges::copy(started.entry, passed_on.entry.begin());
  passed_on.device = started.device.read();
  passed_on.inode = started.inode.read();
  passed_on.owner = started.owner.read();
  started_table = &started;
  note_of_process = &note;
  start_clock = clock;
  patch_starts(cpython);
}

void watch_starts_of(const void* function) {
  if (started_table == nullptr) return;
  const auto object = LoadedObject::containing(function);
  if (!object.contains(reinterpret_cast<std::uintptr_t>(&start_execve))) patch_starts(object);
}

std::vector<UnrecordedProgram> find_unrecorded(const StartedPrograms& started,
                                               std::span<const JoinedProcess> joined) {
  std::vector<UnrecordedProgram> programs;
  const auto count = std::min<std::uint64_t>(started.count.read(), StartedPrograms::kPrograms);
  for (const StartedProgram& program : std::span(started.programs).first(count)) {
    const auto pid = program.pid.read();
    const auto has_joined = [&](const JoinedProcess& process) {
      return process.pid == pid && process.begin >= program.ticks.read();
    };
    if (pid == 0 || std::ranges::any_of(joined, has_joined)) continue;
    const std::string command(program.command.data(),
                              strnlen(program.command.data(), program.command.size()));
    const auto same = std::ranges::find(programs, command, &UnrecordedProgram::command);
    if (same == programs.end()) {
      programs.push_back({.command = command, .count = 1});
    } else {
      ++same->count;
    }
  }
  sort_stably(programs, [](const auto& left, const auto& right) { return left.count > right.count; });
  return programs;
}

std::string without_start(const std::string& python_path) {
  // "/proc/PID/fd/N", and what follows it.
  const auto end = python_path.find(':');
  const std::string_view first = std::string_view(python_path).substr(0, end);
  constexpr std::string_view kBegin = "/proc/";
  constexpr std::string_view kMiddle = "/fd/";
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const auto middle = first.find(kMiddle);
  const bool is_ours = first.starts_with(kBegin) && middle != std::string_view::npos &&
                       is_number(first.substr(kBegin.size(), middle - kBegin.size())) &&
                       is_number(first.substr(middle + kMiddle.size()));
  if (!is_ours) return python_path;
  return end == std::string::npos ? "" : python_path.substr(end + 1);
}

}  // namespace gilscope
