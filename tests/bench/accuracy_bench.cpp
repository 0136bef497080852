// How exact the recorded holds and waits are. Real threads use the real GIL by a script, and the same
// instants are bounded from outside: by the clock around each call, and by a thread that watches the GIL's
// own flag.
//
// The error of a length is "at most" its distance from the farthest length that these bounds allow, and
// "proven" as far as it lies outside of all of them. A length is told where the bounds leave less than 2 us
// between the shortest and the longest: the observer may not have had its core. The project's goal is an
// error of 1 us at most, as the median on quiet cores. Exit code 1: an event is missing, too many, or out of
// order.
#include <Python.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unistd.h>

#include "accuracy_scripts.h"
#include "analysis/truth_check.h"
#include "embed/interpreter.h"
#include "probe/probe.h"

namespace gilscope::bench {
namespace {

constexpr auto kGoal = Nanoseconds(1000);

class ListRecorder final : public Recorder {
 public:
  ListRecorder() {
    events_.resize(std::size_t{64} * kRounds);  // touched: no page fault later
    events_.clear();
  }
  void record(const Event& event) noexcept override {
    if (events_.size() < events_.capacity()) events_.push_back(event);
  }
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }

 private:
  std::vector<Event> events_;
};

// The second thread of a script: has its Python state before the recording begins, and gives it up after it
// has ended.
class Second {
 public:
  Second(const Script& script, Stage& stage) {
    if (!script.second) return;
    thread_ = std::thread([this, &script, &stage] {
      const PyGILState_STATE state = PyGILState_Ensure();
      id_ = gettid();
      Detachable self;
      self.release();
      is_ready_ = true;
      yield_until([&] { return has_begun_.load(); });
      script.second(stage, self);
      yield_until([&] { return has_ended_.load(); });
      self.acquire();
      PyGILState_Release(state);
    });
    PyThreadState* const main = PyEval_SaveThread();
    yield_until([&] { return is_ready_.load(); });
    PyEval_RestoreThread(main);
  }
  void begin() { has_begun_ = true; }
  void end() {
    has_ended_ = true;
    PyThreadState* const main = PyEval_SaveThread();
    if (thread_.joinable()) thread_.join();
    PyEval_RestoreThread(main);
  }
  [[nodiscard]] int id() const { return id_; }

 private:
  std::atomic<bool> is_ready_{false};
  std::atomic<bool> has_begun_{false};
  std::atomic<bool> has_ended_{false};
  int id_ = 0;
  std::thread thread_;
};

Change change_of(EventKind kind) {
  if (kind == EventKind::Acquire) return Change::Locked;
  return kind == EventKind::Release ? Change::Unlocked : Change::Waiting;
}

bool changes_flag(const Step& step) { return step.kind != EventKind::Request; }

// What the observer saw of one change, in order.
std::vector<Sight> of_change(const std::vector<Sight>& sights, Change change) {
  std::vector<Sight> found;
  std::ranges::copy_if(sights, std::back_inserter(found), [&](const Sight& s) { return s.change == change; });
  return found;
}

// A look bounds a step if it cannot have come before the flag's change before that one, or after the one
// after it: else it may have seen another hold.
void bound_by_sights(std::vector<Step>& steps, const std::vector<Sight>& sights) {
  const std::array by_change{of_change(sights, Change::Locked), of_change(sights, Change::Unlocked),
                             of_change(sights, Change::Waiting)};
  const auto sights_of = [&](const Step& step) -> const std::vector<Sight>& {
    return by_change.at(static_cast<std::size_t>(change_of(step.kind)));
  };
  Nanoseconds next = steps.back().time.high;
  for (auto step = steps.rbegin(); step != steps.rend(); ++step) {
    if (!changes_flag(*step)) continue;  // it is on before the thread is seen waiting, nobody knows how long
    const auto& seen = sights_of(*step);
    const auto after = std::ranges::upper_bound(seen, next, {}, &Sight::between);
    if (after != seen.begin()) step->time.low = std::max(step->time.low, std::prev(after)->before);
    next = step->time.low;
  }
  Nanoseconds previous = steps.front().time.low;
  for (Step& step : steps) {
    const auto& seen = sights_of(step);
    const auto first = std::ranges::lower_bound(seen, previous, {}, &Sight::between);
    if (first != seen.end()) step.time.high = std::min(step.time.high, first->after);
    if (changes_flag(step)) previous = step.time.high;
  }
}

// Steps are in their true order: each bounds its neighbours.
void bound_by_neighbours(std::vector<Step>& steps) {
  for (std::size_t i = 1; i < steps.size(); ++i) {
    steps[i].time.low = std::max(steps[i].time.low, steps[i - 1].time.low);
  }
  for (std::size_t i = steps.size() - 1; i > 0; --i) {
    steps[i - 1].time.high = std::min(steps[i - 1].time.high, steps[i].time.high);
  }
}

struct Errors {
  std::vector<Nanoseconds> at_most;  // of lengths that are told
  std::vector<Nanoseconds> proven;   // of all
};

void compare(Errors& errors, Nanoseconds recorded, const Bounds& begin, const Bounds& end) {
  const Nanoseconds low = std::max(Nanoseconds(0), end.low - begin.high);
  const Nanoseconds high = end.high - begin.low;
  if (high - low <= 2 * kGoal) errors.at_most.push_back(std::max(abs(recorded - low), abs(high - recorded)));
  errors.proven.push_back(std::max({Nanoseconds(0), low - recorded, recorded - high}));
}

std::string text_of(std::vector<Nanoseconds>& errors) {
  if (errors.empty()) return "       -        -        -";
  std::ranges::sort(errors);
  std::array<char, 80> text{};
  const auto at = [&](std::size_t percent) {
    return static_cast<long>(errors[std::min(errors.size() - 1, errors.size() * percent / 100)].count());
  };
  std::snprintf(text.data(), text.size(), "%8ld %8ld %8ld", at(50), at(99), at(100));
  return text.data();
}

void print_errors(const std::string& name, Errors errors) {
  if (errors.proven.empty()) return;
  const std::string at_most = text_of(errors.at_most);
  const std::string proven = text_of(errors.proven);
  std::printf("%-31s %5zu %5zu %s   %s\n", name.c_str(), errors.proven.size(), errors.at_most.size(),
              at_most.c_str(), proven.c_str());
}

// The events of the script, without timeouts; throws where they are not those of the steps.
std::vector<Event> check(const Script& script, std::span<const Event> events, const std::vector<Step>& steps,
                         ThreadId main, ThreadId second) {
  std::vector<Event> found;
  unsigned forced = 0;
  bool is_asked = false;
  for (const Event& event : events) {
    if (event.kind == EventKind::Timeout) {
      is_asked = true;
      continue;
    }
    if (event.kind == EventKind::Release && event.thread == main && is_asked) ++forced;
    if (event.kind == EventKind::Release) is_asked = false;
    const std::size_t place = found.size();
    if (place == steps.size() || steps[place].kind != event.kind ||
        (steps[place].thread == 0 ? main : second) != event.thread) {
      throw std::runtime_error(std::string(script.name) + ": event " + std::to_string(place) + " of " +
                               std::to_string(steps.size()) + " is not what the script did");
    }
    found.push_back(event);
  }
  if (found.size() != steps.size())
    throw std::runtime_error(std::string(script.name) + ": events are missing");
  if (forced != script.forced) {
    throw std::runtime_error(std::string(script.name) + ": " + std::to_string(forced) +
                             " forced releases, not " + std::to_string(script.forced));
  }
  return found;
}

void measure(const Script& script, int observer_cpu) {
  PyRun_SimpleString(
      (std::string("import sys; sys.setswitchinterval(") + script.switch_interval + ")").c_str());
  Stage stage;
  stage.steps.reserve(std::size_t{8} * kRounds);
  Second second(script, stage);
  Observer observer(stage.gil, observer_cpu, std::size_t{64} * kRounds);
  ListRecorder list;
  Probe probe;
  probe.start(list);
  const std::size_t first = list.events().size();
  second.begin();
  script.first(stage);
  probe.stop();
  const auto& sights = observer.stop();
  second.end();

  const TruthReport report = check_truth(list.events());
  if (!report.holds()) throw std::runtime_error(std::string(script.name) + ": no GIL can have done this");
  const auto events = check(script, std::span(list.events()).subspan(first), stage.steps,
                            ThreadId{static_cast<std::uint32_t>(gettid())},
                            ThreadId{static_cast<std::uint32_t>(second.id())});
  bound_by_neighbours(stage.steps);
  bound_by_sights(stage.steps, sights);
  bound_by_neighbours(stage.steps);

  const TickConversion conversion(probe.started(), probe.stopped());
  std::array<Errors, 2> holds;
  std::array<Errors, 2> waits;
  struct Begun {
    std::optional<std::size_t> hold;
    std::optional<std::size_t> wait;
  };
  std::array<Begun, 2> begun;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const unsigned thread = stage.steps[i].thread;
    auto& [hold, wait] = begun[thread];
    const auto end = [&](Errors& errors, std::optional<std::size_t>& begin) {
      if (!begin) return;
      compare(errors, conversion.to_time(events[i].ticks) - conversion.to_time(events[*begin].ticks),
              stage.steps[*begin].time, stage.steps[i].time);
      begin.reset();
    };
    if (events[i].kind == EventKind::Request) wait = i;
    if (events[i].kind == EventKind::Acquire) {
      end(waits[thread], wait);
      hold = i;
    }
    if (events[i].kind == EventKind::Release) end(holds[thread], hold);
  }
  for (const unsigned thread : {0U, 1U}) {
    const std::string of = thread == 0 ? ", main thread" : ", other thread";
    print_errors(std::string(script.name) + of + ", holds", holds[thread]);
    print_errors(std::string(script.name) + of + ", waits", waits[thread]);
  }
}

std::array<int, 2> choose_cpus() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) throw std::runtime_error("no affinity");
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cpus.push_back(cpu);
  }
  if (cpus.size() < 2) throw std::runtime_error("needs two cores: one for the threads, one to watch them");
  return {cpus[cpus.size() - 1], cpus[cpus.size() - 2]};
}

void measure_all() {
  const std::array cpus = choose_cpus();
  pin_to(cpus[0]);  // threads inherit it
  const Interpreter interpreter;
  std::printf("Python %s; errors of recorded lengths, in ns\n", Py_GetVersion());
  std::printf("%-31s %5s %5s %8s %8s %8s   %8s %8s %8s\n", "", "", "told", "at most:", "p99", "max",
              "proven:", "p99", "max");
  measure({.name = "alone", .switch_interval = "1000", .forced = 0, .first = hold_alone}, cpus[1]);
  measure({.name = "voluntary",
           .switch_interval = "1000",
           .forced = 0,
           .first = hold_for_a_waiter,
           .second = wait_and_hold},
          cpus[1]);
  measure(
      {.name = "forced", .switch_interval = "0.001", .forced = kRounds, .first = compute, .second = force},
      cpus[1]);
}

}  // namespace
}  // namespace gilscope::bench

int main() {
  alarm(120);  // a script whose events do not come waits for ever
  try {
    gilscope::bench::measure_all();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "accuracy_bench: %s\n", error.what());
    return 1;
  }
}
