#include "probe/gil_table.h"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

constexpr std::uintptr_t kFirst = 0x7f00'0000'0000;

TEST(GilTable, FindsWhatWasInsertedAndNothingElse) {
  const auto table = std::make_unique<GilTable>();
  Gil* const gil = table->insert(kFirst);
  ASSERT_NE(gil, nullptr);
  EXPECT_EQ(table->find(kFirst), gil);
  EXPECT_EQ(table->insert(kFirst), gil);
  EXPECT_EQ(table->find(kFirst + 8), nullptr);
}

TEST(GilTable, AnErasedEntryDoesNotHideOthers) {
  const auto table = std::make_unique<GilTable>();
  std::vector<Gil*> gils;
  for (std::uintptr_t i = 0; i < 1'000; ++i) gils.push_back(table->insert(kFirst + i * 88));
  for (std::size_t i = 0; i < gils.size(); i += 2) table->erase(*gils[i]);
  for (std::uintptr_t i = 0; i < 1'000; ++i) {
    EXPECT_EQ(table->find(kFirst + i * 88), i % 2 == 0 ? nullptr : gils[i]) << i;
  }
}

TEST(GilTable, WhatDoesNotFitIsCounted) {
  const auto table = std::make_unique<GilTable>();
  std::uint64_t refused = 0;
  for (std::uintptr_t i = 0; i < 2 * GilTable::kPlaces; ++i) {
    if (table->insert(kFirst + i * 4'096) == nullptr) ++refused;
  }
  EXPECT_GE(refused, GilTable::kPlaces);
  EXPECT_EQ(table->overflows(), refused);
  table->clear();
  EXPECT_EQ(table->find(kFirst), nullptr);
  EXPECT_EQ(table->overflows(), 0U);
}

// An address comes and goes for as long as the program makes and ends sub-interpreters.
TEST(GilTable, PlacesAreUsedAgain) {
  const auto table = std::make_unique<GilTable>();
  for (std::uintptr_t i = 0; i < 100'000; ++i) {
    Gil* const gil = table->insert(kFirst + i * 88);
    ASSERT_NE(gil, nullptr) << i;
    table->erase(*gil);
  }
}

}  // namespace
}  // namespace gilscope
