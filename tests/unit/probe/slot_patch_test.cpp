#include "probe/slot_patch.h"

#include <sys/mman.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "probe/page.h"
#include "probe/probe_error.h"

namespace gilscope {
namespace {

TEST(SlotPatch, AReadOnlyPageIsReadOnlyAgainAfterPatchAndRestore) {
  Page page;
  page.slot(3) = 7;
  page.protect(PROT_READ);
  SlotPatch patch({{.place = &page.slot(3), .original = 7, .replacement = 8}});
  EXPECT_EQ(page.slot(3), 8U);
  EXPECT_EQ(page.flags(), "r--p");
  EXPECT_TRUE(patch.is_intact());
  EXPECT_TRUE(patch.restore());
  EXPECT_EQ(page.slot(3), 7U);
  EXPECT_EQ(page.flags(), "r--p");
}

TEST(SlotPatch, AWritablePageStaysWritable) {
  Page page;
  {
    const SlotPatch patch({{.place = &page.slot(0), .original = 0, .replacement = 5}});
    EXPECT_EQ(page.flags(), "rw-p");
  }
  EXPECT_EQ(page.flags(), "rw-p");
  EXPECT_EQ(page.slot(0), 0U);
}

TEST(SlotPatch, WhereOneSlotCannotBeWrittenAllAreAsBefore) {
  Page first;
  Page gone;
  first.slot(1) = 1;
  std::uintptr_t* const unmapped = &gone.slot(0);
  gone.unmap();
  EXPECT_THROW(SlotPatch({{.place = &first.slot(1), .original = 1, .replacement = 2},
                          {.place = unmapped, .original = 0, .replacement = 2}}),
               ProbeError);
  EXPECT_EQ(first.slot(1), 1U);
}

TEST(SlotPatch, WhatSomebodyElsePatchedSinceIsLeftToHim) {
  Page page;
  SlotPatch patch({{.place = &page.slot(0), .original = 1, .replacement = 2}});
  page.slot(0) = 3;
  EXPECT_FALSE(patch.is_intact());
  EXPECT_FALSE(patch.restore());
  EXPECT_EQ(page.slot(0), 3U);
}

}  // namespace
}  // namespace gilscope
