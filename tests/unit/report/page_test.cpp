#include "report/page.h"

#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "analysis/process_records.h"
#include "golden.h"
#include "report/timeline_json.h"

namespace gilscope {
namespace {

using nlohmann::ordered_json;
using test::kMillisecondTicks;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kHostile = "</script><script>alert(1)</script><!--";

BlameRecord make_blame(const std::string& function) {
  BlameRecord blame;
  const auto parse = blame.stacks.add(CodePlace{"/srv/app.py", function, 41});
  const auto match = blame.stacks.add(CodePlace{"/usr/lib/python3.13/re/__init__.py", "match", 167});
  const StackId in_match = blame.stacks.add({match, parse});
  blame.spans[{.gil = GilId{0}, .thread = ThreadId{1}, .from = in_match, .to = in_match}] = {
      .holds = 4,
      .hold_ticks = 40 * kMillisecondTicks,
      .max_hold_ticks = 30 * kMillisecondTicks,
      .forced = 3,
      .waits = {{ThreadId{2}, 38 * kMillisecondTicks}}};
  blame.spans[{.gil = GilId{0}}].waits = {{ThreadId{2}, 2 * kMillisecondTicks}};
  return blame;
}

RunSummary make_summary(const std::string& thread) {
  auto process = test::make_process(
      4001,
      {{.thread = 1, .holds = 4, .hold_ticks = 40 * kMillisecondTicks, .forced = 3},
       {.thread = 2, .holds = 1, .hold_ticks = 1'000, .waits = 2, .wait_ticks = 40 * kMillisecondTicks}});
  process.threads = {{.id = ThreadId{1}, .name = "MainThread"}, {.id = ThreadId{2}, .name = thread}};
  process.figures.handoffs = {{.gil = GilId{0}, .from = ThreadId{1}, .to = ThreadId{2}, .count = 2}};
  process.blame = make_blame("parse");
  return summarize_run({.processes = {process}, .exit_code = 0});
}

ordered_json make_timeline() {
  Timeline timeline(1'000, TickLength{0.5});
  timeline.begin_process();  // without an event
  timeline.begin_process();
  timeline.add({.kind = IntervalKind::Hold, .thread = ThreadId{1}, .begin = 1'010, .end = 1'510});
  timeline.add({.kind = IntervalKind::Wait, .thread = ThreadId{2}, .begin = 1'100, .end = 1'512});
  timeline.add({.kind = IntervalKind::Hold, .thread = ThreadId{2}, .begin = 1'512, .end = 1'600});
  timeline.add(
      {.kind = IntervalKind::Hold, .gil = GilId{1}, .thread = ThreadId{1}, .begin = 1'700, .end = 1'701});
  return timeline_json(
      timeline,
      {{.pid = 4000}, {.pid = 4001, .name = "app.py", .end = 800, .threads = {{ThreadId{1}, "MainThread"}}}});
}

SummaryContext page_context() {
  return {.python = {{"version", "3.13.0"}, {"implementation", "CPython"}},
          .machine = {{"cpus", 8}, {"usable_cpus", 8.0}, {"model", "AMD EPYC 9654"}},
          .command = {"gilscope", "run", "app.py"}};
}

// What the script of the page reads.
ordered_json document_of(const std::string& page) {
  constexpr std::string_view kBegin = R"(<script type="application/json" id="document">)";
  const auto begin = page.find(kBegin) + kBegin.size();
  return ordered_json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Page, has_the_document_that_it_had) {
  const auto document = summary_page(make_summary("worker"), page_context(), {}, make_timeline(),
                                     {{"/srv/app.py", {{41, "return re.match(pattern, line)"}}}});
  test::expect_golden("page_summary.json", document.dump(2) + '\n');
  EXPECT_EQ(document_of(format_page(document)), document);
}

PythonComparison make_comparison(const std::string& path) {
  ModeSummary sequential{.mode = Mode::Sequential, .gil = GilKind::Shared};
  sequential.work_samples_ns = {0.9e9, 1e9, 1.1e9};
  sequential.work_ns = Estimate{1e9, 0.9e9, 1.1e9};
  sequential.setup_ns = Estimate{1e6, 1e6, 1e6};
  sequential.speedup = Estimate{1, 1, 1};
  ModeSummary processes{.mode = Mode::Processes, .gil = GilKind::Own, .start_method = "fork"};
  processes.work_ns = Estimate{0.5e9, 0.4e9, 0.6e9};
  processes.speedup = Estimate{2, 1.8, 2.2};
  return {.path = path,
          .comparison = {.modes = {sequential, processes},
                         .verdict = {.kind = Verdict::Kind::TooFewRounds},
                         .ceiling = 1.25},
          .context = {.python = page_context().python,
                      .machine = page_context().machine,
                      .command = {"gilscope", "compare", "app.py:parse"},
                      .tasks = {"app.py:parse"},
                      .workers = 2,
                      .rounds = 5,
                      .rounds_done = 5}};
}

TEST(Page, has_the_json_of_a_comparison_and_its_words) {
  const auto comparison = make_comparison("");
  const auto page = compare_page({comparison});
  EXPECT_EQ(page.at("report"), comparison_json(comparison.comparison, comparison.context));
  EXPECT_EQ(page.at("what"), "app.py:parse × 2, 2 workers, 5 rounds");
  EXPECT_EQ(page.at("names"), ordered_json::array({"CPython 3.13.0"}));
  EXPECT_THAT(page.at("notes").at(0).back(), "processes were started by fork");
  EXPECT_EQ(document_of(format_page(page)), page);
}

TEST(Page, has_the_json_of_a_comparison_of_several_pythons) {
  const std::vector comparisons{make_comparison("/usr/bin/python3"), make_comparison("/opt/python")};
  const auto page = compare_page(comparisons);
  EXPECT_EQ(page.at("report"), pythons_json(comparisons));
  EXPECT_EQ(page.at("names").size(), 2U);
  EXPECT_EQ(page.at("notes").size(), 2U);
}

TEST(Page, keeps_hostile_text_as_text) {
  const auto document =
      summary_page(make_summary(kHostile), page_context(), {}, nullptr, {{"/srv/app.py", {{41, kHostile}}}});
  const auto page = format_page(document);
  EXPECT_THAT(page, Not(HasSubstr(kHostile)));
  EXPECT_THAT(page, Not(HasSubstr("alert(1)</script>")));
  EXPECT_EQ(document_of(page), document);
}

TEST(Page, has_bytes_that_are_no_text_replaced) {
  EXPECT_THAT(format_page({{"kind", "\xff"}}), HasSubstr(R"({"kind":"�"})"));
}

// All of it is in the one file.
TEST(Page, asks_nothing_of_the_network) {
  const auto page = format_page(nullptr);
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const auto* const asks :
       {"src=\"", "@import", "url(", "fetch(", "XMLHttpRequest", "href=\"http", "<link"}) {
    EXPECT_THAT(page, Not(HasSubstr(asks)));
  }
  for (const auto* const place : {"/* style */", "/* script */", "{document}"}) {
    EXPECT_THAT(page, Not(HasSubstr(place)));
  }
}

TEST(Page, leaves_out_and_counts_what_says_least) {
  std::vector<ProcessRecord> processes;
  for (unsigned pid = 1; pid <= 4; ++pid) {
    processes.push_back(
        test::make_process(pid, {{.thread = 1, .holds = 1, .hold_ticks = pid * kMillisecondTicks},
                                 {.thread = 2, .holds = 1, .hold_ticks = 10 * pid * kMillisecondTicks}}));
    processes.back().blame = make_blame("f");
    processes.back().figures.handoffs = {{.gil = GilId{0}, .count = pid}, {.gil = GilId{1}, .count = 1}};
  }
  auto summary = summarize_run({.processes = processes});
  const auto losses = cut_summary(
      summary, {.processes = 3, .threads = 3, .handoffs = 4, .blame_rows = 3, .blame_bytes = 1'500'000});
  EXPECT_EQ(losses.processes, 1U);
  EXPECT_EQ(losses.threads, 3U);
  EXPECT_EQ(losses.handoffs, 2U);
  EXPECT_EQ(losses.blame_rows, 3U);
  ASSERT_EQ(summary.processes.size(), 3U);
  for (const auto& process : summary.processes) {
    EXPECT_NE(process.pid, 1);
    ASSERT_EQ(process.threads.size(), 1U);
    EXPECT_EQ(process.threads[0].figures.id, ThreadId{2});
    EXPECT_EQ(process.blame->size(), 1U);
  }
}

TEST(Page, bounds_the_bytes_of_blame) {
  auto summary = make_summary("worker");
  for (auto& row : *summary.processes[0].blame)
    row.stack.assign(30, CodePlace{std::string(900, 'x'), "f", 1});
  EXPECT_EQ(cut_summary(summary, {.blame_bytes = 40'000}).blame_rows, 1U);
  EXPECT_EQ(summary.processes[0].blame->size(), 1U);
  EXPECT_EQ(cut_summary(summary, {.blame_bytes = 40'000}).blame_rows, 0U);
}

TEST(Page, has_no_stacks_of_waits_which_it_does_not_show) {
  auto summary = make_summary("worker");
  summary.processes[0].threads[0].longest_waits = {{Nanoseconds(1), {{"app.py", "f", 1}}}};
  cut_summary(summary);
  EXPECT_TRUE(summary.processes[0].threads[0].longest_waits.empty());
}

}  // namespace
}  // namespace gilscope
