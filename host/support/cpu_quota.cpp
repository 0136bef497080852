// The CPU quota of this process: the tightest limit that its control groups set, from its own group up to the
// root of each mount (v1 with CFS quotas, v2, and hybrids of both).
#include <algorithm>
#include <limits>
#include <string_view>
#include <vector>

#include "support/machine.h"
#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

enum class Hierarchy { V1, V2 };

struct Mount {
  Hierarchy hierarchy = Hierarchy::V2;
  std::string root;   // which group of the hierarchy is mounted
  std::string point;  // where
};

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

// Mount tables write a space of a path as \040, and so on.
std::string unescape_octal(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code =
        text[i] == '\\' && i + 3 < text.size() ? parse_unsigned(text.substr(i + 1, 3), 8) : std::nullopt;
    if (code && *code < 256) {
      plain += static_cast<char>(*code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// A line is "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
// (proc_pid_mountinfo(5)); the fields before " - " vary in number.
std::vector<Mount> read_cpu_mounts(const fs::path& root) {
  std::vector<Mount> mounts;
  const std::string table = read_text(root / "proc/self/mountinfo").value_or("");
  for (const std::string_view line : split(table, '\n')) {
    const std::size_t separator = line.find(" - ");
    if (separator == std::string_view::npos) continue;
    const auto mount = split(line.substr(0, separator), ' ');
    const auto filesystem = split(line.substr(separator + 3), ' ');
    if (mount.size() < 5 || filesystem.size() < 3) continue;
    const bool is_v2 = filesystem[0] == "cgroup2";
    if (is_v2 || (filesystem[0] == "cgroup" && contains(split(filesystem[2], ','), "cpu"))) {
      mounts.push_back({.hierarchy = is_v2 ? Hierarchy::V2 : Hierarchy::V1,
                        .root = unescape_octal(mount[3]),
                        .point = unescape_octal(mount[4])});
    }
  }
  return mounts;
}

// The group of this process in a hierarchy, as "/a/b"; a line is "4:cpu,cpuacct:/a/b", or "0::/a/b" for v2.
std::optional<std::string> find_group(std::string_view groups, Hierarchy hierarchy) {
  for (const std::string_view line : split(groups, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first == std::string_view::npos ? first : first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const bool matches = hierarchy == Hierarchy::V2 ? line.substr(0, first) == "0" && controllers.empty()
                                                    : contains(split(controllers, ','), "cpu");
    if (matches) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

// `unlimited` is the hierarchy's own word for no limit. A quota of 0 would grant nothing: malformed.
std::optional<double> parse_limit(std::string_view quota, std::string_view period,
                                  std::string_view unlimited) {
  if (quota == unlimited) return kNoLimit;
  const auto quota_us = parse_unsigned(quota);
  const auto period_us = parse_unsigned(period);
  if (!quota_us || !period_us || *quota_us == 0 || *period_us == 0) return std::nullopt;
  return static_cast<double>(*quota_us) / static_cast<double>(*period_us);
}

// The limit that one group sets; unknown where its files are malformed. A group without the file sets none:
// the root of a hierarchy has none, nor has a group whose cpu controller is off.
std::optional<double> read_limit(const fs::path& group, Hierarchy hierarchy) {
  if (hierarchy == Hierarchy::V1) {
    const auto quota = read_text(group / "cpu.cfs_quota_us");
    if (!quota) return kNoLimit;
    const auto period = read_text(group / "cpu.cfs_period_us");
    return parse_limit(trim(*quota), trim(period.value_or("")), "-1");
  }
  const auto limit = read_text(group / "cpu.max");
  if (!limit) return kNoLimit;
  const auto fields = split(trim(*limit), ' ');
  return fields.size() == 2 ? parse_limit(fields[0], fields[1], "max") : std::nullopt;
}

// A container may see its own group mounted as the root, or a path that leads out of what is mounted
// ("/../x").
fs::path group_below_mount(const std::string& group, const Mount& mount) {
  fs::path below = fs::path(group).lexically_relative(mount.root);
  if (below.empty() || *below.begin() == "..") below = ".";
  return below;
}

std::optional<double> read_tightest_limit(const fs::path& root, const std::string& group,
                                          const Mount& mount) {
  const fs::path point = root / fs::path(mount.point).relative_path();
  double tightest = kNoLimit;
  for (fs::path below = group_below_mount(group, mount);; below = below.parent_path()) {
    const auto limit = read_limit(point / below, mount.hierarchy);
    if (!limit) return std::nullopt;
    tightest = std::min(tightest, *limit);
    if (below.empty() || below == ".") return tightest;
  }
}

}  // namespace

std::optional<double> read_cpu_quota(const fs::path& root) {
  const auto groups = read_text(root / "proc/self/cgroup");
  if (!groups) return std::nullopt;
  std::optional<double> quota;
  for (const Mount& mount : read_cpu_mounts(root)) {
    const auto group = find_group(*groups, mount.hierarchy);
    if (!group) continue;
    const auto limit = read_tightest_limit(root, *group, mount);
    if (!limit) return std::nullopt;
    quota = std::min(quota.value_or(kNoLimit), *limit);
  }
  return quota;
}

}  // namespace gilscope
