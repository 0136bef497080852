#include "report/chrome_trace.h"

#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

namespace gilscope {
namespace {

constexpr std::size_t kFlushBytes = std::size_t{1} << 18U;

// Names come from the script, and may be any bytes.
std::string quote(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

ChromeTrace::ChromeTrace(Sink sink) : sink_(std::move(sink)) {
  fmt::format_to(std::back_inserter(text_), "{{\"traceEvents\": [");
}

void ChromeTrace::flush() {
  sink_({text_.data(), text_.size()});
  text_.clear();
}

void ChromeTrace::begin_event() {
  if (text_.size() >= kFlushBytes) flush();
  fmt::format_to(std::back_inserter(text_), "{}\n", is_empty_ ? "" : ",");
  is_empty_ = false;
}

void ChromeTrace::name(std::string_view what, std::int64_t pid, std::int64_t thread, std::string_view name) {
  begin_event();
  fmt::format_to(std::back_inserter(text_),
                 R"({{"ph": "M", "name": "{}", "pid": {}, "tid": {}, "args": {{"name": {}}}}})", what, pid,
                 thread, quote(name));
}

void ChromeTrace::name_process(std::int64_t pid, std::string_view name) {
  this->name("process_name", pid, pid, name);
}

void ChromeTrace::name_thread(std::int64_t pid, ThreadId thread, std::string_view name) {
  this->name("thread_name", pid, static_cast<std::uint32_t>(thread), name);
}

void ChromeTrace::add(std::int64_t pid, const Interval& interval, Nanoseconds begin, Nanoseconds end) {
  begin_event();
  const bool is_hold = interval.kind == IntervalKind::Hold;
  const auto length = (end - begin).count();
  fmt::format_to(std::back_inserter(text_),
                 R"({{"ph": "X", "name": "{}", "cat": "gil", "ts": {}.{:03}, "dur": {}.{:03}, "pid": {}, )"
                 R"("tid": {}, "args": {{"gil": {}{}}}}})",
                 is_hold ? "hold" : "wait", begin.count() / 1000, begin.count() % 1000, length / 1000,
                 length % 1000, pid, static_cast<std::uint32_t>(interval.thread),
                 static_cast<std::uint32_t>(interval.gil),
                 !is_hold             ? ""
                 : interval.is_forced ? R"(, "forced": true)"
                                      : R"(, "forced": false)");
}

void ChromeTrace::finish(const std::vector<std::string>& command) {
  const nlohmann::ordered_json other{
      {"schema", "gilscope.trace/1"}, {"clock", "CLOCK_MONOTONIC"}, {"command", command}};
  fmt::format_to(std::back_inserter(text_), "\n],\n\"displayTimeUnit\": \"ns\",\n\"otherData\": {}}}\n",
                 other.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  flush();
}

}  // namespace gilscope
