// The store of stacks that processes share: what is told once, what it takes, and what comes when it is full.
#include "recording/stack_store.h"

#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "analysis/row_table.h"
#include "capture/fake_code.h"
#include "support/file.h"

namespace gilscope {
namespace {

using test::FakeCode;

constexpr GilId kFirstGil{0};

class StackStoreTest : public testing::Test {
 protected:
  std::optional<std::uint32_t> number_of(const FakeCode& code, const std::vector<std::size_t>& stack) {
    std::vector<CodePoint> points;
    for (const auto index : stack) points.push_back(code.point(index));
    return store_.number_of(kFirstGil, points, code);
  }
  // Innermost first, "file:line function"; "" where there is none of that number.
  [[nodiscard]] std::string text_of(std::optional<std::uint32_t> number) const {
    CodeStacks known;
    const auto ids = store_.read(known);
    if (!number || *number >= ids.size()) return "";
    std::string text;
    for (const auto& place : test::places_of(known, ids[*number])) {
      text +=
          (text.empty() ? "" : ", ") + place.file + ":" + std::to_string(place.line) + " " + place.function;
    }
    return text;
  }

  ZeroedMemory memory_{sizeof(StackStore)};
  StackStore& store_ = *reinterpret_cast<StackStore*>(memory_.data());
};

std::vector<CodePlace> make_lines(std::uint32_t count) {
  std::vector<CodePlace> places;
  for (std::uint32_t i = 0; i < count; ++i) places.push_back({"made.py", "f", i + 1});
  return places;
}

TEST_F(StackStoreTest, an_address_that_comes_again_is_other_code) {
  FakeCode code({{"a.py", "a", 1}, {"main.py", "main", 7}});
  const auto first = number_of(code, {0, 1});
  code.replace(0, {"b.py", "b", 2});
  const auto second = number_of(code, {0, 1});
  EXPECT_EQ(text_of(first), "a.py:1 a, main.py:7 main");
  EXPECT_EQ(text_of(second), "b.py:2 b, main.py:7 main");
}

TEST_F(StackStoreTest, what_says_the_same_has_one_number_however_often_it_is_made) {
  const CodePlace template_place{"<template>", "<module>", 3};
  FakeCode code({template_place, {"main.py", "main", 7}});
  const auto number = number_of(code, {0, 1});
  ASSERT_TRUE(number);
  for (int i = 0; i < 100'000; ++i) {
    code.replace(0, template_place);
    ASSERT_EQ(number_of(code, {0, 1}), number);
  }
  EXPECT_EQ(text_of(number), "<template>:3 <module>, main.py:7 main");
  CodeStacks known;
  EXPECT_EQ(store_.read(known).size(), 1U);
}

TEST_F(StackStoreTest, a_full_store_keeps_what_it_has_and_asks_of_the_rest_once) {
  FakeCode code(make_lines(8000));
  std::vector<std::optional<std::uint32_t>> numbers;
  for (std::size_t i = 0; i < 8000; ++i) numbers.push_back(number_of(code, {i}));
  EXPECT_TRUE(numbers[StackStore::kPlaces - 1]);
  EXPECT_FALSE(numbers[StackStore::kPlaces]);
  EXPECT_EQ(code.described, 8000U);
  for (std::size_t i = 0; i < 8000; ++i) ASSERT_EQ(number_of(code, {i}), numbers[i]);
  EXPECT_EQ(code.described, 8000U);
  // More addresses than are remembered.
  for (int i = 0; i < 50'000; ++i) {
    code.replace(7999, {"more.py", "g", 1});
    ASSERT_FALSE(number_of(code, {7999}));
  }
  for (std::size_t i = 0; i < 8000; ++i) ASSERT_EQ(number_of(code, {i}), numbers[i]);
  EXPECT_EQ(text_of(numbers[0]), "made.py:1 f");
}

TEST_F(StackStoreTest, code_that_is_just_being_freed_has_no_number_and_what_comes_there_has_its_own) {
  FakeCode code({{"a.py", "a", 1}});
  code.is_dying = true;
  EXPECT_FALSE(number_of(code, {0}));
  code.is_dying = false;
  EXPECT_EQ(text_of(number_of(code, {0})), "a.py:1 a");
}

TEST(StackStore, takes_memory_by_what_is_in_it) {
  const FileDescriptor file(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), sizeof(StackStore)), 0);
  void* const memory = mmap(nullptr, sizeof(StackStore), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto& store = *static_cast<StackStore*>(memory);
  const FakeCode code(make_lines(40));
  for (std::size_t i = 0; i < 40; ++i) {
    const std::array stack{code.point(i), code.point((i + 1) % 40), code.point((i + 2) % 40)};
    ASSERT_TRUE(store.number_of(kFirstGil, stack, code));
  }
  struct stat status{};
  fstat(file.get(), &status);
  // Each part of the store has its first page, and one that begins within another's.
  constexpr blkcnt_t kBlocksOfPage = 4096 / 512;
  EXPECT_LE(status.st_blocks / kBlocksOfPage, 20);
  munmap(memory, sizeof(StackStore));
}

}  // namespace
}  // namespace gilscope
