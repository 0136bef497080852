#include "capture/trigger_board.h"

#include <algorithm>

namespace gilscope {
namespace {

constexpr unsigned kKindShift = 32;
constexpr std::uint64_t kBusy = ~std::uint64_t{0};
// So many others may come before one that is waited for is given up: its process was killed meanwhile.
constexpr std::uint64_t kPatience = 8;

}  // namespace

std::string_view name_of(TriggerKind kind) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"hold", "wait", "lock", "loop", "signal", "request"};
  return kNames.at(static_cast<std::size_t>(kind));
}

// Relaxed: it is set before there is another process or thread to read it.
void TriggerBoard::set_limit(TriggerKind kind, Nanoseconds limit) noexcept {
  limits_.at(static_cast<std::size_t>(kind)).store(limit.count(), std::memory_order_relaxed);
}

Nanoseconds TriggerBoard::limit(TriggerKind kind) const noexcept {
  return Nanoseconds(limits_.at(static_cast<std::size_t>(kind)).load(std::memory_order_relaxed));
}

bool TriggerBoard::wants_any() const noexcept {
  return std::ranges::any_of(limits_,
                             [](const auto& limit) { return limit.load(std::memory_order_relaxed) > 0; });
}

// The number says that all of it is there: whoever reads it before and after has no part of another one. Who
// is stopped in between keeps the place, and what would come there meanwhile is lost.
void TriggerBoard::post(const Trigger& trigger) noexcept {
  const std::uint64_t number = count_.fetch_add(1, std::memory_order_relaxed) + 1;
  Place& place = places_[number % kPlaces];
  std::uint64_t before = place.number.load(std::memory_order_relaxed);
  if (before == kBusy || !place.number.compare_exchange_strong(before, kBusy)) return;
  place.kind_and_pid.store(static_cast<std::uint64_t>(trigger.kind) << kKindShift | trigger.pid);
  place.thread.store(static_cast<std::uint64_t>(trigger.thread));
  place.begin.store(trigger.begin);
  place.end.store(trigger.end);
  place.number.store(number);
}

std::vector<Trigger> TriggerBoard::read_after(std::uint64_t& seen) const {
  std::vector<Trigger> triggers;
  const std::uint64_t count = count_.load();
  for (std::uint64_t number = std::max(seen, count - std::min<std::uint64_t>(count, kPlaces)) + 1;
       number <= count; ++number) {
    const Place& place = places_[number % kPlaces];
    const std::uint64_t found = place.number.load();
    const bool is_to_come = found == kBusy || found < number;
    if (is_to_come && count - number < kPatience) {
      seen = number - 1;
      return triggers;
    }
    if (found != number) continue;
    const auto kind_and_pid = place.kind_and_pid.load();
    Trigger trigger{.kind = static_cast<TriggerKind>(std::min<std::uint64_t>(
                        kind_and_pid >> kKindShift, static_cast<std::uint64_t>(TriggerKind::Request))),
                    .pid = static_cast<std::uint32_t>(kind_and_pid),
                    .thread = ThreadId{static_cast<std::uint32_t>(place.thread.load())},
                    .begin = place.begin.load(),
                    .end = place.end.load()};
    trigger.begin = std::min(trigger.begin, trigger.end);
    if (place.number.load() == number) triggers.push_back(trigger);
  }
  seen = count;
  return triggers;
}

}  // namespace gilscope
