// Slots of processes that have ended become one, and are taken again: nothing is lost on the way, nor there
// twice, whenever whoever does it is killed.
#include <algorithm>
#include <csignal>
#include <map>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recording/in_child.h"
#include "recording/shared_space.h"

namespace gilscope {
namespace {

constexpr std::size_t kSlotBytes = 4096;

// What a slot holds: a number, and the sum that it belongs to. 0: nothing.
struct Content {
  std::uint64_t value;
  std::uint64_t sum;
};
Content& content_of(std::byte* slot) { return *reinterpret_cast<Content*>(slot); }

class Adder final : public SharedSpace::Folder {
 public:
  std::optional<std::size_t> sum_of(std::byte* slot) override {
    step();
    if (content_of(slot).sum == kStays) return std::nullopt;
    return content_of(slot).value == 0 ? kNothing : content_of(slot).sum;
  }
  bool add(std::byte* sum, std::byte* part) override {
    step();
    content_of(sum).value += content_of(part).value;
    content_of(sum).sum = content_of(part).sum;
    step();
    return true;
  }
  // Is killed at that step, from 1 on.
  int kill_at = 0;
  int steps = 0;

  static constexpr std::uint64_t kStays = 99;

 private:
  void step() {
    if (++steps == kill_at) raise(SIGKILL);
  }
};

// By sum.
std::map<std::uint64_t, std::uint64_t> totals(const SharedSpace& space) {
  std::map<std::uint64_t, std::uint64_t> totals;
  const SharedSpace::Reading reading(space);
  for (std::uint64_t slot = 1; slot < space.claimed(); ++slot) {
    if (!space.counts(slot)) continue;
    const SharedSpace::View view(space, slot);
    const Content& content = content_of(view.data());
    if (content.value != 0) totals[content.sum] += content.value;
  }
  return totals;
}

std::uint64_t count_slots(const SharedSpace& space) {
  std::uint64_t count = 0;
  for (std::uint64_t slot = 0; slot < space.claimed(); ++slot) count += space.counts(slot) ? 1U : 0U;
  return count;
}

std::uint64_t bytes_of(const SharedSpace& space) {
  struct stat status{};
  fstat(space.file(), &status);
  return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

class FoldedSlots : public testing::Test {
 protected:
  FoldedSlots() { EXPECT_NE(slot_, nullptr); }

  void leave(Content content) {
    EXPECT_EQ(test::run_in_child([&] {
                if (!space_.claim_anew()) return false;
                content_of(slot_) = content;
                return true;
              }),
              0);
  }

  SharedSpace space_ = SharedSpace::create(kSlotBytes);
  std::byte* slot_ = space_.claim();
  Adder adder_;
};

TEST_F(FoldedSlots, sum_to_what_they_held) {
  for (std::uint64_t i = 1; i <= 20; ++i) leave({.value = i, .sum = i % 3});
  const auto before = totals(space_);
  space_.fold(adder_);
  EXPECT_EQ(totals(space_), before);
  EXPECT_EQ(count_slots(space_), 1U + 3);
  leave({.value = 1000, .sum = 1});
  leave({.value = 5000, .sum = 15});
  space_.fold(adder_);
  EXPECT_EQ(totals(space_)[1], before.at(1) + 1000);
  EXPECT_EQ(totals(space_)[15], 5000U);
  EXPECT_EQ(totals(space_)[2], before.at(2));
  EXPECT_EQ(count_slots(space_), 1U + 4);
}

TEST_F(FoldedSlots, are_taken_again_and_are_zeros) {
  for (int i = 0; i < 400; ++i) {
    const int code = test::run_in_child([&] {
      const bool is_fresh = space_.claim_anew() && content_of(slot_).value == 0 && content_of(slot_).sum == 0;
      content_of(slot_) = {.value = 1, .sum = 0};
      if (space_.is_to_fold()) space_.fold(adder_);
      return is_fresh;
    });
    ASSERT_EQ(code, 0);
  }
  EXPECT_EQ(totals(space_)[0], 400U);
  EXPECT_LE(space_.claimed(), SharedSpace::kFew + 2);
  EXPECT_LE(bytes_of(space_), SharedSpace::kHeaderBytes + (SharedSpace::kFew + 2) * kSlotBytes);
  EXPECT_EQ(space_.refused(), 0U);
}

TEST_F(FoldedSlots, are_free_where_nothing_is_in_them) {
  for (int i = 0; i < 10; ++i) leave({.value = 0, .sum = 0});
  space_.fold(adder_);
  EXPECT_EQ(count_slots(space_), 1U);
  EXPECT_EQ(space_.claimed(), 11U);
  leave({.value = 7, .sum = 0});
  EXPECT_EQ(space_.claimed(), 11U);
}

TEST_F(FoldedSlots, are_not_those_of_the_first_process_nor_of_one_that_lives) {
  int told[2];
  int wait[2];
  ASSERT_EQ(pipe(told) + pipe(wait), 0);
  const pid_t alive = fork();
  if (alive == 0) {
    const bool has_one = space_.claim_anew();
    content_of(slot_) = {.value = 3, .sum = 0};
    char byte = 0;
    const bool is_told = ::write(told[1], "x", 1) == 1 && ::read(wait[0], &byte, 1) == 1;
    _exit(has_one && is_told && content_of(slot_).value == 3 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(told[0], &byte, 1), 1);
  content_of(slot_) = {.value = 1, .sum = 0};
  leave({.value = 4, .sum = 0});
  const int by_another = test::run_in_child([&] {
    space_.fold(adder_);
    return true;
  });
  EXPECT_EQ(by_another, 0);
  EXPECT_EQ(totals(space_)[0], 7U);
  EXPECT_EQ(count_slots(space_), 3U);
  EXPECT_EQ(content_of(SharedSpace::View(space_, 1).data()).value, 3U);
  ASSERT_EQ(::write(wait[1], "x", 1), 1);
  EXPECT_EQ(test::wait_for(alive), 0);
  space_.fold(adder_);
  EXPECT_EQ(totals(space_)[0], 7U);
  EXPECT_EQ(count_slots(space_), 2U);
  for (const int file : {told[0], told[1], wait[0], wait[1]}) close(file);
}

TEST_F(FoldedSlots, stay_as_they_are_where_nobody_can_make_anything_of_them) {
  leave({.value = 8, .sum = Adder::kStays});
  space_.fold(adder_);
  space_.fold(adder_);
  EXPECT_EQ(adder_.steps, 1) << "nobody looks again";
  EXPECT_EQ(totals(space_)[Adder::kStays], 8U);
}

// Another process's number says nothing there.
TEST_F(FoldedSlots, are_not_those_of_processes_that_others_know_by_another_number) {
  const int code = test::run_in_child([&] {
    if (unshare(CLONE_NEWPID) != 0) return false;  // it may not
    return test::run_in_child([&] {
             if (!space_.claim_anew()) return false;
             content_of(slot_) = {.value = 5, .sum = 0};
             return true;
           }) == 0;
  });
  if (code != 0) GTEST_SKIP() << "no name space may be made here";
  space_.fold(adder_);
  EXPECT_EQ(adder_.steps, 0);
  EXPECT_EQ(totals(space_)[0], 5U);
}

TEST_F(FoldedSlots, are_as_before_or_as_after_whenever_who_folds_is_killed) {
  for (int kill_at = 1;; ++kill_at) {
    SCOPED_TRACE(kill_at);
    for (std::uint64_t i = 1; i <= 6; ++i) leave({.value = i, .sum = i % 2});
    const auto before = totals(space_);
    const int code = test::run_in_child([&] {
      Adder adder;
      adder.kill_at = kill_at;
      space_.fold(adder);
      return true;
    });
    EXPECT_EQ(totals(space_), before);
    space_.fold(adder_);
    EXPECT_EQ(totals(space_), before);
    EXPECT_EQ(count_slots(space_), 3U);
    if (code == 0) break;
    ASSERT_EQ(code, -SIGKILL);
    ASSERT_LT(kill_at, 100);
  }
  EXPECT_LE(space_.claimed(), 16U) << "none is lost on the way";
}

TEST_F(FoldedSlots, are_left_alone_while_somebody_reads) {
  leave({.value = 1, .sum = 0});
  {
    const SharedSpace::Reading reading(space_);
    EXPECT_EQ(test::run_in_child([&] {
                space_.fold(adder_);
                return adder_.steps == 0;
              }),
              0);
  }
  space_.fold(adder_);
  EXPECT_GT(adder_.steps, 0);
}

}  // namespace
}  // namespace gilscope
