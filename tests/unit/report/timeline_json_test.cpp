#include "report/timeline_json.h"

#include <random>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace gilscope {
namespace {

// As many threads and intervals as can be, each of its own place and length: hours, in ticks.
TEST(TimelineJson, leaves_room_for_the_rest_of_a_page_of_ten_megabytes) {
  std::mt19937_64 random(1);
  Timeline timeline(0, TickLength{0.4});
  timeline.begin_process();
  for (unsigned thread = 0; thread < 1'100; ++thread) {
    std::uint64_t now = 0;
    for (int i = 0; i < 300; ++i) {
      const auto begin = now + random() % 100'000'000'000;
      now = begin + random() % 100'000'000'000;
      timeline.add({.kind = i % 2 == 0 ? IntervalKind::Hold : IntervalKind::Wait,
                    .thread = ThreadId{1'000'000 + thread},
                    .begin = begin,
                    .end = now});
    }
  }
  std::size_t cells = 0;
  for (const auto& row : timeline.rows()) cells += row.cells.cells().size();
  EXPECT_GT(cells, 80'000U);
  const auto text = timeline_json(timeline, {{.pid = 1, .name = "app.py"}}).dump();
  EXPECT_GT(text.size(), 2'000'000U);
  EXPECT_LT(text.size(), 7'500'000U);
}

}  // namespace
}  // namespace gilscope
