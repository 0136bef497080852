#include "report/stack_exports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "golden.h"
#include "report/exported_threads.h"

namespace gilscope {
namespace {

using test::kMain;
using test::kWorker;

// Two threads that wait for each other, and the same again in two children, one with a name.
RecordedRun make_run() {
  ProcessRecord first{.pid = 4001};
  first.threads = {{.id = kMain, .name = "MainThread"}, {.id = kWorker, .name = ""}};
  first.blame.emplace();
  auto& spans = first.blame->spans;
  auto& stacks = first.blame->stacks;
  const auto main = stacks.add(CodePlace{"/srv/app.py", "main", 12});
  const auto parse = stacks.add(CodePlace{"/srv/app.py", "Parser.parse", 41});
  const auto frozen = stacks.add(CodePlace{"<string>", "<module>", 0});
  const StackId in_parse = stacks.add({parse, main});
  const StackId in_module = stacks.add(std::vector{frozen});
  spans[{.thread = kMain, .to = in_parse}].waits = {{kWorker, 1'500'000}};
  spans[{.thread = kMain, .to = in_module}].waits = {{kWorker, 70}};
  spans[{.thread = kWorker, .to = in_parse}].waits = {{kMain, 900}};
  spans[{.thread = kWorker}].waits = {{kMain, 30}};
  spans[{}].waits = {{kMain, 4'000}};
  ProcessRecord child{.pid = 4002, .parent_pid = 4001, .role = ProcessRole::Fork};
  child.blame = first.blame;
  ProcessRecord named = child;
  named.pid = 4003;
  named.name = "parser";
  return {.processes = {first, child, named}};
}

std::string flamegraph_of(const RecordedRun& run) {
  std::string text;
  write_flamegraph(run, [&](std::string_view part) { text += part; });
  return text;
}

std::string speedscope_of(const RecordedRun& run, const std::string& name = "gilscope run app.py") {
  std::string text;
  write_speedscope(run, name, [&](std::string_view part) { text += part; });
  return text;
}

TEST(StackExports, look_as_they_did) {
  test::expect_golden("exports/flamegraph.txt", flamegraph_of(make_run()));
  test::expect_golden("exports/speedscope.json", speedscope_of(make_run()));
}

// A ';' would end a frame, a line break the stack.
TEST(StackExports, keep_hostile_names_in_their_frame) {
  auto run = make_run();
  run.processes.resize(1);
  auto& process = run.processes.front();
  process.name = "p;q\n";
  process.threads.front().name = "a;b\nc 12\x1b[31m\xff<script>";
  process.blame.emplace();
  auto& spans = process.blame->spans;
  auto& stacks = process.blame->stacks;
  const auto place = stacks.add(CodePlace{"a;b.py\n", "\"f\";g", 1});
  spans[{.thread = kMain, .to = stacks.add(std::vector{place})}].waits = {{kWorker, 7}};
  EXPECT_EQ(flamegraph_of(run), "process 4001 (p:q?);a:b?c 12?[31m�<script>;\"f\":g (a:b.py?:1) 7\n");
  const auto json = nlohmann::json::parse(speedscope_of(run, "\xfe;"));
  EXPECT_EQ(json["name"], "�;");
  EXPECT_EQ(json["profiles"][0]["name"], "process 4001 (p;q\n): a;b\nc 12\x1b[31m�<script>");
  EXPECT_EQ(json["shared"]["frames"][0]["file"], "a;b.py\n");
}

TEST(StackExports, of_nothing_are_valid) {
  EXPECT_EQ(flamegraph_of({}), "");
  EXPECT_TRUE(nlohmann::json::parse(speedscope_of({}))["profiles"].empty());
}

}  // namespace
}  // namespace gilscope
