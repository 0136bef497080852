#include "probe/pair_cost.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <pthread.h>

#include "probe/hook_level.h"
#include "probe/hooks.h"
#include "probe/nesting.h"

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
  std::unique_lock nesting(nesting_mutex());
  const auto level = take_level();
  if (!level) return std::nullopt;
  nesting.unlock();
  HookLevel& hooks = hook_levels.at(*level);
  scratch.note_level(*level);
  const auto bare_signal = calls_below(*level).pthread_cond_signal;
  const auto hooked_signal = hooks_of(*level).pthread_cond_signal;
  {
    // No slot leads to the hooks: they see this thread only.
    const std::scoped_lock lock(hooks.table().mutex());
    const auto cond = reinterpret_cast<std::uintptr_t>(&gil.cond);
    hooks.begin(
        {.recorder = &scratch, .clock = clock, .layout = gil.layout(), .owners = GilOwners::of_one(cond)},
        calls_below(*level));
    hooks.record_own_hold(*hooks.table().insert(cond));
  }
  std::array<double, kBatches> bare{};
  std::array<double, kBatches> hooked{};
  time_pairs(clock, gil, hooked_signal);  // the first ones touch the recorder's memory
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    bare.at(batch) = time_pairs(clock, gil, bare_signal);
    hooked.at(batch) = time_pairs(clock, gil, hooked_signal);
  }
  nesting.lock();
  const std::scoped_lock lock(hooks.table().mutex());
  hooks.end();
  hooks.table().clear();
  give_level_back(*level);
  return std::max(median(hooked) - median(bare), 0.0);  // less than nothing is noise
}

}  // namespace gilscope
