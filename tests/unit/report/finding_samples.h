// Findings for the tests of their sentences, and the run that they are of: two threads of one process.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "report/finding_text.h"
#include "report/text.h"

namespace gilscope::test {

inline constexpr Nanoseconds kMs{1'000'000};

inline RunSummary run_of_two() {
  ProcessSummary process{.pid = 4711, .wall_ns = 1000 * kMs};
  for (const unsigned id : {1U, 2U}) {
    NamedThread thread{.name = id == 1 ? "computer" : ""};
    thread.figures.id = ThreadId{id};
    process.threads.push_back(thread);
  }
  RunSummary run;
  run.processes.push_back(process);
  return run;
}

inline RunFinding finding_of(RunFinding::Kind kind) {
  return {.kind = kind,
          .pid = 4711,
          .culprit = ThreadId{1},
          .victim = ThreadId{2},
          .place = CodePlace{.file = "/usr/lib/python3.13/re/__init__.py", .function = "match", .line = 167},
          .stack = {{.file = "/usr/lib/python3.13/re/__init__.py", .function = "match", .line = 167},
                    {.file = "/srv/app.py", .function = "parse", .line = 41}},
          .count = 3,
          .longest = 120 * kMs,
          .lost = 300 * kMs,
          .culprits = {ThreadId{1}},
          .victims = {ThreadId{2}},
          .share = 0.83,
          .mean_hold = Nanoseconds(12'000)};
}

// At most two lines of the report.
inline std::string say(const RunFinding& finding, const RunSummary& run) {
  auto text = describe_finding(finding, run);
  EXPECT_LE(wrap("-> " + text, 100).size(), 2U) << text;
  return text;
}

}  // namespace gilscope::test
