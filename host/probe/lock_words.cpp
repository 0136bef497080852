#include "probe/lock_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "support/library_file.h"

namespace gilscope {
namespace {

// Of threading.py: what waits there waits for what another thread does. All that is built on them has them as
// its innermost Python code.
constexpr std::array<std::string_view, 4> kWaitsForWork{"Condition.wait", "Thread.join",
                                                        "Thread._wait_for_tstate_lock", "_shutdown"};
// The same, written in C.
constexpr std::array<std::string_view, 2> kCallsForWork{"SimpleQueue.get", "_ThreadHandle.join"};

bool is_threading(const CodeWords& words) noexcept { return words.file().ends_with("/threading.py"); }

// Whoever has called a queue or a future knows nothing of the condition that it has.
bool is_built_on_locks(const CodeWords& words) noexcept {
  const bool is_one = is_threading(words) || words.file().ends_with("/queue.py") ||
                      words.file().ends_with("/concurrent/futures/_base.py");
  return is_one && words.function().find("<locals>") == std::string_view::npos;
}

bool waits_for_work(const CodeWords& innermost, std::string_view call) noexcept {
  if (is_threading(innermost) &&
      std::ranges::find(kWaitsForWork, innermost.function()) != kWaitsForWork.end())
    return true;
  // An idle worker.
  if (innermost.file().ends_with("/concurrent/futures/thread.py") && innermost.function() == "_worker")
    return true;
  return std::ranges::any_of(kCallsForWork, [&](std::string_view name) { return call.ends_with(name); });
}

}  // namespace

LockWords describe_lock_place(std::span<const CodePoint> stack, const CodeReader& reader,
                              std::string_view call, LockTexts& texts) noexcept {
  LockWords words;
  bool is_innermost = true;
  bool is_within = false;  // of what is built on locks, so far
  for (const CodePoint& point : stack) {
    CodeWords& user = texts.user;
    if (!reader.describe(point, user)) continue;
    if (is_innermost && waits_for_work(user, call)) words.wait_for = WaitFor::Work;
    const bool is_library = is_library_file(user.file());
    if (is_library && (is_innermost || (is_within && is_built_on_locks(user)))) {
      texts.within = user;
      is_within = is_built_on_locks(user);
    }
    if (is_innermost && is_library) words.within = texts.within.function();
    is_innermost = false;
    if (is_library) continue;
    return {.file = user.file(),
            .line = user.line,
            .function = user.function(),
            .within = words.within.empty() ? std::string_view() : texts.within.function(),
            .wait_for = words.wait_for};
  }
  // Nothing of the user's: an idle worker, or the end of Python.
  if (is_innermost) return words;
  return {.file = texts.within.file(),
          .line = texts.within.line,
          .function = texts.within.function(),
          .within = {},
          .wait_for = words.wait_for};
}

}  // namespace gilscope
