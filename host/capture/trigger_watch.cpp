#include "capture/trigger_watch.h"

#include <unistd.h>

namespace gilscope {
namespace {

// What the thread's hold, and its wait, began with.
struct Since {
  std::uint64_t acquire = 0;
  std::uint64_t request = 0;
};
constinit thread_local Since since_ticks __attribute__((tls_model("initial-exec")));

}  // namespace

void TriggerWatch::begin(TriggerBoard* board, ProbeClock clock, const ClockPoint& began) noexcept {
  board_ = board != nullptr && board->wants_any() ? board : nullptr;
  clock_ = clock;
  began_ = began;
}

void TriggerWatch::see(const Event& event, bool concerns_others) const noexcept {
  switch (event.kind) {
    case EventKind::Request:
      since_ticks.request = event.ticks;
      return;
    case EventKind::Timeout:
      return;
    case EventKind::Acquire:
      since_ticks.acquire = event.ticks;
      if (concerns_others) see(TriggerKind::Wait, event.thread, since_ticks.request, event.ticks);
      return;
    case EventKind::Release:
      if (concerns_others) see(TriggerKind::Hold, event.thread, since_ticks.acquire, event.ticks);
  }
}

// A tick is at most a nanosecond, of either clock: what is not that many ticks is not that long.
void TriggerWatch::see(TriggerKind kind, ThreadId thread, std::uint64_t begin,
                       std::uint64_t end) const noexcept {
  const auto limit = static_cast<std::uint64_t>(board_->limit(kind).count());
  if (limit == 0 || begin == 0 || end < begin || end - begin < limit) [[likely]]
    return;
  const double tick_ns = TickConversion(began_, clock_.sample()).tick_ns();
  if (static_cast<double>(end - begin) * tick_ns < static_cast<double>(limit)) return;
  board_->post({.kind = kind,
                .pid = static_cast<std::uint32_t>(getpid()),
                .thread = thread,
                .begin = begin,
                .end = end});
}

}  // namespace gilscope
