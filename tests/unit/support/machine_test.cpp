// Fake /proc and /sys trees below a temporary folder, and what is read from them.
#include "support/machine.h"

#include <cmath>
#include <fstream>
#include <string>
#include <string_view>
#include <unistd.h>

#include <gtest/gtest.h>

#include "probe/switched_off_tsc.h"
#include "recording/in_child.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr const char* kV2Mount =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kV1Mount =
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n";

class MachineTest : public testing::Test {
 public:
  MachineTest(const MachineTest&) = delete;
  MachineTest& operator=(const MachineTest&) = delete;
  MachineTest(MachineTest&&) = delete;
  MachineTest& operator=(MachineTest&&) = delete;

 protected:
  MachineTest() {
    std::string name = (fs::temp_directory_path() / "gilscope machine XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) root_ = name;
  }
  ~MachineTest() override {
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  void SetUp() override { ASSERT_FALSE(root_.empty()); }

  void write(const fs::path& file, std::string_view text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file, std::ios::binary) << text;
  }

  void write_cpu_lists(std::string_view online, std::string_view allowed) const {
    write("sys/devices/system/cpu/online", online);
    write("proc/self/status",
          "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t" + std::string(allowed) + "\n");
  }

  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

TEST_F(MachineTest, everything_is_unknown_where_there_is_nothing_to_read) {
  const Machine machine = read_machine(root());
  EXPECT_FALSE(machine.cpus);
  EXPECT_FALSE(machine.allowed_cpus);
  EXPECT_FALSE(machine.cpu_quota);
  EXPECT_FALSE(machine.usable_cpus);
  EXPECT_FALSE(machine.model);
  EXPECT_FALSE(machine.stolen_share);
  EXPECT_FALSE(machine.load_average);
  EXPECT_EQ(machine.clock.kind, ClockKind::Monotonic);
  EXPECT_FALSE(machine.clock.kernel_source);
  EXPECT_FALSE(machine.memory);
}

TEST_F(MachineTest, malformed_files_are_unknown_and_never_throw) {
  for (const std::string_view junk :
       {"", "\n", "x", "-", "1-", "cpu cpu cpu", "3-1", "99999999999999999999", ":::"}) {
    SCOPED_TRACE(junk);
    for (const char* file : {"proc/self/cgroup", "proc/self/mountinfo", "proc/cpuinfo", "proc/stat",
                             "proc/loadavg", "proc/meminfo"}) {
      write(file, junk);
    }
    write_cpu_lists(junk, junk);
    const Machine machine = read_machine(root());
    EXPECT_FALSE(machine.cpus);
    EXPECT_FALSE(machine.allowed_cpus);
    EXPECT_FALSE(machine.cpu_quota);
    EXPECT_FALSE(machine.usable_cpus);
    EXPECT_FALSE(machine.model);
    EXPECT_FALSE(machine.stolen_share);
    EXPECT_FALSE(machine.load_average);
    EXPECT_FALSE(machine.memory);
  }
}

TEST_F(MachineTest, a_folder_in_place_of_a_file_is_unknown) {
  fs::create_directories(root() / "proc/stat");
  EXPECT_FALSE(read_cpu_times(root()));
}

TEST_F(MachineTest, an_absurdly_long_list_of_cpus_is_unknown) {
  write_cpu_lists("0-4000000000", "0");
  EXPECT_FALSE(read_online_cpus(root()));
}

TEST_F(MachineTest, cpus_are_counted_over_ranges_with_gaps) {
  write_cpu_lists("0-3,8,10-11\n", "0-127");
  EXPECT_EQ(read_online_cpus(root()), 7U);
}

TEST_F(MachineTest, allowed_cpus_are_those_of_the_affinity_that_are_online) {
  write_cpu_lists("0-3", "2-7");
  EXPECT_EQ(read_allowed_cpus(root()), 2U);
}

TEST_F(MachineTest, a_v2_quota_is_the_tightest_from_the_group_up_to_the_mount) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/a.slice/b/c\n");
  write("sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  write("sys/fs/cgroup/a.slice/b/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/a.slice/b/c/cpu.max", "400000 100000\n");
  write("sys/fs/cgroup/other/cpu.max", "1000 100000\n");
  EXPECT_EQ(read_cpu_quota(root()), 1.5);
}

TEST_F(MachineTest, a_container_sees_its_own_group_as_the_root_of_the_mount) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_EQ(read_cpu_quota(root()), 0.5);
}

TEST_F(MachineTest, a_group_outside_of_what_is_mounted_falls_back_to_the_mount) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/../elsewhere\n");
  write("sys/fs/cgroup/cpu.max", "300000 100000\n");
  write("sys/fs/elsewhere/cpu.max", "100000 100000\n");
  EXPECT_EQ(read_cpu_quota(root()), 3.0);
}

TEST_F(MachineTest, no_quota_is_no_limit_rather_than_unknown) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/a\n");
  const auto quota = read_cpu_quota(root());
  ASSERT_TRUE(quota);
  EXPECT_TRUE(std::isinf(*quota));
}

TEST_F(MachineTest, a_malformed_quota_is_unknown) {
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/a\n");
  for (const std::string_view limit :
       {"", "max", "100000", "0 100000", "100000 0", "-1 100000", "1 2 3", "a b"}) {
    SCOPED_TRACE(limit);
    write("sys/fs/cgroup/a/cpu.max", limit);
    EXPECT_FALSE(read_cpu_quota(root()));
  }
}

TEST_F(MachineTest, a_v1_quota_is_read_from_the_cpu_controller_of_this_group) {
  write("proc/self/mountinfo", kV1Mount);
  write("proc/self/cgroup", "5:cpuset:/\n4:cpuacct,cpu:/docker/x\n1:name=systemd:/cpu\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cpu_quota(root()), 2.5);
}

TEST_F(MachineTest, a_v1_container_that_mounts_its_group_as_the_root_finds_its_quota) {
  write("proc/self/mountinfo", "32 31 0:29 /docker/x /sys/fs/cgroup\\040v1 ro - cgroup cgroup rw,cpu\n");
  write("proc/self/cgroup", "4:cpu:/docker/x\n");
  write("sys/fs/cgroup v1/cpu.cfs_quota_us", "200000\n");
  write("sys/fs/cgroup v1/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(read_cpu_quota(root()), 2.0);
}

TEST_F(MachineTest, a_v1_quota_without_its_period_is_unknown) {
  write("proc/self/mountinfo", kV1Mount);
  write("proc/self/cgroup", "4:cpu:/\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
  EXPECT_FALSE(read_cpu_quota(root()));
}

TEST_F(MachineTest, in_a_hybrid_of_v1_and_v2_the_tighter_one_counts) {
  write("proc/self/mountinfo",
        std::string(kV1Mount) + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("proc/self/cgroup", "4:cpu:/\n0::/\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "50000\n");
  EXPECT_EQ(read_cpu_quota(root()), 3.0);
}

TEST_F(MachineTest, usable_cpus_are_what_affinity_and_quota_leave) {
  write_cpu_lists("0-7", "0-3");
  write("proc/self/mountinfo", kV2Mount);
  write("proc/self/cgroup", "0::/\n");
  EXPECT_EQ(read_machine(root()).usable_cpus, 4.0);
  write("sys/fs/cgroup/cpu.max", "250000 100000\n");
  EXPECT_EQ(read_machine(root()).usable_cpus, 2.5);
  write("sys/fs/cgroup/cpu.max", "900000 100000\n");
  EXPECT_EQ(read_machine(root()).usable_cpus, 4.0);
}

TEST_F(MachineTest, an_unknown_quota_takes_nothing_from_the_affinity) {
  write_cpu_lists("0-7", "0-3");
  EXPECT_EQ(read_machine(root()).usable_cpus, 4.0);
}

TEST_F(MachineTest, the_cpu_model_is_the_first_model_name) {
  write("proc/cpuinfo",
        "processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC: 2 GHz\n\nmodel name\t: other\n");
  EXPECT_EQ(read_cpu_model(root()), "AMD EPYC: 2 GHz");
  write("proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 243.75\n");
  EXPECT_FALSE(read_cpu_model(root()));
}

TEST_F(MachineTest, idle_time_and_guests_are_no_part_of_the_stolen_share) {
  write("proc/stat", "cpu  600 20 200 90000 5000 30 50 100 300 10\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 0\n");
  const auto times = read_cpu_times(root());
  ASSERT_TRUE(times);
  EXPECT_EQ(times->busy, 900U);
  EXPECT_EQ(times->stolen, 100U);
  const auto share = read_machine(root()).stolen_share;
  ASSERT_TRUE(share);
  EXPECT_DOUBLE_EQ(*share, 0.1);
}

TEST_F(MachineTest, a_kernel_that_counts_no_stolen_time_leaves_it_unknown) {
  write("proc/stat", "cpu  600 20 200 90000 5000 30 50\n");
  EXPECT_FALSE(read_cpu_times(root()));
}

TEST(StolenShare, is_taken_between_two_readings) {
  EXPECT_EQ(stolen_share({.busy = 1000, .stolen = 900}, {.busy = 1075, .stolen = 925}), 0.25);
}

TEST(StolenShare, is_unknown_where_nothing_ran_or_the_counters_went_backwards) {
  EXPECT_FALSE(stolen_share({.busy = 10, .stolen = 5}, {.busy = 10, .stolen = 5}));
  EXPECT_FALSE(stolen_share({.busy = 10, .stolen = 5}, {.busy = 20, .stolen = 4}));
  EXPECT_FALSE(stolen_share({.busy = 10, .stolen = 5}, {.busy = 9, .stolen = 6}));
}

TEST_F(MachineTest, the_load_average_is_that_of_the_last_minute) {
  write("proc/loadavg", "1.25 0.50 0.10 2/90 26885\n");
  EXPECT_EQ(read_load_average(root()), 1.25);
  write("proc/loadavg", "nan 0.50 0.10 2/90 26885\n");
  EXPECT_FALSE(read_load_average(root()));
}

TEST_F(MachineTest, the_tsc_is_the_clock_only_where_it_is_invariant_and_the_kernel_keeps_time_by_it) {
  struct Case {
    std::string_view flags;
    std::string_view source;
    ClockKind kind;
  };
  for (const auto& [flags, source, kind] :
       {Case{.flags = "fpu constant_tsc nonstop_tsc", .source = "tsc\n", .kind = ClockKind::Tsc},
        Case{.flags = "fpu constant_tsc nonstop_tsc", .source = "kvm-clock\n", .kind = ClockKind::Monotonic},
        Case{.flags = "fpu constant_tsc", .source = "tsc\n", .kind = ClockKind::Monotonic},
        Case{.flags = "fpu nonstop_tsc", .source = "tsc\n", .kind = ClockKind::Monotonic},
        Case{.flags = "constant_tsc_x nonstop_tsc", .source = "tsc\n", .kind = ClockKind::Monotonic}}) {
    write("proc/cpuinfo", "flags\t\t: " + std::string(flags) + "\n");
    write("sys/devices/system/clocksource/clocksource0/current_clocksource", source);
    const Clock clock = read_clock(root());
    EXPECT_EQ(clock.kind, kind) << flags << ' ' << source;
    EXPECT_EQ(clock.kernel_source, trim(source));
  }
}

TEST_F(MachineTest, the_tsc_is_not_the_clock_of_a_process_that_may_not_read_it) {
  write("proc/cpuinfo", "flags\t\t: constant_tsc nonstop_tsc\n");
  write("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
  const int code = test::run_in_child([&] {
    const bool is_off = test::switch_tsc_off();
    const Clock clock = read_clock(root());
    return (clock.kind == ClockKind::Monotonic) == is_off && clock.step;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(MachineTest, memory_is_told_in_bytes) {
  write("proc/meminfo", "MemTotal:       24684092 kB\nMemFree: 1 kB\nMemAvailable:   24290380 kB\n");
  const auto memory = read_memory(root());
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->total_bytes, 24684092ULL * 1024);
  EXPECT_EQ(memory->available_bytes, 24290380ULL * 1024);
  write("proc/meminfo", "MemTotal:       24684092 kB\nMemFree: 1 kB\n");
  EXPECT_FALSE(read_memory(root()));
}

TEST(ThisMachine, has_cpus_a_load_and_a_clock_that_steps) {
  const Machine machine = read_machine();
  ASSERT_TRUE(machine.usable_cpus);
  EXPECT_GT(*machine.usable_cpus, 0);
  EXPECT_LE(*machine.usable_cpus, sysconf(_SC_NPROCESSORS_ONLN));
  EXPECT_TRUE(machine.load_average);
  ASSERT_TRUE(machine.clock.step);
  EXPECT_GT(machine.clock.step->count(), 0);
}

}  // namespace
}  // namespace gilscope
