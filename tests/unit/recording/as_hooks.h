// Gives a recorder events as the hooks do: with their sequence, asked first of those that concern one thread,
// and with stacks where somebody waits. Events of a GIL come from one thread at a time.
#pragma once

#include <set>
#include <span>
#include <vector>

#include "probe/recorder.h"

namespace gilscope::test {

class NoCode final : public CodeReader {
 public:
  [[nodiscard]] bool describe(const CodePoint& /*point*/, CodeWords& /*words*/) const noexcept override {
    return false;
  }
};
inline const NoCode kNoCode;

class AsHooks {
 public:
  explicit AsHooks(Recorder& recorder, std::size_t gils = 16) : recorder_(recorder), gils_(gils) {}

  // Returns whether it went with its stack.
  bool give(Event event, std::span<const CodePoint> stack = {}, const CodeReader& reader = kNoCode) {
    Gil& gil = gils_.at(static_cast<std::size_t>(event.gil));
    const bool has_waited = event.kind == EventKind::Acquire && gil.waiting.erase(event.thread) > 0;
    const bool is_release = event.kind == EventKind::Release;
    const bool is_again = event.kind == EventKind::Acquire && gil.latest == event.thread;
    if (event.kind == EventKind::Request) gil.waiting.insert(event.thread);
    if (event.kind == EventKind::Acquire) gil.latest = event.thread;
    const bool is_very_long = event.kind == EventKind::Timeout && event.ticks % 3 == 0;
    const bool is_noted = has_waited || is_very_long || (is_release && !gil.waiting.empty());
    event.sequence = gil.sequence;
    const bool is_quiet = !is_noted && gil.waiting.empty() && (is_release || is_again);
    if (is_quiet && recorder_.absorb(event)) return false;
    ++gil.sequence;
    if (is_noted) {
      recorder_.record_at(event, stack, reader);
    } else {
      recorder_.record(event);
    }
    return is_noted;
  }

  // An acquire after a wait, where the thread's latest release was.
  void give_again(Event event) {
    Gil& gil = gils_.at(static_cast<std::size_t>(event.gil));
    gil.waiting.erase(event.thread);
    gil.latest = event.thread;
    event.sequence = gil.sequence++;
    recorder_.record_again(event);
  }

  // Its interpreter has ended.
  void close(GilId gil) { recorder_.close(gil, gils_.at(static_cast<std::size_t>(gil)).sequence); }

  // With its stack, whoever waits: as where every hold is asked for.
  void give_at(Event event, std::span<const CodePoint> stack, const CodeReader& reader) {
    event.sequence = gils_.at(static_cast<std::size_t>(event.gil)).sequence++;
    recorder_.record_at(event, stack, reader);
  }

 private:
  struct Gil {
    std::uint32_t sequence = 0;
    ThreadId latest{};
    std::set<ThreadId> waiting;
  };
  Recorder& recorder_;
  std::vector<Gil> gils_;
};

}  // namespace gilscope::test
