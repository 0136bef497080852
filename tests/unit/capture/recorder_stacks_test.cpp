// Where threads stood, through the file and back.
#include <array>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "capture/capture_fixture.h"
#include "capture/fake_code.h"

namespace gilscope {
namespace {

using test::CaptureTest;
using test::FakeCode;
using test::make_event;

using Stack = std::vector<CodePlace>;

class RecorderStacksTest : public CaptureTest {
 protected:
  // Of each event; empty where nothing was noted.
  static std::vector<Stack> read_stacks(const std::filesystem::path& file) {
    const ProcessReader reader(file);
    auto sequence = reader.events();
    std::vector<Stack> stacks;
    for (Event event{}; sequence.next(event);) {
      const auto stands = sequence.stands();
      stacks.push_back(test::places_of(sequence.names().stacks, stands));
    }
    return stacks;
  }
};

const CodePlace kMain{"/srv/app.py", "main", 10};
const CodePlace kParse{"/srv/app.py", "parse", 41};
const CodePlace kWorse{"/srv/größer/日本.py", "Wörter.zählen.<locals>.<lambda>", 4'000'000};

TEST_F(RecorderStacksTest, an_event_comes_back_with_where_its_thread_stood) {
  const FakeCode code({kMain, kParse, kWorse});
  recorder_.start(options());
  recorder_.record(make_event(10, EventKind::Acquire));
  recorder_.record_at(make_event(20, EventKind::Release), std::array{code.point(1), code.point(0)}, code);
  recorder_.record(make_event(30, EventKind::Acquire));
  recorder_.record_at(make_event(40, EventKind::Release), std::array{code.point(2)}, code);
  recorder_.record_at(make_event(50, EventKind::Acquire), {}, code);
  recorder_.record_at(make_event(60, EventKind::Release), std::array{code.point(1), code.point(0)}, code);
  EXPECT_EQ(recorder_.stop().events, 6U);
  EXPECT_EQ(read_stacks(only_file()),
            (std::vector<Stack>{{}, {kParse, kMain}, {}, {kWorse}, {}, {kParse, kMain}}));
  EXPECT_EQ(code.described, 3U);
}

TEST_F(RecorderStacksTest, a_thread_that_stands_where_it_released_is_told_so_without_its_stack) {
  const FakeCode code({kMain, kParse, kWorse});
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release), std::array{code.point(1), code.point(0)}, code);
  recorder_.record(make_event(20, EventKind::Request));
  recorder_.record_at(make_event(30, EventKind::Timeout), std::array{code.point(2)}, code);  // the holder's
  recorder_.record_again(make_event(40, EventKind::Acquire));
  recorder_.record_at(make_event(50, EventKind::Release), {}, code);
  recorder_.record_again(make_event(60, EventKind::Acquire));
  EXPECT_EQ(recorder_.stop().events, 6U);
  EXPECT_EQ(read_stacks(only_file()),
            (std::vector<Stack>{{kParse, kMain}, {}, {kWorse}, {kParse, kMain}, {}, {}}));
}

TEST_F(RecorderStacksTest, a_stack_of_another_recording_is_not_told_again) {
  const FakeCode code({kMain});
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release), std::array{code.point(0)}, code);
  recorder_.stop();
  std::filesystem::remove(only_file());
  recorder_.start(options());
  recorder_.record_again(make_event(20, EventKind::Acquire));
  recorder_.stop();
  EXPECT_EQ(read_stacks(only_file()), (std::vector<Stack>{{}}));
}

TEST_F(RecorderStacksTest, a_block_that_is_full_at_the_stack_goes_on_in_the_next) {
  const FakeCode code({kMain});
  recorder_.start(options());
  constexpr std::uint64_t kEvents = 20'000;
  recorder_.record_at(make_event(999, EventKind::Release), std::array{code.point(0)}, code);
  for (std::uint64_t i = 0; i < kEvents; ++i)
    recorder_.record_again(make_event(1000 + i * 50, EventKind::Acquire));
  EXPECT_EQ(recorder_.stop().events, kEvents + 1);
  EXPECT_EQ(std::ranges::count(read_stacks(only_file()), Stack{kMain}),
            static_cast<std::ptrdiff_t>(kEvents) + 1);
}

TEST_F(RecorderStacksTest, a_stack_that_was_told_takes_few_bytes_again) {
  const FakeCode code({kMain, kParse});
  recorder_.start(options());
  constexpr std::uint64_t kEvents = 20'000;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    const auto kind = i % 2 == 0 ? EventKind::Acquire : EventKind::Release;
    recorder_.record_at(make_event(1000 + i * 50, kind), std::array{code.point(1), code.point(0)}, code);
  }
  const auto counts = recorder_.stop();
  EXPECT_EQ(counts.events, kEvents);
  // Two of the stack, two of the event.
  EXPECT_LT(counts.bytes, kEvents * 4 + std::uint64_t{4} * kBlockSize);
  const auto stacks = read_stacks(only_file());
  EXPECT_EQ(std::ranges::count(stacks, Stack{kParse, kMain}), static_cast<std::ptrdiff_t>(kEvents));
}

TEST_F(RecorderStacksTest, threads_tell_their_own_and_equal_ones_are_one) {
  const FakeCode code({kMain, kParse});
  recorder_.start(options());
  for (const unsigned thread : {1U, 2U, 3U}) {
    std::thread([&] {
      const auto at = std::uint64_t{100} * thread;
      recorder_.record(make_event(at, EventKind::Acquire, thread));
      recorder_.record_at(make_event(at + 1, EventKind::Release, thread), std::array{code.point(1)}, code);
    }).join();
  }
  recorder_.stop();
  const ProcessReader reader(only_file());
  auto sequence = reader.events();
  std::vector<StackId> stands;
  for (Event event{}; sequence.next(event);) {
    if (sequence.stands()) stands.push_back(*sequence.stands());
  }
  EXPECT_EQ(stands, std::vector<StackId>(3, StackId{0}));
}

// The allocator gives an address again: within another interpreter that is another code object.
TEST_F(RecorderStacksTest, one_address_under_two_gils_is_two_codes) {
  FakeCode code({kMain});
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release, 1, 0), std::array{code.point(0)}, code);
  const FakeCode other({kParse});
  // A code object of the second interpreter, at the address of the first one's.
  class Moved final : public CodeReader {
   public:
    explicit Moved(const FakeCode& code) : code_(code) {}
    [[nodiscard]] bool describe(const CodePoint& /*point*/, CodeWords& words) const noexcept override {
      return code_.describe(code_.point(0), words);
    }

   private:
    const FakeCode& code_;
  };
  recorder_.record_at(make_event(20, EventKind::Release, 1, 1), std::array{code.point(0)}, Moved(other));
  recorder_.stop();
  EXPECT_EQ(read_stacks(only_file()), (std::vector<Stack>{{kMain}, {kParse}}));
}

TEST_F(RecorderStacksTest, an_address_that_comes_again_is_other_code) {
  FakeCode code({kMain, kParse});
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release), std::array{code.point(1), code.point(0)}, code);
  code.replace(1, kWorse);
  recorder_.record_at(make_event(20, EventKind::Release), std::array{code.point(1), code.point(0)}, code);
  recorder_.stop();
  EXPECT_EQ(read_stacks(only_file()), (std::vector<Stack>{{kParse, kMain}, {kWorse, kMain}}));
}

// A function that is made anew at each request. Where it is told anew each time, the numbers end.
TEST_F(RecorderStacksTest, code_that_is_made_anew_and_says_the_same_is_told_once) {
  FakeCode code({kMain, kParse});
  recorder_.start(options());
  constexpr std::uint64_t kEvents = 50'000;
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    recorder_.record_at(make_event(1000 + i * 50, EventKind::Release),
                        std::array{code.point(1), code.point(0)}, code);
    code.replace(1, kParse);
  }
  const auto counts = recorder_.stop();
  EXPECT_LT(counts.bytes, kEvents * 4 + std::uint64_t{4} * kBlockSize);
  const auto stacks = read_stacks(only_file());
  EXPECT_EQ(std::ranges::count(stacks, Stack{kParse, kMain}), static_cast<std::ptrdiff_t>(kEvents));
}

TEST_F(RecorderStacksTest, code_that_is_just_being_freed_is_not_told) {
  FakeCode code({kMain});
  code.is_dying = true;
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release), std::array{code.point(0)}, code);
  EXPECT_EQ(recorder_.stop().events, 1U);
  EXPECT_EQ(read_stacks(only_file()), std::vector<Stack>(1));
}

TEST_F(RecorderStacksTest, the_deepest_stack_and_the_longest_texts_come_back_over_many_blocks) {
  std::vector<CodePlace> places;
  for (std::uint32_t i = 0; i < 200; ++i) {
    places.push_back({std::string(CodeWords::kFileBytes - 3, 'f') + std::to_string(100 + i),
                      std::string(CodeWords::kFunctionBytes - 3, 'n') + std::to_string(100 + i), i});
  }
  const FakeCode code(places);
  recorder_.start(options());
  std::mt19937 random(1);
  std::vector<Stack> expected;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    std::vector<CodePoint> points(1 + random() % kMaxFrames);
    Stack stack;
    for (auto& point : points) {
      const auto index = random() % places.size();
      point = code.point(index);
      stack.push_back(places[index]);
    }
    recorder_.record_at(make_event(1 + i, EventKind::Release), points, code);
    expected.push_back(std::move(stack));
  }
  recorder_.stop();
  EXPECT_TRUE(read_stacks(only_file()) == expected);
}

// Memory is bounded: later stacks have no number, and their events go without. Earlier ones stay known.
TEST_F(RecorderStacksTest, a_stream_tells_of_some_thousand_stacks) {
  std::vector<CodePlace> places;
  for (std::uint32_t i = 0; i < 10'000; ++i) places.push_back({"generated.py", "f", i + 1});
  const FakeCode code(places);
  recorder_.start(options());
  std::uint64_t ticks = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    recorder_.record_at(make_event(++ticks, EventKind::Release), std::array{code.point(i)}, code);
  }
  recorder_.record_at(make_event(++ticks, EventKind::Release), std::array{code.point(0)}, code);
  EXPECT_EQ(recorder_.stop().events, ticks);
  const auto stacks = read_stacks(only_file());
  const auto known = std::ranges::count_if(stacks, [](const Stack& stack) { return !stack.empty(); });
  EXPECT_EQ(known, 6144 + 1);
  for (std::size_t i = 0; i < 6144; ++i) ASSERT_EQ(stacks[i], Stack{places[i]}) << i;
  EXPECT_EQ(stacks.back(), Stack{places[0]});
}

TEST_F(RecorderStacksTest, an_event_without_space_is_dropped_with_its_stack) {
  std::vector<CodePlace> places;
  for (std::uint32_t i = 0; i < 4000; ++i) places.push_back({"generated.py", std::string(200, 'f'), i + 1});
  const FakeCode code(places);
  auto limited = options();
  limited.max_size = std::uint64_t{4} * kBlockSize;
  recorder_.start(limited);
  for (std::size_t i = 0; i < places.size(); ++i) {
    recorder_.record_at(make_event(1 + i, EventKind::Release), std::array{code.point(i)}, code);
  }
  const auto counts = recorder_.stop();
  EXPECT_GT(counts.dropped_events, 0U);
  EXPECT_EQ(counts.events + counts.dropped_events, places.size());
  const auto stacks = read_stacks(only_file());
  ASSERT_EQ(stacks.size(), counts.events);
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    EXPECT_TRUE(stacks[i].empty() || stacks[i] == Stack{places[i]}) << i;
  }
}

TEST_F(RecorderStacksTest, the_child_of_a_fork_tells_all_of_its_own) {
  const FakeCode code({kMain, kParse});
  recorder_.start(options());
  recorder_.record_at(make_event(10, EventKind::Release), std::array{code.point(0)}, code);
  const test::Child child([&] {
    const auto now = ProbeClock(ClockKind::Monotonic).read();
    recorder_.record_at(make_event(now, EventKind::Release), std::array{code.point(0)}, code);
    recorder_.stop();
    return 0;
  });
  EXPECT_EQ(child.wait(), 0);
  recorder_.stop();
  ASSERT_EQ(files().size(), 2U);
  for (const auto& file : files()) EXPECT_EQ(read_stacks(file), std::vector<Stack>{{kMain}}) << file;
}

}  // namespace
}  // namespace gilscope
