#include "report/chrome_trace.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "report/exported_threads.h"

namespace gilscope {
namespace {

class ChromeTraceTest : public testing::Test {
 protected:
  std::string text_;
  ChromeTrace trace_{[this](std::string_view part) { text_ += part; }};
};

using test::kMain;
using test::kWorker;

TEST_F(ChromeTraceTest, looks_as_it_did) {
  trace_.name_process(4001, "gilscope run app.py");
  trace_.add(4001, {.kind = IntervalKind::Hold, .thread = kMain, .is_forced = true},
             Nanoseconds(1'000'000'007), Nanoseconds(1'005'000'010));
  trace_.add(4001, {.kind = IntervalKind::Wait, .gil = GilId{3}, .thread = kWorker},
             Nanoseconds(1'000'000'999), Nanoseconds(1'005'000'099));
  trace_.add(4001, {.kind = IntervalKind::Hold, .thread = kWorker}, Nanoseconds(1'005'000'099),
             Nanoseconds(1'005'000'099));
  const HoldBlame blame{.from = CodePlace{"/srv/app.py", "parse", 41},
                        .to = CodePlace{"<string>", "<module>", 0},
                        .waits = {{kMain, Nanoseconds(6'000'001)}, {ThreadId{4003}, Nanoseconds(4)}}};
  trace_.add(4001, {.kind = IntervalKind::Hold, .thread = kWorker}, Nanoseconds(1'006'000'000),
             Nanoseconds(1'016'000'003), &blame);
  const HoldBlame unknown{.waits = {{kMain, Nanoseconds(3)}}};  // too short for an arrow
  trace_.add(4001, {.kind = IntervalKind::Hold, .thread = kWorker, .is_forced = true},
             Nanoseconds(1'017'000'000), Nanoseconds(1'017'000'003), &unknown);
  trace_.add_lock_wait(4001, {.kind = IntervalKind::LockWait, .thread = kMain}, Nanoseconds(1'018'000'000),
                       Nanoseconds(1'019'000'007),
                       {.at = CodePlace{"/srv/app.py", "Pool.get", 31}, .ended_by = kWorker});
  trace_.add_lock_wait(4001, {.kind = IntervalKind::Stopped, .thread = kMain}, Nanoseconds(1'020'000'000),
                       Nanoseconds(1'020'000'001), {});
  trace_.name_thread(4001, kMain, "MainThread");
  trace_.name_thread(4001, kWorker, "worker-1");
  trace_.finish({"gilscope", "run", "app.py"});
  test::expect_golden("trace.json", text_);
}

TEST_F(ChromeTraceTest, of_nothing_is_json_too) {
  trace_.finish({});
  EXPECT_TRUE(nlohmann::json::parse(text_).at("traceEvents").empty());
}

TEST_F(ChromeTraceTest, keeps_hostile_names_as_text) {
  const std::string name = "\"}]\\\n\x1b[31m\xff\xfe<script>";
  trace_.name_process(1, name);
  trace_.name_thread(1, kMain, name);
  const HoldBlame blame{.to = CodePlace{name, name, 1}};
  trace_.add(1, {.thread = kMain}, Nanoseconds(1), Nanoseconds(2), &blame);
  trace_.finish({name});
  const auto json = nlohmann::json::parse(text_);
  EXPECT_EQ(json["traceEvents"][0]["args"]["name"], "\"}]\\\n\x1b[31m��<script>");
  EXPECT_EQ(json["traceEvents"][2]["args"]["name"],
            json["otherData"]["command"][0].get<std::string>() + " (GIL)");
  const std::string place = "\"}]\\\n\x1b[31m��<script>";
  EXPECT_EQ(json["traceEvents"][3]["args"]["to"], place + " (" + place + ":1)");
}

// It may be larger than memory: parts are handed on as they come.
TEST_F(ChromeTraceTest, is_handed_on_in_parts) {
  std::size_t largest = 0;
  std::size_t sum = 0;
  ChromeTrace trace([&](std::string_view part) {
    largest = std::max(largest, part.size());
    sum += part.size();
  });
  for (int i = 0; i < 20'000; ++i) trace.add(1, {.thread = kMain}, Nanoseconds(i), Nanoseconds(i + 1));
  trace.finish({});
  EXPECT_GT(sum, std::size_t{2} << 20U);
  EXPECT_LT(largest, std::size_t{300} << 10U);
}

}  // namespace
}  // namespace gilscope
