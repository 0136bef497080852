#include "analysis/memory_cost.h"

#include <algorithm>

namespace gilscope {
namespace {

constexpr double kAsMany = 0.8;  // at a time

const ModeSummary* find_good(const std::vector<ModeSummary>& modes, Mode mode) {
  const auto* const found = find_mode(modes, mode);
  const bool is_good = found != nullptr && found->status == ModeStatus::Ok && found->work_ns &&
                       found->cpu_samples_ns.size() >= kMinSamples &&
                       std::ranges::all_of(found->cpu_samples_ns, [](double cpu) { return cpu > 0; });
  return is_good ? found : nullptr;
}

// That its tasks had or wanted.
double wanted_cpu(const ModeSummary& mode) { return *mode.cpu_ns + mode.cpu_wait_ns.value_or(0); }

bool hardly_waited(const ModeSummary& mode) {
  const double in_progress = *mode.concurrency * mode.work_ns->median;
  return in_progress - wanted_cpu(mode) <= kHardlyWaited * in_progress;
}

}  // namespace

std::optional<MemoryCost> find_memory_cost(const std::vector<ModeSummary>& modes) {
  const auto* const sequential = find_good(modes, Mode::Sequential);
  const auto* const threads = find_good(modes, Mode::Threads);
  const auto* const processes = find_good(modes, Mode::Processes);
  if (sequential == nullptr || threads == nullptr || processes == nullptr) return std::nullopt;
  if (threads->gil != GilKind::None || !hardly_waited(*threads)) return std::nullopt;
  const auto at_a_time = [](const ModeSummary* mode) { return wanted_cpu(*mode) / mode->work_ns->median; };
  if (at_a_time(processes) < kAsMany * at_a_time(threads)) return std::nullopt;
  const MemoryCost cost{.threads = estimate_ratio(threads->cpu_samples_ns, sequential->cpu_samples_ns),
                        .processes = estimate_ratio(processes->cpu_samples_ns, sequential->cpu_samples_ns)};
  if (!cost.threads.low || !cost.processes.high) return std::nullopt;
  return *cost.threads.low >= kCostsMore * std::max(1.0, *cost.processes.high) ? std::optional(cost)
                                                                               : std::nullopt;
}

}  // namespace gilscope
