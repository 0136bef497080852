#include <Python.h>

#include "probe/loop_steps.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <sched.h>
#include <unistd.h>

#include "probe/attached.h"
#include "probe/context_slots.h"
#include "probe/greenlet_switches.h"
#include "probe/held_stack.h"
#include "probe/hooks.h"
#include "probe/last_call.h"
#include "probe/loaded_module.h"
#include "probe/method_patch.h"
#include "probe/module_births.h"
#include "probe/owned_object.h"
#include "probe/place_words.h"
#include "probe/python_stack.h"
#include "probe/step_names.h"
#include "probe/task_sends.h"
#include "support/library_file.h"

namespace gilscope {
namespace {

// Below that no step is long by any clock: no processor counts slower.
constexpr std::uint64_t kLeastTicks = 50'000'000;
// A step that has lasted for so long may become one.
constexpr std::uint64_t kSampledTicks = 10'000'000;

// The innermost place of the user's where a step was seen.
struct StepSample {
  std::atomic<std::uint64_t> begin{0};  // of the step; 0: none. Relaxed: by who has the GIL
  std::uint64_t after = 0;              // ticks
  CodeWords place{};
};

// Of METH_FASTCALL with keywords; before 3.13 Python has no public name for it.
using StepFunction = PyObject* (*)(PyObject*, PyObject* const*, Py_ssize_t, PyObject*);

struct StepWatch {
  std::atomic<int> watchers{0};
  std::atomic_flag is_taken;  // the tables are written, or change
  std::array<StepTable*, kMostProbes> tables{};
  std::array<Recorder*, kMostProbes> recorders{};  // of these, or nullptr
  ProbeClock clock;
  ClockPoint began;
  MethodPatch run;    // of Context.run
  StepSample sample;  // written with the GIL held whose collections are watched
};

constinit StepWatch step_watch;
// Of the step that the thread is in; 0: in none. Small, as such memory is.
constinit thread_local std::uint64_t step_begin __attribute__((tls_model("initial-exec"))) = 0;
// When the thread last switched to a greenlet, as a hub does. Greenlets leave and enter calls of Context.run
// as they like, so that is another one.
constinit thread_local std::uint64_t switch_begin __attribute__((tls_model("initial-exec"))) = 0;

// What uvloop runs in contexts: a round of callbacks, and each of them within.
struct ContextStep {
  const void* context;
  std::uint64_t begin;
  std::uint64_t told;       // ticks, of steps within
  const PythonFrame* next;  // see last_call.h; nullptr: what was called from there is not the last one
};
struct ContextSteps {
  static constexpr std::size_t kMost = 3;

  std::size_t depth;
  std::array<ContextStep, kMost> steps;
};
constinit thread_local ContextSteps context_steps __attribute__((tls_model("initial-exec"))){};

// Began within the innermost one, and is told by itself.
void tell_within_context(std::uint64_t ticks) noexcept {
  ContextSteps& known = context_steps;
  if (known.depth != 0) known.steps.at(known.depth - 1).told += ticks;
}

class TakenWatch {
 public:
  TakenWatch() noexcept {
    while (step_watch.is_taken.test_and_set(std::memory_order_acquire)) sched_yield();
  }
  TakenWatch(const TakenWatch&) = delete;
  TakenWatch& operator=(const TakenWatch&) = delete;
  TakenWatch(TakenWatch&&) = delete;
  TakenWatch& operator=(TakenWatch&&) = delete;
  ~TakenWatch() { step_watch.is_taken.clear(std::memory_order_release); }
};

bool is_loop(const CodeWords& words) noexcept {
  return (words.function() == "Handle._run" && words.file().ends_with("/asyncio/events.py")) ||
         (words.function() == "unrolled_run" && words.file().ends_with("/trio/_core/_run.py"));
}

// What runs a loop that is no Python code, beyond the step.
bool is_around_loop(const CodeWords& words) noexcept {
  return words.file().ends_with("/asyncio/runners.py") || words.file().ends_with("/uvloop/__init__.py");
}

// Whether a loop has called what the calling thread has just been in.
bool is_called_by_loop() noexcept {
  FrameBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read_stack() says what it wrote
  const auto stack = read_stack(PyThreadState_Get(), buffer);
  CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): likewise
  return !stack.empty() && python_code().describe(stack.front(), words) && is_loop(words);
}

bool is_long(std::uint64_t ticks) noexcept {
  const ClockPoint now = step_watch.clock.sample();
  const double ns = TickConversion(step_watch.began, now).tick_ns();
  return static_cast<double>(ticks) * ns >= static_cast<double>(kLongStep.count());
}

// `name` has the words for it, where it was not seen in the middle.
template <typename Name>
[[gnu::noinline, gnu::cold]] void note_step(Name name, bool is_alone, std::uint64_t begin,
                                            std::uint64_t ticks) noexcept {
  const LongStep step{.thread = ThreadId{static_cast<std::uint32_t>(gettid())},
                      .begin = begin,
                      .ticks = ticks,
                      .is_alone = is_alone};
  CodeWords place;  // NOLINT(cppcoreguidelines-pro-type-member-init): each part is written
  const StepSample& sample = step_watch.sample;
  const auto collection = collection_between(step_watch.clock, begin, begin + ticks);
  if (!collection || !python_code().describe(*collection, place)) {
    name(place);
    if (sample.begin.load(std::memory_order_relaxed) == begin && sample.after >= ticks / 4)
      place = sample.place;
  }
  const TakenWatch taken;
  for (std::size_t i = 0; i < step_watch.tables.size(); ++i) {
    if (step_watch.tables[i] == nullptr) continue;
    step_watch.tables[i]->add(step, place);
    if (step_watch.recorders[i] != nullptr) step_watch.recorders[i]->see_step(step);
  }
}

// Of one that has just ended: it began while steps were watched, as they are now.
bool is_long_step(std::uint64_t begin, std::uint64_t ticks) noexcept {
  const StepWatch& watch = step_watch;
  return watch.watchers.load(std::memory_order_relaxed) != 0 && begin >= watch.began.ticks && is_long(ticks);
}

PyObject* run_step(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* names) {
  const StepWatch& watch = step_watch;
  const auto original = watch.run.original<StepFunction>();
  if (watch.watchers.load(std::memory_order_relaxed) == 0) return original(self, arguments, count, names);
  const std::uint64_t outer = step_begin;
  const std::uint64_t begin = watch.clock.read();
  step_begin = begin;
  PyObject* const result = original(self, arguments, count, names);
  step_begin = outer;
  const std::uint64_t ticks = watch.clock.read() - begin;
  if (ticks >= kLeastTicks && count > 0 && is_long_step(begin, ticks) && is_called_by_loop()) [[unlikely]] {
    note_step([&](CodeWords& words) { name_step(arguments[0], words); }, is_nothing_else_in_loop(), begin,
              ticks);
  }
  return result;
}

// Of a loop that does not use Context.run.
PySendResult send_step(PyObject* coroutine, PyObject* value, PyObject** result) {
  const StepWatch& watch = step_watch;
  if (step_begin != 0 || watch.watchers.load(std::memory_order_relaxed) == 0)
    return PyIter_Send(coroutine, value, result);
  const std::uint64_t begin = watch.clock.read();
  step_begin = begin;
  const PySendResult sent = PyIter_Send(coroutine, value, result);
  step_begin = 0;
  const std::uint64_t ticks = watch.clock.read() - begin;
  if (ticks >= kLeastTicks && is_long_step(begin, ticks)) [[unlikely]] {
    note_step([&](CodeWords& words) { name_task(coroutine, words); }, is_nothing_else_in_loop(), begin,
              ticks);
    tell_within_context(ticks);
  }
  return sent;
}

int enter_context(PyObject* context) {
  const int result = PyContext_Enter(context);
  const StepWatch& watch = step_watch;
  if (result != 0 || watch.watchers.load(std::memory_order_relaxed) == 0) return result;
  ContextSteps& known = context_steps;
  if (known.depth != 0 && known.steps.front().begin < watch.began.ticks) known.depth = 0;  // of another watch
  if (known.depth == ContextSteps::kMost) return result;
  const PyThreadState& state = *PyThreadState_Get();
  const PythonFrame* const next = next_frame(state);
  if (known.depth != 0 && known.steps.at(known.depth - 1).next == next)
    known.steps.at(known.depth - 1).next = nullptr;
  forget_last_call(state);
  known.steps.at(known.depth++) = {.context = context, .begin = watch.clock.read(), .told = 0, .next = next};
  return result;
}

void name_callback_that_ended(const ContextStep& step, CodeWords& words) noexcept {
  const KeptException kept;
  const PyThreadState& state = *PyThreadState_Get();
  PyCodeObject* const code = step.next == next_frame(state) ? last_call(state) : nullptr;
  if (code != nullptr) {
    set_place(*code, code->co_firstlineno, words);
  } else {
    set_name("a callback", words);
  }
}

// Whether an exception is on its way or not, it stays.
int exit_context(PyObject* context) {
  const int result = PyContext_Exit(context);
  const StepWatch& watch = step_watch;
  ContextSteps& known = context_steps;
  std::size_t depth = result == 0 ? known.depth : 0;
  while (depth != 0 && known.steps.at(depth - 1).context != context) --depth;
  if (depth == 0) return result;
  known.depth = depth - 1;
  const ContextStep step = known.steps.at(known.depth);
  const std::uint64_t ticks = watch.clock.read() - step.begin;
  const std::uint64_t own = ticks - std::min(step.told, ticks);
  if (own >= kLeastTicks && is_long_step(step.begin, own)) [[unlikely]] {
    note_step([&](CodeWords& words) { name_callback_that_ended(step, words); }, is_nothing_else_in_loop(),
              step.begin, own);
    tell_within_context(ticks);
  } else {
    tell_within_context(step.told);
  }
  return result;
}

[[gnu::noinline, gnu::cold]] void note_switch(PyObject* greenlet, PyCodeObject* code, std::uint64_t begin,
                                              std::uint64_t ticks) noexcept {
  if (!is_in_hub()) return;  // a greenlet that waited
  note_step([&](CodeWords& words) { name_greenlet(greenlet, code, words); }, is_nothing_else_in_hub(greenlet),
            begin, ticks);
}

// `call` comes back in the greenlet that made it: all that is kept meanwhile lies on its stack. That may be
// thrown away, as a thread ends; then the code stays for ever, which hardly ever is another one than the
// program has itself.
template <typename Call>
PyObject* time_switch(PyCodeObject* (*code_of)(PyObject*), PyObject* greenlet, Call call) {
  const StepWatch& watch = step_watch;
  if (watch.watchers.load(std::memory_order_relaxed) == 0) return call();
  PyCodeObject* const code = code_of(greenlet);
  Py_XINCREF(code);
  const std::uint64_t begin = watch.clock.read();
  switch_begin = begin;
  PyObject* const result = call();
  const std::uint64_t ticks = watch.clock.read() - begin;
  if (ticks >= kLeastTicks && is_long_step(begin, ticks)) [[unlikely]]
    note_switch(greenlet, code, begin, ticks);
  Py_XDECREF(code);
  return result;
}

PyObject* switch_step(PyObject* self, PyObject* arguments, PyObject* names) {
  return time_switch(code_of_greenlet, self,
                     [=] { return real_switches().switch_to(self, arguments, names); });
}

PyObject* throw_step(PyObject* self, PyObject* arguments) {
  return time_switch(code_of_thrown_into, self, [=] { return real_switches().throw_in(self, arguments); });
}

// Of one that was imported already, or has just been made.
void lead_module(PyObject* module) noexcept {
  lead_sends(module, send_step);
  lead_contexts(module, enter_context, exit_context);
  lead_switches(module, {.switch_to = switch_step, .throw_in = throw_step});
}

bool put_in_place() noexcept {
  PyMethodDef* const method = find_method(PyContext_Type, "run", METH_FASTCALL | METH_KEYWORDS);
  if (method == nullptr || !step_watch.run.apply(*method, as_method(run_step))) return false;
  for (const char* const name : {"_asyncio", "greenlet._greenlet", "uvloop.loop"}) {
    if (PyObject* const module = loaded_module(name)) lead_module(module);
  }
  watch_births(lead_module);
  return true;
}

}  // namespace

void watch_steps(StepTable& table, ProbeClock clock, Recorder* recorder) noexcept {
  if (!kHasAlwaysGil) return;  // with which what is noted is written
  StepWatch& watch = step_watch;
  const TakenWatch taken;
  auto* const place = std::ranges::find(watch.tables, nullptr);
  const bool is_first = watch.watchers.load(std::memory_order_relaxed) == 0;
  if (place == watch.tables.end() || (!is_first && watch.clock.kind() != clock.kind())) return;
  if (is_first) {
    watch.clock = clock;
    watch.began = clock.sample();
    if (!put_in_place()) return;
  }
  *place = &table;
  watch.recorders.at(static_cast<std::size_t>(place - watch.tables.begin())) = recorder;
  watch.watchers.fetch_add(1, std::memory_order_relaxed);
}

void unwatch_steps(StepTable& table) noexcept {
  StepWatch& watch = step_watch;
  const TakenWatch taken;
  auto* const place = std::ranges::find(watch.tables, &table);
  if (place == watch.tables.end()) return;
  *place = nullptr;
  watch.recorders.at(static_cast<std::size_t>(place - watch.tables.begin())) = nullptr;
  if (watch.watchers.fetch_sub(1, std::memory_order_relaxed) != 1) return;
  watch.run.restore();
  unwatch_births();
  give_sends_back();
  give_switches_back();
  give_contexts_back();
}

void go_on_with_steps_in_child() noexcept { step_watch.is_taken.clear(std::memory_order_relaxed); }

void sample_step() noexcept {
  StepWatch& watch = step_watch;
  const std::uint64_t begin = step_begin != 0 ? step_begin
                              : context_steps.depth != 0
                                  ? context_steps.steps.at(context_steps.depth - 1).begin
                                  : switch_begin;
  if (begin == 0) return;
  const std::uint64_t after = watch.clock.read() - begin;
  StepSample& sample = watch.sample;
  const bool is_known = sample.begin.load(std::memory_order_relaxed) == begin;
  if (after < kSampledTicks || (is_known && after < 2 * sample.after)) return;
  FrameBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read_stack() says what it wrote
  for (const auto& point : read_stack(PyThreadState_Get(), buffer)) {
    CodeWords words;  // NOLINT(cppcoreguidelines-pro-type-member-init): likewise
    if (!python_code().describe(point, words) || is_loop(words) || is_around_loop(words)) return;
    if (is_library_file(words.file())) continue;
    sample.begin.store(begin, std::memory_order_relaxed);
    sample.after = after;
    sample.place = words;
    return;
  }
}

}  // namespace gilscope
