// Runs a child process under a time limit, and leaves nothing of it behind: neither its process group nor
// what moved out of it. One child at a time; called from the main thread. For a process that runs nothing of
// the user's: it becomes a sub-reaper, and whatever child comes to it meanwhile is taken for one of the
// child's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "support/file.h"
#include "support/time.h"

namespace gilscope {

// Where what a child prints goes.
enum class ChildOutput : std::uint8_t {
  Read,        // both streams into the result
  OnlyErrors,  // standard output is dropped
  Shown,       // both are this process's own
};

struct ChildCommand {
  std::vector<std::string> arguments;                            // the first is the program's path
  std::vector<std::pair<std::string, std::string>> environment;  // set on top of this process's own
  Nanoseconds timeout{};
  Nanoseconds grace{};  // to end by itself, where a signal interrupts us: it gets the signal, too
  ChildOutput output = ChildOutput::Read;
  bool takes_input = false;  // where this process's standard input is a file, the child reads it, too
};

struct ChildResult {
  enum class End { Exited, Signalled, TimedOut, Interrupted };
  End end = End::Exited;
  int code = 0;  // exit code, or the signal's number
  std::string output;
  std::string errors;  // the last kErrorTail bytes of standard error
  Nanoseconds wall{};  // from its start to its end
  Nanoseconds cpu{};   // of it, and of the children that it has waited for
};

// What a child may print on standard output, which is for the host's own records; more is an Error.
inline constexpr std::size_t kMaxOutput = std::size_t{64} << 20U;
inline constexpr std::size_t kErrorTail = std::size_t{16} << 10U;

// Readable once the process has ended; none where the system has no such thing (before Linux 5.3).
FileDescriptor open_pidfd(pid_t process) noexcept;

// "SIGTERM"; "signal 40" of one that has no name.
std::string signal_name(int number);

// The last line of a text that is not empty, "" where there is none.
std::string last_line(const std::string& text);

// Standard input is /dev/null, unless it takes a file: which is opened anew, and read from where this process
// would go on. Throws Error where the child cannot be started.
ChildResult run_child(const ChildCommand& command);

// While one of these lives, SIGINT, SIGTERM and SIGHUP end the running child instead of this process, but for
// those that this process was started to ignore.
class InterruptGuard {
 public:
  InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
  InterruptGuard(InterruptGuard&&) = delete;
  InterruptGuard& operator=(InterruptGuard&&) = delete;
  ~InterruptGuard();

  // The signal that came while one lives, if one did.
  [[nodiscard]] static std::optional<int> signal() noexcept;
};

}  // namespace gilscope
