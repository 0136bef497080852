#include "run/trial_record.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "expect_error.h"

namespace gilscope {
namespace {

using Json = nlohmann::json;
using test::error_of;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// As host/run/trial_modes.py writes it.
Json good_record() {
  return Json::parse(R"({
    "setup_ns": 4100000,
    "jobs": [
      {"job": 0, "worker": 1, "pid": 4711, "begin_ns": 9000000000000, "end_ns": 9000000000100,
       "cpu_begin_ns": 50, "cpu_end_ns": 140},
      {"job": 1, "worker": 0, "pid": 4712, "begin_ns": 9000000000010, "end_ns": 9000000000110,
       "cpu_begin_ns": 60, "cpu_end_ns": 150}],
    "digests": ["0a1b", null],
    "failure": null,
    "slow_modules": ["datetime"],
    "peak_rss_bytes": 20000000,
    "gil_enabled": true,
    "start_method": "spawn",
    "waits": {
      "gils": [{"wall_ns": 120, "holds": 3, "hold_ns": 100, "waits": 2, "wait_ns": 20, "forced": 1, "handoffs": 2}],
      "lock_wait_ns": 30, "stopped_ns": 4}})");
}

Json failure() { return {{"kind", "task"}, {"message", "ValueError: no"}, {"traceback", "Traceback\n"}}; }

void expect_rejected(const Json& record) {
  const auto error = error_of([&] { static_cast<void>(parse_trial_record(record.dump())); });
  EXPECT_THAT(error.what(), StartsWith("a trial gave no readable record: ")) << record;
  EXPECT_EQ(error.exit_code(), ExitCode::CannotRun);
}

TEST(TrialRecord, has_all_that_the_text_says) {
  const auto record = parse_trial_record(good_record().dump());
  EXPECT_EQ(record.setup, Nanoseconds(4'100'000));
  ASSERT_EQ(record.jobs.size(), 2U);
  EXPECT_EQ(record.jobs[0].worker, 1U);
  EXPECT_EQ(record.jobs[0].pid, 4711);
  EXPECT_EQ(record.jobs[0].begin, Nanoseconds(9'000'000'000'000));
  EXPECT_EQ(record.jobs[0].end, Nanoseconds(9'000'000'000'100));
  EXPECT_EQ(record.jobs[1].job, 1U);
  EXPECT_EQ(record.jobs[1].cpu_begin, Nanoseconds(60));
  EXPECT_EQ(record.jobs[1].cpu_end, Nanoseconds(150));
  EXPECT_THAT(record.digests, ElementsAre("0a1b", std::nullopt));
  EXPECT_EQ(record.peak_rss_bytes, 20'000'000U);
  EXPECT_TRUE(record.gil_enabled);
  EXPECT_EQ(record.start_method, "spawn");
  EXPECT_THAT(record.slow_modules, ElementsAre("datetime"));
  EXPECT_FALSE(record.failure.has_value());
  ASSERT_TRUE(record.waits);
  const GilWork expected{Nanoseconds(120), 3, Nanoseconds(100), 2, Nanoseconds(20), 1, 2};
  EXPECT_THAT(record.waits->gils, ElementsAre(expected));
  EXPECT_EQ(record.waits->lock, Nanoseconds(30));
  EXPECT_EQ(record.waits->stopped, Nanoseconds(4));
}

TEST(TrialRecord, may_lack_what_is_unknown) {
  auto text = good_record();
  text["peak_rss_bytes"] = nullptr;
  text["start_method"] = nullptr;
  text["waits"] = nullptr;
  text["slow_modules"] = Json::array();
  text["gil_enabled"] = false;
  const auto record = parse_trial_record(text.dump());
  EXPECT_FALSE(record.peak_rss_bytes.has_value());
  EXPECT_EQ(record.start_method, "");
  EXPECT_FALSE(record.waits);
  EXPECT_THAT(record.slow_modules, IsEmpty());
  EXPECT_FALSE(record.gil_enabled);
}

TEST(TrialRecord, of_an_older_host_says_nothing_of_waits) {
  auto text = good_record();
  text.erase("waits");
  EXPECT_FALSE(parse_trial_record(text.dump()).waits);
}

TEST(TrialRecord, of_a_failure_has_its_kind_and_words_and_needs_no_jobs) {
  auto text = good_record();
  text["jobs"] = Json::array();
  text["setup_ns"] = -5;
  text["failure"] = failure();
  for (const auto& [name, kind] :
       {std::pair{"load", TrialFailure::Kind::Load}, std::pair{"task", TrialFailure::Kind::Task},
        std::pair{"worker", TrialFailure::Kind::Worker}}) {
    text["failure"]["kind"] = name;
    const auto record = parse_trial_record(text.dump());
    EXPECT_EQ(record.failure->kind, kind);
    EXPECT_EQ(record.failure->message, "ValueError: no");
    EXPECT_EQ(record.failure->traceback, "Traceback\n");
  }
}

TEST(TrialRecord, without_any_one_of_its_fields_is_rejected) {
  auto whole = good_record();
  whole["failure"] = failure();
  for (const std::string parent : {"", "/jobs/1", "/failure"}) {
    const auto fields = whole[Json::json_pointer(parent)];
    for (const auto& [key, value] : fields.items()) {
      auto text = whole;
      text[Json::json_pointer(parent)].erase(key);
      if (key != "waits") expect_rejected(text);
    }
  }
}

TEST(TrialRecord, with_a_value_of_the_wrong_type_is_rejected) {
  const std::vector<Json> others{
      nullptr, true, 1.5, -7, 1, "text", Json::array({1}), Json::object({{"a", 1}})};
  const auto expect_only = [&](const Json& pointer_and_good) {
    for (const auto& other : others) {
      bool is_allowed = false;
      for (const auto& good : pointer_and_good["good"]) is_allowed = is_allowed || good == other;
      if (is_allowed) continue;
      auto text = good_record();
      if (pointer_and_good.contains("failure")) text["failure"] = failure();
      text[Json::json_pointer(pointer_and_good["at"].get<std::string>())] = other;
      expect_rejected(text);
    }
  };
  expect_only({{"at", "/setup_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/jobs"}, {"good", Json::array()}});
  expect_only({{"at", "/jobs/0/job"}, {"good", {1}}});
  expect_only({{"at", "/jobs/0/worker"}, {"good", {1}}});
  expect_only({{"at", "/jobs/0/pid"}, {"good", {-7, 1}}});
  expect_only({{"at", "/jobs/0/begin_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/jobs/0/cpu_end_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/digests"}, {"good", Json::array()}});
  expect_only({{"at", "/digests/0"}, {"good", {nullptr, "text"}}});
  expect_only({{"at", "/peak_rss_bytes"}, {"good", {nullptr, 1}}});
  expect_only({{"at", "/gil_enabled"}, {"good", {true}}});
  expect_only({{"at", "/start_method"}, {"good", {nullptr, "text"}}});
  expect_only({{"at", "/slow_modules"}, {"good", Json::array()}});
  expect_only({{"at", "/slow_modules/0"}, {"good", {"text"}}});
  expect_only({{"at", "/waits"}, {"good", {nullptr}}});
  expect_only({{"at", "/waits/gils"}, {"good", Json::array()}});
  expect_only({{"at", "/waits/lock_wait_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/waits/stopped_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/waits/gils/0/holds"}, {"good", {1}}});
  expect_only({{"at", "/waits/gils/0/wait_ns"}, {"good", {-7, 1}}});
  expect_only({{"at", "/failure"}, {"good", {nullptr}}});
  expect_only({{"at", "/failure/kind"}, {"good", Json::array()}, {"failure", true}});
  expect_only({{"at", "/failure/message"}, {"good", {"text"}}, {"failure", true}});
  expect_only({{"at", "/failure/traceback"}, {"good", {"text"}}, {"failure", true}});
}

TEST(TrialRecord, that_is_silent_about_jobs_and_about_a_failure_is_rejected) {
  auto none = good_record();
  none["jobs"] = Json::array();
  none["digests"] = Json::array();
  expect_rejected(none);
  auto lost = good_record();
  lost["jobs"].erase(1);
  expect_rejected(lost);
}

TEST(TrialRecord, that_is_junk_is_rejected) {
  for (const std::string junk :
       {"", " ", "{", "null", "[]", "1", "{}", "Fatal Python error", "\xff\xfe", "{} {}"}) {
    const auto error = error_of([&] { static_cast<void>(parse_trial_record(junk)); });
    EXPECT_THAT(error.what(), HasSubstr("no readable record"));
    EXPECT_THAT(error.hint(), HasSubstr("report"));
  }
}

TEST(TrialRecord, that_was_cut_off_anywhere_is_rejected) {
  const auto whole = good_record().dump();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(static_cast<void>(parse_trial_record(whole.substr(0, size))), Error) << size;
  }
}

}  // namespace
}  // namespace gilscope
