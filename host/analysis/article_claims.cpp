#include <array>
#include <utility>

#include "analysis/article_rules.h"

namespace gilscope {
namespace {

using namespace article_rules;

constexpr std::array<std::string_view, 13> kArticleSays{
    "only one thread at a time executes Python bytecode",
    "threads do not speed up CPU-bound work: 25.86 s one after the other, 24.50 s in two threads",
    "processes speed up CPU-bound work: 25.86 s one after the other, 8.38 s in two of them, which is 3.09 "
    "times as fast",
    "the processor switches between two threads about every millisecond, or faster, depending on its speed",
    "threads still help when the work waits for I/O",
    "two Process objects make three Python processes, the parent among them",
    "processes share nothing: what they exchange goes through a queue, and that costs",
    "asyncio interleaves waiting tasks in one thread",
    "asyncio does not speed up CPU-bound work",
    "an extension, or a module that waits, releases the GIL",
    "to avoid the GIL, use Jython, IronPython or PyPy",
    "concurrency is tasks overlapping in time, parallelism is tasks executing at once",
    "every program has a main thread, whether or not it makes others",
};

bool is_wanted(const ArticleMeasurements& measurements, std::string_view program) {
  return measurements.find_program(program) != nullptr;
}

}  // namespace

std::vector<Claim> judge_article(const ArticleMeasurements& m) {
  std::vector<Claim> claims;
  const auto judge = [&](int id, bool is_wanted, auto rule) {
    if (!is_wanted) return;
    Claim claim{.id = id, .article_says = kArticleSays.at(static_cast<std::size_t>(id) - 1)};
    rule(claim, m);
    claims.push_back(std::move(claim));
  };
  judge(1, is_wanted(m, "count_threads"), judge_one_at_a_time);
  judge(2, m.counting.is_wanted(), [](Claim& claim, const ArticleMeasurements& all) {
    judge_no_gain(claim, all, Mode::Threads,
                  all.has_gil ? "one thread at a time counted, while the other one waited for the GIL"
                              : "it was not faster, though this Python has no GIL");
  });
  judge(3, m.counting.is_wanted(), judge_processes);
  judge(4, !m.forced_holds.empty(), judge_switches);
  judge(5, m.queries.is_wanted() || m.waits.is_wanted(), judge_waiting);
  judge(6, m.process_counts.is_wanted(), judge_process_count);
  judge(7, m.exchange.is_wanted(), judge_exchange);
  judge(8, is_wanted(m, "interleave_asyncio"), judge_interleaving);
  judge(9, m.counting.is_wanted(), [](Claim& claim, const ArticleMeasurements& all) {
    judge_no_gain(claim, all, Mode::Asyncio,
                  "a task that never awaits keeps the one thread until it has ended");
  });
  judge(10, m.native_held.is_wanted() || m.native_released.is_wanted(), judge_release);
  judge(11, m.flavours.is_wanted(), judge_flavours);
  judge(12, m.counting.is_wanted(), judge_definitions);
  judge(13, is_wanted(m, "add_sub_sequential"), judge_main_thread);
  return claims;
}

}  // namespace gilscope
