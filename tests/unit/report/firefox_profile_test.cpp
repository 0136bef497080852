#include "report/firefox_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "report/exported_threads.h"

namespace gilscope {
namespace {

using test::kMain;
using test::kWorker;

class FirefoxProfileTest : public testing::Test {
 protected:
  FirefoxProfile make(const std::string& name = "gilscope run app.py") {
    return {[this](std::string_view part) { text_ += part; },
            name,
            {.since_boot = Nanoseconds(5'000'000'007), .since_epoch_ms = 1'795'292'496'927}};
  }
  [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(text_); }

  std::string text_;
  IntervalSpool spool_;
  CodeStacks stacks_;
};

SpooledInterval make_interval(IntervalKind kind, std::int64_t begin, std::int64_t end) {
  return {.begin = Nanoseconds(begin), .end = Nanoseconds(end), .kind = kind};
}

TEST_F(FirefoxProfileTest, looks_as_it_did) {
  const auto main = stacks_.add(CodePlace{"/srv/app.py", "main", 12});
  const auto parse = stacks_.add(CodePlace{"/srv/app.py", "parse", 41});
  const auto later = stacks_.add(CodePlace{"/srv/app.py", "parse", 43});
  const StackId in_parse = stacks_.add({parse, main});
  const StackId in_later = stacks_.add({later, main});
  spool_.add(kMain, make_interval(IntervalKind::Hold, 1'000, 2'500'000));
  auto hold = make_interval(IntervalKind::Hold, 3'000'000, 8'000'001);
  hold.from = in_parse;
  hold.to = in_later;
  hold.caused_wait = Nanoseconds(4'999'999);
  hold.is_forced = true;
  spool_.add(kMain, hold);
  hold.from.reset();
  hold.to.reset();
  hold.gil = GilId{3};
  hold.is_forced = false;
  spool_.add(kMain, hold);
  spool_.add(kWorker, make_interval(IntervalKind::Wait, 3'000'002, 8'000'001));
  auto lock_wait = make_interval(IntervalKind::LockWait, 8'000'100, 9'000'000);
  lock_wait.from = in_parse;
  spool_.add(kWorker, lock_wait);
  spool_.add(kWorker, make_interval(IntervalKind::WorkWait, 9'000'100, 9'000'200));
  auto profile = make();
  const FirefoxProcess process{.pid = "4001", .name = "gilscope run app.py", .begin = Nanoseconds(17)};
  profile.add(process, {.id = kMain, .name = "MainThread", .is_main = true}, spool_, stacks_);
  profile.add(process, {.id = kWorker, .name = "worker"}, spool_, stacks_);
  profile.finish();
  test::expect_golden("exports/firefox.json", text_);
}

TEST_F(FirefoxProfileTest, of_nothing_is_json_too) {
  make().finish();
  EXPECT_TRUE(json().at("threads").empty());
}

TEST_F(FirefoxProfileTest, keeps_hostile_names_as_text) {
  const std::string name = "\"}]\\\n\x1b[31m\xff<script>";
  const std::string kept = "\"}]\\\n\x1b[31m�<script>";
  auto hold = make_interval(IntervalKind::Hold, 1, 2);
  hold.to = stacks_.add(std::vector{stacks_.add(CodePlace{name, name, 1})});
  hold.caused_wait = Nanoseconds(1);
  spool_.add(kMain, hold);
  auto profile = make(name);
  profile.add({.pid = "1", .name = name}, {.id = kMain, .name = name}, spool_, stacks_);
  profile.finish();
  EXPECT_EQ(json()["meta"]["product"], kept);
  const auto thread = json()["threads"][0];
  EXPECT_EQ(thread["name"], kept);
  EXPECT_EQ(thread["processName"], kept);
  EXPECT_EQ(thread["stringArray"][thread["funcTable"]["name"][0].get<std::size_t>()], kept);
}

// It may be larger than memory: parts are handed on as they come.
TEST_F(FirefoxProfileTest, is_handed_on_in_parts) {
  for (int i = 0; i < 20'000; ++i) spool_.add(kMain, make_interval(IntervalKind::Hold, i, i + 1));
  std::size_t largest = 0;
  std::size_t sum = 0;
  FirefoxProfile profile(
      [&](std::string_view part) {
        largest = std::max(largest, part.size());
        sum += part.size();
      },
      "", {});
  profile.add({.pid = "1"}, {.id = kMain, .name = "MainThread"}, spool_, stacks_);
  profile.finish();
  EXPECT_GT(sum, std::size_t{1} << 20U);
  EXPECT_LT(largest, std::size_t{300} << 10U);
}

}  // namespace
}  // namespace gilscope
