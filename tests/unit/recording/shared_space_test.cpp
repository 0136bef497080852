#include "recording/shared_space.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <span>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect_error.h"
#include "recording/in_child.h"
#include "sanitizers.h"
#include "scratch_folder.h"

namespace gilscope {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::byte kMark{0x5A};

bool is_zero(const std::byte* slot) {
  return std::ranges::all_of(std::span(slot, kPage), [](std::byte byte) { return byte == std::byte{}; });
}

// The number behind /proc/PID/fd/NUMBER.
int descriptor_of(const SharedSpace& space) {
  return std::stoi(space.path().substr(space.path().rfind('/') + 1));
}

TEST(SharedSpace, gives_zeros_that_others_read) {
  auto space = SharedSpace::create(kPage);
  std::byte* const slot = space.claim();
  ASSERT_NE(slot, nullptr);
  EXPECT_TRUE(is_zero(slot));
  *slot = kMark;
  EXPECT_EQ(*SharedSpace::View(space, 0).data(), kMark);
  EXPECT_EQ(space.claimed(), 1U);
  EXPECT_EQ(space.refused(), 0U);
}

TEST(SharedSpace, leaves_the_first_descriptors_to_the_script_and_none_to_programs_that_are_executed) {
  const auto space = SharedSpace::create(kPage);
  EXPECT_GE(descriptor_of(space), 200);
  EXPECT_EQ(fcntl(descriptor_of(space), F_GETFD), FD_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
}

TEST(SharedSpace, is_found_by_its_path_from_another_process_and_outlives_it) {
  auto space = SharedSpace::create(kPage);
  ASSERT_NE(space.claim(), nullptr);
  const std::string path = space.path();
  const int code = test::run_in_child([&] {
    auto found = SharedSpace::open(path, kPage);
    if (!found) return false;
    std::byte* const slot = found->claim();
    if (slot == nullptr || !is_zero(slot)) return false;
    *slot = kMark;
    raise(SIGKILL);
    return true;
  });
  EXPECT_EQ(code, -SIGKILL);
  EXPECT_EQ(space.claimed(), 2U);
  EXPECT_EQ(*SharedSpace::View(space, 0).data(), std::byte{});
  EXPECT_EQ(*SharedSpace::View(space, 1).data(), kMark);
}

TEST(SharedSpace, gives_the_child_of_a_fork_zeros_where_the_parents_slot_was) {
  auto space = SharedSpace::create(kPage);
  std::byte* const slot = space.claim();
  *slot = kMark;
  const int code = test::run_in_child([&] {
    const bool is_fresh = space.claim_anew() && is_zero(slot);
    *slot = std::byte{0x77};
    return is_fresh;
  });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(*slot, kMark);
  EXPECT_EQ(*SharedSpace::View(space, 1).data(), std::byte{0x77});
}

TEST(SharedSpace, refuses_a_slot_beyond_the_last_and_counts_who_got_none) {
  auto space = SharedSpace::create(kPage);
  std::byte* const slot = space.claim();
  for (std::uint64_t i = 1; i < SharedSpace::kSlots; ++i) ASSERT_TRUE(space.claim_anew()) << i;
  *slot = kMark;
  EXPECT_EQ(space.claimed(), SharedSpace::kSlots);
  EXPECT_FALSE(space.claim_anew());
  EXPECT_TRUE(is_zero(slot)) << "private zeros";
  *slot = std::byte{0x77};
  EXPECT_EQ(*SharedSpace::View(space, SharedSpace::kSlots - 1).data(), kMark);
  auto late = SharedSpace::open(space.path(), kPage);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->claim(), nullptr);
  EXPECT_EQ(space.claimed(), SharedSpace::kSlots);
  EXPECT_EQ(space.refused(), 2U);
}

TEST(SharedSpace, is_not_found_where_it_is_gone_or_something_else) {
  const test::ScratchFolder folder;
  const std::string file = folder.write("text", "not ours");
  const auto size = static_cast<off_t>(kPage + SharedSpace::kSlots * kPage);
  const std::string zeros = folder.write("zeros", "");
  ASSERT_EQ(truncate(zeros.c_str(), size), 0);
  const auto of_other_size = SharedSpace::create(2 * kPage);
  for (const std::string& path :
       {std::string(), std::string("/nowhere"), std::string("/dev/null"), folder.path().string(), file, zeros,
        of_other_size.path(), std::string("/proc/1/fd/200")}) {
    EXPECT_FALSE(SharedSpace::open(path, kPage)) << path;
  }
  EXPECT_EQ(test::read_file(file), "not ours");
}

// Bytes that say that they are a space, in a file that is not the one of which they say so.
TEST(SharedSpace, does_not_take_a_copy_of_itself_for_itself) {
  const auto space = SharedSpace::create(kPage);
  const test::ScratchFolder folder;
  const std::string copy = folder.file("copy");
  std::filesystem::copy_file(space.path(), copy);
  EXPECT_FALSE(SharedSpace::open(copy, kPage));
}

// Else a read of a mapping could be SIGBUS.
TEST(SharedSpace, cannot_be_cut_short_nor_made_longer_by_anybody) {
  auto space = SharedSpace::create(kPage);
  ASSERT_NE(space.claim(), nullptr);
  for (const off_t size : {off_t{0}, off_t{4096}, off_t{1} << 30}) {
    EXPECT_EQ(ftruncate(descriptor_of(space), size), -1);
    EXPECT_EQ(truncate(space.path().c_str(), size), -1);
  }
  EXPECT_EQ(*SharedSpace::View(space, 0).data(), std::byte{});
}

TEST(SharedSpace, that_could_be_cut_short_is_not_opened) {
  const auto space = SharedSpace::create(kPage);
  const FileDescriptor open_file(::open(space.path().c_str(), O_RDONLY | O_CLOEXEC));
  std::array<std::uint64_t, 4> head{};
  ASSERT_EQ(pread(open_file.get(), head.data(), sizeof head, 0), static_cast<ssize_t>(sizeof head));
  struct stat status{};
  ASSERT_EQ(fstat(open_file.get(), &status), 0);
  ASSERT_EQ(head[3], status.st_ino) << "magic, size of a slot, device, inode";

  const FileDescriptor other(memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(other.get(), status.st_size), 0);
  struct stat of_other{};
  ASSERT_EQ(fstat(other.get(), &of_other), 0);
  head[2] = of_other.st_dev;
  head[3] = of_other.st_ino;
  ASSERT_EQ(pwrite(other.get(), head.data(), sizeof head, 0), static_cast<ssize_t>(sizeof head));
  const std::string path = "/proc/self/fd/" + std::to_string(other.get());
  EXPECT_FALSE(SharedSpace::open(path, kPage));
  ASSERT_EQ(fcntl(other.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
  EXPECT_TRUE(SharedSpace::open(path, kPage)) << "nothing else was wrong";
}

TEST(SharedSpace, gives_no_slot_beyond_its_end_whatever_stands_in_its_counts) {
  auto space = SharedSpace::create(kPage);
  const FileDescriptor file(::open(space.path().c_str(), O_RDWR | O_CLOEXEC));
  for (const std::uint64_t value : {~std::uint64_t{0}, SharedSpace::kSlots, std::uint64_t{1} << 63U}) {
    const std::array<std::uint64_t, 2> counts{value, value};  // of those taken, and of those refused
    ASSERT_EQ(pwrite(file.get(), counts.data(), sizeof counts, 32), static_cast<ssize_t>(sizeof counts));
    EXPECT_EQ(space.claim(), nullptr);
    EXPECT_LE(space.claimed(), SharedSpace::kSlots);
    EXPECT_LT(space.refused(), std::uint64_t{1} << 32U);
  }
}

TEST(SharedSpace, knows_its_file_by_itself_and_not_by_what_stands_in_it) {
  auto space = SharedSpace::create(kPage);
  const FileDescriptor file(::open(space.path().c_str(), O_RDWR | O_CLOEXEC));
  const std::array<std::uint64_t, 2> identity{1, 2};
  ASSERT_EQ(pwrite(file.get(), identity.data(), sizeof identity, 16), static_cast<ssize_t>(sizeof identity));
  EXPECT_TRUE(space.is_still_ours());
  EXPECT_FALSE(SharedSpace::open(space.path(), kPage));
}

TEST(SharedSpace, whose_descriptor_was_closed_gives_no_slot) {
  auto space = SharedSpace::create(kPage);
  std::byte* const slot = space.claim();
  *slot = kMark;
  ASSERT_TRUE(space.is_still_ours());
  close(descriptor_of(space));
  EXPECT_FALSE(space.is_still_ours());
  EXPECT_FALSE(space.claim_anew());
  EXPECT_TRUE(is_zero(slot));
  EXPECT_EQ(space.refused(), 1U);
  EXPECT_FALSE(SharedSpace::open(space.path(), kPage));
}

TEST(SharedSpace, does_not_touch_the_file_that_has_its_number_now) {
  const test::ScratchFolder folder;
  const std::string path = folder.write("precious", std::string(2 * kPage, 'x'));
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);  // NOLINT(cppcoreguidelines-pro-type-vararg)
  ASSERT_GE(file, 0);
  int number = 0;
  {
    auto space = SharedSpace::create(kPage);
    number = descriptor_of(space);
    std::byte* const slot = space.claim();
    ASSERT_EQ(dup2(file, number), number);
    EXPECT_FALSE(space.is_still_ours());
    EXPECT_FALSE(space.claim_anew());
    std::fill_n(slot, kPage, kMark);
    EXPECT_FALSE(SharedSpace::open(space.path(), kPage));
  }
  EXPECT_EQ(write(number, "y", 1), 1) << "it was closed with the space";
  close(number);
  close(file);
  EXPECT_EQ(test::read_file(path), "y" + std::string(2 * kPage - 1, 'x'));
}

TEST(SharedSpace, can_be_moved) {
  auto space = SharedSpace::create(kPage);
  ASSERT_NE(space.claim(), nullptr);
  const int number = descriptor_of(space);
  {
    const SharedSpace moved(std::move(space));
    EXPECT_TRUE(moved.is_still_ours());
    EXPECT_EQ(descriptor_of(moved), number);
  }
  EXPECT_EQ(fcntl(number, F_GETFD), -1);  // NOLINT(cppcoreguidelines-pro-type-vararg)
}

// The kernel ends a process that makes a larger file (SIGXFSZ), even in memory.
TEST(SharedSpace, larger_than_files_may_be_is_an_error_and_no_signal) {
  const int code = test::run_in_child([] {
    const rlimit limit{.rlim_cur = 1U << 20U, .rlim_max = 1U << 20U};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
    const Error error = test::error_of([] { (void)SharedSpace::create(kPage); });
    return std::string_view(error.what()).find("RLIMIT_FSIZE") != std::string_view::npos;
  });
  EXPECT_EQ(code, 0);
}

TEST(SharedSpace, without_a_free_descriptor_is_an_error) {
  if (test::is_sanitized_by("undefined")) {
    GTEST_SKIP() << "UBSan looks at the table of an error's class through a pipe, which takes descriptors";
  }
  const int code = test::run_in_child([] {
    const rlimit limit{.rlim_cur = 3, .rlim_max = 3};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    const Error error = test::error_of([] { (void)SharedSpace::create(kPage); });
    return std::string_view(error.what()).find("memfd_create") != std::string_view::npos;
  });
  EXPECT_EQ(code, 0);
}

TEST(SharedSpace, takes_a_low_descriptor_where_there_are_no_high_ones) {
  const int code = test::run_in_child([] {
    const rlimit limit{.rlim_cur = 64, .rlim_max = 64};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
    auto space = SharedSpace::create(kPage);
    return descriptor_of(space) < 64 && space.claim() != nullptr && SharedSpace::open(space.path(), kPage);
  });
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace gilscope
