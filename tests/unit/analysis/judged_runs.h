// Summaries for the tests of the judge, written by hand: one process of a second, with one GIL.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "analysis/run_finding.h"
#include "analysis/run_summary.h"

namespace gilscope::test {

inline constexpr Nanoseconds kMsTime{1'000'000};
inline constexpr ThreadId kHolder{1};
inline constexpr ThreadId kWaiter{2};

inline CodePlace line_of_app(unsigned line, const std::string& function = "f") {
  return {.file = "/srv/app.py", .function = function, .line = line};
}

// Holds of a thread that end on a line of the user's, of which some were late; who waited did so all the
// time.
struct Holds {
  ThreadId thread = kHolder;
  unsigned line = 7;
  std::uint64_t holds = 3;
  std::uint64_t forced = 3;
  std::uint64_t late = 3;
  int caused_ms = 90;
  int late_ms = 90;
  int longest_ms = 30;
  std::vector<ThreadId> waiters = {kWaiter};
};

inline BlameRow blame_row(const Holds& holds) {
  const auto place = line_of_app(holds.line);
  BlameRow row{.thread = holds.thread,
               .from = place,
               .to = place,
               .holds = holds.holds,
               .hold_ns = holds.caused_ms * kMsTime,
               .forced = holds.forced,
               .caused_wait_ns = holds.caused_ms * kMsTime,
               .max_hold_ns = holds.longest_ms * kMsTime,
               .max_wait_ns = holds.longest_ms * kMsTime,
               .late_holds = holds.late,
               .late_wait_ns = holds.late_ms * kMsTime,
               .stack = {place}};
  const auto each = row.caused_wait_ns / static_cast<int>(holds.waiters.size());
  for (const auto waiter : holds.waiters) row.waiters.push_back({waiter, each});
  return row;
}

// Holds of a thread that computes: each ends as somebody has waited for a switch interval.
inline BlameRow computing_row(ThreadId thread, std::vector<ThreadId> waiters, int caused_ms = 100,
                              unsigned line = 7) {
  return blame_row({.thread = thread,
                    .line = line,
                    .holds = 20,
                    .forced = 20,
                    .late = 0,
                    .caused_ms = caused_ms,
                    .late_ms = 0,
                    .longest_ms = 5,
                    .waiters = std::move(waiters)});
}

// Waits of 5 ms, after holds of 10 µs that it ended itself.
inline NamedThread light_thread(ThreadId id = kWaiter) {
  NamedThread thread;
  thread.figures = {.id = id,
                    .holds = 20,
                    .hold_ns = Nanoseconds(200'000),
                    .waits = 20,
                    .wait_ns = 100 * kMsTime,
                    .voluntary = 20,
                    .lifetime_ns = 500 * kMsTime,
                    .wait_share = 0.2,
                    .wait = DurationFigures{5 * kMsTime, 5 * kMsTime, 5 * kMsTime, 6 * kMsTime}};
  return thread;
}

inline NamedThread heavy_thread(ThreadId id = kHolder, int held_ms = 400) {
  NamedThread thread;
  thread.figures = {.id = id,
                    .holds = 80,
                    .hold_ns = held_ms * kMsTime,
                    .waits = 80,
                    .wait_ns = 100 * kMsTime,
                    .forced = 80,
                    .lifetime_ns = 1000 * kMsTime,
                    .wait_share = 0.1};
  return thread;
}

// The waits of the GIL are those of its rows.
inline ProcessSummary judged_process(std::vector<BlameRow> rows, std::vector<NamedThread> threads = {},
                                     std::int64_t pid = 4711) {
  ProcessSummary process{.pid = pid, .wall_ns = 1000 * kMsTime, .threads = std::move(threads)};
  GilFigures gil{.handoffs = 100, .hold_share = 0.8};
  for (const auto& row : rows) {
    gil.wait_ns = add(gil.wait_ns, row.caused_wait_ns);
    gil.forced += row.forced;
  }
  process.gils.push_back(gil);
  process.blame = std::move(rows);
  return process;
}

inline std::vector<RunFinding::Kind> kinds_of(const std::vector<RunFinding>& findings) {
  std::vector<RunFinding::Kind> kinds;
  for (const auto& finding : findings) kinds.push_back(finding.kind);
  return kinds;
}

}  // namespace gilscope::test
