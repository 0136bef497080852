#include "span.h"

#include <algorithm>
#include <ctime>
#include <poll.h>

namespace gilscope {
namespace {

using std::chrono::nanoseconds;

// Linux wakes a sleeper up to its timer slack late (50 us by default); virtual machines were seen to add 40
// to 150 us, and a core that has just woken is slow at first.
constexpr nanoseconds kSpin = std::chrono::microseconds(500);

nanoseconds now() noexcept {
  // libstdc++'s steady_clock is CLOCK_MONOTONIC.
  return std::chrono::steady_clock::now().time_since_epoch();
}

nanoseconds add_saturated(nanoseconds time, nanoseconds length) noexcept {
  return length > nanoseconds::max() - time ? nanoseconds::max() : time + length;
}

void sleep_for(nanoseconds length, const sigset_t* mask) noexcept {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(length);
  timespec limit{};
  limit.tv_sec = seconds.count();
  limit.tv_nsec = (length - seconds).count();
  ppoll(nullptr, 0, &limit, mask);  // a signal ends it early
}

}  // namespace

bool Span::wait(nanoseconds at_most, const sigset_t* mask) noexcept {
  const nanoseconds begin = now();
  if (!end_) {
    end_ = add_saturated(begin, length_);
  }
  const nanoseconds spin_from = *end_ - kSpin;
  if (begin < spin_from) {
    sleep_for(std::min(spin_from - begin, at_most), mask);
    if (now() < spin_from) {
      return false;
    }
  }
  while (now() < *end_) {
  }
  return true;
}

}  // namespace gilscope
