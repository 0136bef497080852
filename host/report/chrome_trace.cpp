#include "report/chrome_trace.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "support/json_values.h"

namespace gilscope {
namespace {

std::int64_t row_of(ThreadId thread) { return ChromeTrace::kRows + static_cast<std::int64_t>(thread); }

std::string quote_place(const std::optional<CodePlace>& place) {
  return place ? quote_json(describe_frame(*place)) : "null";
}

std::string describe_blame(const HoldBlame& blame) {
  Nanoseconds caused{};
  for (const auto& wait : blame.waits) caused = add(caused, wait.wait_ns);
  return fmt::format(R"(, "caused_wait_ns": {}, "from": {}, "to": {})", caused.count(),
                     quote_place(blame.from), quote_place(blame.to));
}

}  // namespace

ChromeTrace::ChromeTrace(TextSink sink, std::string_view rows) : text_(std::move(sink)), rows_(rows) {
  text_.print("{{\"traceEvents\": [");
}

void ChromeTrace::begin_event() {
  text_.print("{}\n", is_empty_ ? "" : ",");
  is_empty_ = false;
}

void ChromeTrace::describe(std::string_view what, std::int64_t pid, std::int64_t thread, std::string_view key,
                           std::string_view json) {
  begin_event();
  text_.print(R"({{"ph": "M", "name": "{}", "pid": {}, "tid": {}, "args": {{"{}": {}}}}})", what, pid, thread,
              key, json);
}

void ChromeTrace::name_process(std::int64_t pid, std::string_view name) {
  describe("process_name", pid, pid, "name", quote_json(name));
  describe("process_sort_index", pid, pid, "sort_index", fmt::format("{}", processes_++));
}

void ChromeTrace::name_thread(std::int64_t pid, ThreadId thread, std::string_view name) {
  describe("thread_name", pid, row_of(thread), "name", quote_json(fmt::format("{} ({})", name, rows_)));
}

void ChromeTrace::begin_slice(std::int64_t pid, ThreadId thread, std::string_view name,
                              std::string_view category, Nanoseconds begin, Nanoseconds end) {
  begin_event();
  const auto length = (end - begin).count();
  text_.print(R"({{"ph": "X", "name": "{}", "cat": "{}", "ts": {}.{:03}, "dur": {}.{:03}, "pid": {}, )"
              R"("tid": {}, "args": )",
              name, category, begin.count() / 1000, begin.count() % 1000, length / 1000, length % 1000, pid,
              row_of(thread));
}

void ChromeTrace::add_lock_wait(std::int64_t pid, const Interval& interval, Nanoseconds begin,
                                Nanoseconds end, const LockDetails& details) {
  begin_slice(pid, interval.thread, name_of(interval.kind), "lock", begin, end);
  const auto ender =
      details.ended_by ? fmt::format("{}", static_cast<std::uint32_t>(*details.ended_by)) : "null";
  text_.print(R"({{"at": {}, "ended_by": {}}}}})", quote_place(details.at), ender);
}

void ChromeTrace::add(std::int64_t pid, const Interval& interval, Nanoseconds begin, Nanoseconds end,
                      const HoldBlame* blame) {
  const bool is_hold = interval.kind == IntervalKind::Hold;
  begin_slice(pid, interval.thread, name_of(interval.kind), "gil", begin, end);
  text_.print(R"({{"gil": {}{}{}}}}})", static_cast<std::uint32_t>(interval.gil),
              !is_hold             ? ""
              : interval.is_forced ? R"(, "forced": true)"
                                   : R"(, "forced": false)",
              blame != nullptr ? describe_blame(*blame) : "");
  if (blame == nullptr) return;
  for (const auto& [thread, wait] : blame->waits) {
    // In the middle of the time in which the one waited for the other: a viewer binds an arrow to the slice
    // that has begun before and has not ended, whatever the rounding.
    if (const auto middle = wait / 2; middle > Nanoseconds(1)) {
      add_arrow(pid, interval.thread, thread, end - middle);
    }
  }
}

void ChromeTrace::add_arrow(std::int64_t pid, ThreadId from, ThreadId to, Nanoseconds at) {
  const auto add_end = [&](std::string_view phase, ThreadId thread, std::string_view binding) {
    begin_event();
    text_.print(R"({{"ph": "{}", "id": {}, "name": "makes wait", "cat": "gil", "ts": {}.{:03}, "pid": {}, )"
                R"("tid": {}{}}})",
                phase, arrows_, at.count() / 1000, at.count() % 1000, pid, row_of(thread), binding);
  };
  ++arrows_;
  add_end("s", from, "");
  add_end("f", to, R"(, "bp": "e")");
}

void ChromeTrace::finish(const std::vector<std::string>& command) {
  const nlohmann::ordered_json other{
      {"schema", "gilscope.trace/1"}, {"clock", "CLOCK_MONOTONIC"}, {"command", command}};
  text_.print("\n],\n\"displayTimeUnit\": \"ns\",\n\"otherData\": {}}}\n", dump_json(other));
  text_.flush();
}

}  // namespace gilscope
