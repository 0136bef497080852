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
// Whoever calls them ends waits for work: how the other one came to wait, its own code may not tell, as where
// functools.partial or iter() call for it, and a thread that begins has none yet.
constexpr std::array<std::string_view, 4> kCallsThatGiveWork{"SimpleQueue.put", "SimpleQueue.put_nowait",
                                                             "start_joinable_thread", "start_new_thread"};

// A semaphore is made of a condition, at which each waits by a lock of his own. Who gives it back at the end
// of a `with`, or a bounded one, had it.
constexpr std::array<std::string_view, 2> kGivesTurn{"Semaphore.__exit__", "BoundedSemaphore.release"};

bool is_threading(const CodeWords& words) noexcept { return words.file().ends_with("/threading.py"); }

// Whoever has called a queue or a future knows nothing of the condition that it has.
bool is_built_on_locks(const CodeWords& words) noexcept {
  const bool is_one = is_threading(words) || words.file().ends_with("/queue.py") ||
                      words.file().ends_with("/concurrent/futures/_base.py");
  return is_one && words.function().find("<locals>") == std::string_view::npos;
}

bool is_one_of(std::span<const std::string_view> calls, std::string_view call) noexcept {
  return std::ranges::any_of(calls, [&](std::string_view name) { return call.ends_with(name); });
}

bool waits_for_work(const CodeWords& innermost, std::string_view call) noexcept {
  if (is_threading(innermost) &&
      std::ranges::find(kWaitsForWork, innermost.function()) != kWaitsForWork.end())
    return true;
  // An idle worker.
  if (innermost.file().ends_with("/concurrent/futures/thread.py") && innermost.function() == "_worker")
    return true;
  return is_one_of(kCallsForWork, call);
}

}  // namespace

LockWords describe_lock_place(std::span<const CodePoint> stack, const CodeReader& reader,
                              std::string_view call, LockTexts& texts) noexcept {
  LockWords words{.gives_work = is_one_of(kCallsThatGiveWork, call)};
  bool is_innermost = true;
  bool is_within = false;  // of what is built on locks, so far
  for (const CodePoint& point : stack) {
    CodeWords& user = texts.user;
    if (!reader.describe(point, user)) continue;
    if (is_innermost && waits_for_work(user, call)) {
      words.wait_for = WaitFor::Work;
      words.is_by_call = !waits_for_work(user, {});
    }
    const bool is_library = is_library_file(user.file());
    const bool was_within = is_innermost || is_within;
    is_within = is_library && is_built_on_locks(user);
    if (is_library && (is_innermost || (was_within && is_within))) texts.within = user;
    is_within = is_within && was_within;
    if (is_innermost && is_library) words.within = texts.within.function();
    is_innermost = false;
    if (is_library) continue;
    const bool gives_turn = !words.within.empty() && is_threading(texts.within) &&
                            std::ranges::find(kGivesTurn, texts.within.function()) != kGivesTurn.end();
    return {.file = user.file(),
            .line = user.line,
            .function = user.function(),
            .within = words.within.empty() ? std::string_view() : texts.within.function(),
            .wait_for = words.wait_for,
            .gives_work = words.gives_work,
            .gives_turn = gives_turn,
            .is_by_call = words.is_by_call};
  }
  // Nothing of the user's: an idle worker, or the end of Python.
  if (is_innermost) return words;
  return {.file = texts.within.file(),
          .line = texts.within.line,
          .function = texts.within.function(),
          .within = {},
          .wait_for = words.wait_for,
          .gives_work = words.gives_work,
          .is_by_call = words.is_by_call};
}

}  // namespace gilscope
