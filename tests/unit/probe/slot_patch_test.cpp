#include "probe/slot_patch.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "probe/page.h"
#include "probe/probe_error.h"

namespace gilscope {
namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;  // NOLINT(bugprone-signed-bitwise): as mprotect() takes it

TEST(SlotPatch, AReadOnlyPageIsReadOnlyAgainAfterPatchAndRestore) {
  Page page;
  page.value(3) = 7;
  page.protect(PROT_READ);
  SlotPatch patch({{.slot = page.slot(3, PROT_READ), .original = 7, .replacement = 8}});
  EXPECT_EQ(page.value(3), 8U);
  EXPECT_EQ(page.flags(), "r--p");
  EXPECT_TRUE(patch.is_intact());
  EXPECT_TRUE(patch.restore());
  EXPECT_EQ(page.value(3), 7U);
  EXPECT_EQ(page.flags(), "r--p");
}

TEST(SlotPatch, AWritablePageStaysWritable) {
  Page page;
  {
    const SlotPatch patch({{.slot = page.slot(0, kReadWrite), .original = 0, .replacement = 5}});
    EXPECT_EQ(page.flags(), "rw-p");
  }
  EXPECT_EQ(page.flags(), "rw-p");
  EXPECT_EQ(page.value(0), 0U);
}

TEST(SlotPatch, APageThatSomebodyClosedSinceIsWrittenAllTheSame) {
  Page page;
  SlotPatch patch({{.slot = page.slot(0, kReadWrite), .original = 0, .replacement = 5}});
  page.protect(PROT_READ);
  EXPECT_TRUE(patch.restore());
  EXPECT_EQ(page.value(0), 0U);
}

TEST(SlotPatch, WhereOneSlotCannotBeWrittenAllAreAsBefore) {
  Page first;
  Page gone;
  first.value(1) = 1;
  const Slot unmapped = gone.slot(0, kReadWrite);
  gone.unmap();
  EXPECT_THROW(SlotPatch({{.slot = first.slot(1, kReadWrite), .original = 1, .replacement = 2},
                          {.slot = unmapped, .original = 0, .replacement = 2}}),
               ProbeError);
  EXPECT_EQ(first.value(1), 1U);
}

TEST(SlotPatch, WhatSomebodyElsePatchedSinceIsLeftToHim) {
  Page page;
  SlotPatch patch({{.slot = page.slot(0, kReadWrite), .original = 1, .replacement = 2}});
  page.value(0) = 3;
  EXPECT_FALSE(patch.is_intact());
  EXPECT_FALSE(patch.restore());
  EXPECT_EQ(page.value(0), 3U);
}

TEST(SlotPatch, NoFileIsOpenedForIt) {
  Page page;
  page.protect(PROT_READ);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  SlotPatch patch({{.slot = page.slot(0, PROT_READ), .original = 0, .replacement = 5}});
  const bool is_patched = page.value(0) == 5;
  const bool is_restored = patch.restore();
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(is_patched);
  EXPECT_TRUE(is_restored);
  EXPECT_EQ(page.value(0), 0U);
  EXPECT_EQ(page.flags(), "r--p");
}

}  // namespace
}  // namespace gilscope
