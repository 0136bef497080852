#include "probe/pair_cost.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <pthread.h>

#include "probe/hook_level.h"
#include "probe/hooks.h"

namespace gilscope {
namespace {

constexpr int kPairs = 500;
constexpr std::size_t kBatches = 9;

// Laid out as the hooks are told; never locked by a thread that waits.
struct ImitatedGil {
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
  pthread_cond_t switch_cond = PTHREAD_COND_INITIALIZER;

  [[nodiscard]] GilLayout layout() const {
    const auto base = reinterpret_cast<std::uintptr_t>(&cond);
    return {.mutex_offset = reinterpret_cast<std::uintptr_t>(&mutex) - base,
            .switch_cond_offset = reinterpret_cast<std::uintptr_t>(&switch_cond) - base};
  }
};

template <typename Signal>
double time_pairs(const ProbeClock& clock, ImitatedGil& gil, Signal signal) {
  const Nanoseconds begin = clock.read_time();
  for (int i = 0; i < kPairs; ++i) {
    signal(&gil.cond);
    signal(&gil.switch_cond);
  }
  return static_cast<double>((clock.read_time() - begin).count()) / kPairs;
}

double median(std::array<double, kBatches> values) {
  std::ranges::nth_element(values, values.begin() + kBatches / 2);
  return values[kBatches / 2];
}

}  // namespace

std::optional<double> measure_pair_cost(Recorder& scratch) {
  if (originals.pthread_cond_signal == nullptr) return std::nullopt;
  const ProbeClock clock = ProbeClock::best();
  ImitatedGil gil;
  // No slot leads to its hooks: they see this thread only.
  HookLevel& hooks = hook_levels[kMeasuredLevel];
  const auto hooked_signal = hooks_of(kMeasuredLevel).pthread_cond_signal;
  {
    const std::scoped_lock lock(hooks.table().mutex());
    if (hooks.is_on()) return std::nullopt;
    const auto cond = reinterpret_cast<std::uintptr_t>(&gil.cond);
    scratch.note_level(kMeasuredLevel);
    hooks.begin(
        {.recorder = &scratch, .clock = clock, .layout = gil.layout(), .owners = GilOwners::of_one(cond)},
        originals);
    hooks.record_own_hold(*hooks.table().insert(cond));
  }
  std::array<double, kBatches> bare{};
  std::array<double, kBatches> hooked{};
  time_pairs(clock, gil, hooked_signal);  // the first ones touch the recorder's memory
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    bare.at(batch) = time_pairs(clock, gil, originals.pthread_cond_signal);
    hooked.at(batch) = time_pairs(clock, gil, hooked_signal);
  }
  const std::scoped_lock lock(hooks.table().mutex());
  hooks.end();
  hooks.table().clear();
  return std::max(median(hooked) - median(bare), 0.0);  // less than nothing is noise
}

}  // namespace gilscope
