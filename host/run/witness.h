// A process that outlives this one, to tell what it can no longer tell: whoever is killed, or leaves by
// os._exit, runs nothing any more. It is no child of this process (no wait() meets it), in a session of its
// own, deaf to what ends others, and gone as soon as this process has ended and all is told. See
// docs/decisions/0026.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gilscope {

// How a process ended, as shells and reports say it.
struct ProcessEnd {
  std::optional<int> exit_code;  // 128 + the number of a signal; empty: nobody knows
  std::string by;                // as RunNotes has it
};
// `status` as waitpid() has it.
[[nodiscard]] ProcessEnd end_of_process(std::optional<int> status);

struct WitnessPlan {
  std::vector<int> files;    // that it keeps open, beside standard error
  void (*part)() = [] {};    // runs there at once
  void (*tell)(ProcessEnd);  // runs there once this process has ended, unless it dismissed the witness
  // Runs there each `interval` until then, and when this process asks, which gets what it returns; nullptr:
  // there is nothing to look at.
  std::string (*look)(bool is_asked) = nullptr;
  std::chrono::milliseconds interval{100};
};

// False where there can be none: this process would be its parent (it is the first one of its PID namespace,
// or a sub-reaper), has other threads already, or the system gives no process. Once; this process has started
// nothing of the user's yet.
bool post_witness(const WitnessPlan& plan) noexcept;

// Has it look at once. Empty where there is nobody, or no answer within that time.
std::optional<std::string> ask_witness(std::chrono::milliseconds patience) noexcept;

// There is nothing more to tell but `rest`, which was on its way to standard error when nobody read that.
void dismiss_witness(std::string_view rest) noexcept;

}  // namespace gilscope
