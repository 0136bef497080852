#include "support/machine.h"

#include <algorithm>
#include <ctime>
#include <sched.h>
#include <set>
#include <string_view>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/system_files.h"

namespace gilscope {
namespace {

namespace fs = std::filesystem;

// Far above any kernel's limit (8192 on x86-64): a larger number is no list of CPUs.
constexpr std::uint64_t kHighestCpu = 65535;

using CpuSet = std::set<std::uint64_t>;

// "0-3,8,10-11", as the kernel lists CPUs.
std::optional<CpuSet> parse_cpu_list(std::string_view list) {
  CpuSet cpus;
  for (const std::string_view range : split(trim(list), ',')) {
    const std::size_t dash = range.find('-');
    const auto first = parse_unsigned(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_unsigned(range.substr(dash + 1));
    if (!first || !last || *first > *last || *last > kHighestCpu) return std::nullopt;
    for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) cpus.insert(cpu);
  }
  if (cpus.empty()) return std::nullopt;
  return cpus;
}

std::optional<CpuSet> read_online_set(const fs::path& root) {
  const auto list = read_text(root / "sys/devices/system/cpu/online");
  return list ? parse_cpu_list(*list) : std::nullopt;
}

std::optional<unsigned> ask_affinity() {
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof cpus, &cpus) != 0) return std::nullopt;
  return static_cast<unsigned>(CPU_COUNT(&cpus));
}

std::optional<Nanoseconds> measure_clock_step() {
  constexpr int kReadings = 2000;
  const bool must_ask = !may_read_tsc();
  std::optional<Nanoseconds> step;
  Nanoseconds before{0};
  for (int i = 0; i < kReadings; ++i) {
    timespec reading{};
    if (!must_ask && clock_gettime(CLOCK_MONOTONIC, &reading) != 0) return std::nullopt;
    const Nanoseconds now = must_ask ? ask_kernel_for_time() : to_nanoseconds(reading);
    if (i > 0 && now > before && (!step || now - before < *step)) step = now - before;
    before = now;
  }
  return step;
}

// Ticks at the same rate in every power state and on every core, and the kernel trusts it enough to keep time
// by it: only then is reading it directly as good as asking the kernel.
bool is_tsc_invariant(std::string_view cpu_flags, std::string_view kernel_source) {
  const auto flags = split(cpu_flags, ' ');
  const auto has = [&flags](std::string_view flag) { return std::ranges::find(flags, flag) != flags.end(); };
  return kernel_source == "tsc" && has("constant_tsc") && has("nonstop_tsc");
}

std::optional<std::uint64_t> parse_kibibytes(std::optional<std::string_view> text) {
  if (!text || !text->ends_with(" kB")) return std::nullopt;
  const auto kibibytes = parse_unsigned(trim(text->substr(0, text->size() - 3)));
  return kibibytes ? std::optional(*kibibytes * 1024) : std::nullopt;
}

}  // namespace

bool may_read_tsc() noexcept {
  int state = PR_TSC_ENABLE;
  return prctl(PR_GET_TSC, &state) != 0 || state != PR_TSC_SIGSEGV;  // a kernel without it forbids nothing
}

Nanoseconds ask_kernel_for_time(clockid_t clock) noexcept {
  timespec now{};
  syscall(SYS_clock_gettime, clock, &now);
  return to_nanoseconds(now);
}

std::optional<unsigned> read_online_cpus(const fs::path& root) {
  if (const auto cpus = read_online_set(root)) return static_cast<unsigned>(cpus->size());
  // Where /sys is not mounted (a plain chroot) the system still answers, which cannot be asked of a root.
  const long count = root == "/" ? sysconf(_SC_NPROCESSORS_ONLN) : 0;
  return count > 0 ? std::optional(static_cast<unsigned>(count)) : std::nullopt;
}

std::optional<unsigned> read_allowed_cpus(const fs::path& root) {
  const std::string status = read_text(root / "proc/self/status").value_or("");
  const auto list = find_value(status, "Cpus_allowed_list");
  const auto online = read_online_set(root);
  // Sandboxes whose /proc lacks the line (gVisor) still answer the system call, as above.
  if (!list || !online) return root == "/" ? ask_affinity() : std::nullopt;
  auto allowed = parse_cpu_list(*list);
  if (!allowed) return std::nullopt;
  // The mask keeps CPUs that went offline, unlike the system call's answer.
  std::erase_if(*allowed, [&online](std::uint64_t cpu) { return !online->contains(cpu); });
  return allowed->empty() ? std::nullopt : std::optional(static_cast<unsigned>(allowed->size()));
}

std::optional<std::string> read_cpu_model(const fs::path& root) {
  const std::string cpuinfo = read_text(root / "proc/cpuinfo").value_or("");
  const auto model = find_value(cpuinfo, "model name");
  return model && !model->empty() ? std::optional<std::string>(*model) : std::nullopt;
}

std::optional<CpuTimes> read_cpu_times(const fs::path& root) {
  // cpu user nice system idle iowait irq softirq steal guest guest_nice; user contains guest (proc_stat(5)).
  enum Field : std::size_t { Label, User, Nice, System, Idle, IoWait, Irq, SoftIrq, Steal, FieldCount };
  const std::string stat = read_text(root / "proc/stat").value_or("");
  for (const std::string_view line : split(stat, '\n')) {
    const auto fields = split(line, ' ');
    if (fields.size() < FieldCount || fields[Label] != "cpu") continue;
    CpuTimes times;
    for (const Field field : {User, Nice, System, Irq, SoftIrq}) {
      const auto ticks = parse_unsigned(fields[field]);
      if (!ticks) return std::nullopt;
      times.busy += *ticks;
    }
    const auto stolen = parse_unsigned(fields[Steal]);
    if (!stolen) return std::nullopt;
    times.stolen = *stolen;
    return times;
  }
  return std::nullopt;
}

std::optional<double> stolen_share(const CpuTimes& before, const CpuTimes& after) {
  // Virtual machines that migrated were seen to count backwards.
  if (after.busy < before.busy || after.stolen < before.stolen) return std::nullopt;
  const auto busy = static_cast<double>(after.busy - before.busy);
  const auto stolen = static_cast<double>(after.stolen - before.stolen);
  if (busy + stolen <= 0) return std::nullopt;
  return stolen / (busy + stolen);
}

std::optional<double> read_load_average(const fs::path& root) {
  const std::string loadavg = read_text(root / "proc/loadavg").value_or("");
  const auto fields = split(loadavg, ' ');
  const auto load = fields.size() >= 3 ? parse_double(fields[0]) : std::nullopt;
  return load && *load >= 0 ? load : std::nullopt;
}

Clock read_clock(const fs::path& root) {
  Clock clock;
  const auto source = read_text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (source && !trim(*source).empty()) clock.kernel_source = trim(*source);
  const std::string cpuinfo = read_text(root / "proc/cpuinfo").value_or("");
  const std::string_view flags = find_value(cpuinfo, "flags").value_or("");
  if (is_tsc_invariant(flags, clock.kernel_source.value_or("")) && may_read_tsc()) {
    clock.kind = ClockKind::Tsc;
  }
  clock.step = measure_clock_step();
  return clock;
}

std::optional<Memory> read_memory(const fs::path& root) {
  const std::string meminfo = read_text(root / "proc/meminfo").value_or("");
  const auto total = parse_kibibytes(find_value(meminfo, "MemTotal"));
  const auto available = parse_kibibytes(find_value(meminfo, "MemAvailable"));
  if (!total || !available) return std::nullopt;
  return Memory{.total_bytes = *total, .available_bytes = *available};
}

Machine read_machine(const fs::path& root) {
  Machine machine;
  machine.cpus = read_online_cpus(root);
  machine.allowed_cpus = read_allowed_cpus(root);
  machine.cpu_quota = read_cpu_quota(root);
  machine.model = read_cpu_model(root);
  machine.load_average = read_load_average(root);
  machine.clock = read_clock(root);
  machine.memory = read_memory(root);
  if (machine.allowed_cpus) {
    const double allowed = *machine.allowed_cpus;
    machine.usable_cpus = std::min(allowed, machine.cpu_quota.value_or(allowed));
  }
  if (const auto times = read_cpu_times(root)) machine.stolen_share = stolen_share({}, *times);
  return machine;
}

}  // namespace gilscope
