#include <Python.h>

#include <string_view>

#include <gtest/gtest.h>

#include "probe/lock_watch.h"

namespace gilscope {
namespace {

ParkedLock make_object(std::string_view type) {
  ParkedLock lock{.kind = LockKind::Object};
  type.copy(lock.type.data(), lock.type.size() - 1);
  return lock;
}

TEST(LastParked, knows_for_what_threads_waited_last_at_a_stack) {
  LastParked last;
  EXPECT_EQ(last.find_again(17, make_object("dict")).type_name(), "dict");
  const auto again = last.find_again(17, {});
  EXPECT_EQ(again.kind, LockKind::Object);
  EXPECT_EQ(again.type_name(), "dict");
  static_cast<void>(last.find_again(17, make_object("list")));
  EXPECT_EQ(last.find_again(17, {}).type_name(), "list");
}

TEST(LastParked, says_nothing_of_another_stack_or_of_what_is_known_better) {
  LastParked last;
  EXPECT_EQ(last.find_again(17, {}).kind, LockKind::Unknown);
  static_cast<void>(last.find_again(17, make_object("dict")));
  EXPECT_EQ(last.find_again(17 + 64, {}).kind, LockKind::Unknown);
  EXPECT_EQ(last.find_again(17, {.kind = LockKind::World}).kind, LockKind::World);
  EXPECT_EQ(last.find_again(17, {}).type_name(), "dict");
}

}  // namespace
}  // namespace gilscope
