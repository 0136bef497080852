#include "support/temporary_folder.h"

#include <optional>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace gilscope {
namespace {

TEST(TemporaryFolder, is_gone_with_all_that_is_in_it) {
  std::optional<TemporaryFolder> folder(std::in_place);
  const auto path = folder->path();
  std::filesystem::create_directory(path / "inner");
  folder.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, is_left_alone_by_a_fork) {
  std::optional<TemporaryFolder> folder(std::in_place);
  const pid_t child = fork();
  if (child == 0) {
    folder.reset();
    _exit(0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder->path()));
}

}  // namespace
}  // namespace gilscope
