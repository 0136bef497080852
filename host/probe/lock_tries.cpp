#include "probe/lock_tries.h"

#include <cerrno>
#include <unistd.h>
#include <utility>

#include "probe/attached.h"
#include "probe/lock_watch.h"
#include "probe/spin_series.h"

namespace gilscope {
namespace {

// Of the thread.
struct OwnTries : SpinSeries {
  static constexpr std::uint64_t kLong = 200'000;  // ticks: of tries that take longer it is noted where

  bool is_placed = false;
  NumberedPlaces places;
  Stands stands;
  SpunWaits untold;  // of others, which were short
};
constinit thread_local OwnTries own_tries __attribute__((tls_model("initial-exec")));

// With the mutex, as both that follow: those that are over have ended with the lock.
void tell_short_tries() noexcept {
  const SpunWaits spun = std::exchange(own_tries.untold, {});
  if (spun.count == 0) return;
  for (const Watcher& watcher : lock_watch.watching)
    if (watcher.table != nullptr) watcher.table->add(spun);
}

void tell_long_tries() noexcept {
  const LockWait wait{
      .thread = static_cast<std::uint32_t>(gettid()), .begin = own_tries.begin(), .ticks = own_tries.ticks()};
  for (std::size_t i = 0; i < own_tries.places.size(); ++i) {
    const Watcher& watcher = lock_watch.watching.at(i);
    const NumberedPlace& place = own_tries.places.at(i);
    if (watcher.table != nullptr && place.watch == watcher.number)
      watcher.tell(wait, place.place, LockTable::kNoPlace, own_tries.stands.at(i));
  }
}

void end_tries() noexcept {
  if (own_tries.has_begun() && own_tries.is_placed) {
    tell_long_tries();
  } else if (own_tries.has_begun()) {
    ++own_tries.untold.count;
    own_tries.untold.ticks += own_tries.ticks();
  }
  own_tries.forget();
  own_tries.is_placed = false;
}

// The lock that it is about nobody names: it has no semaphore yet.
[[gnu::noinline]] void place_tries() noexcept {
  const int error = errno;
  const OwnStack stack(attached_state());
  const NotesLock lock;
  own_tries.places = number_place(stack, OwnStack::Call::LookedAt);
  own_tries.stands = stand_at(own_tries.begin(), stack);
  own_tries.is_placed = true;
  errno = error;
}

}  // namespace

int try_again(decltype(&::sched_yield) yield) noexcept {
  constexpr std::uint64_t kMostUntold = 64;
  const std::uint64_t begin = lock_clock.read();
  if (own_tries.is_before(begin)) {
    if (own_tries.is_placed || own_tries.untold.count >= kMostUntold) {
      const NotesLock lock;
      end_tries();
      tell_short_tries();
    } else {
      end_tries();
    }
  }
  const int result = yield();
  own_tries.yield(begin, lock_clock.read());
  if (!own_tries.is_placed && own_tries.ticks() >= OwnTries::kLong) place_tries();
  return result;
}

std::uint64_t end_tries_before(std::uint64_t began) noexcept {
  std::uint64_t tried = 0;
  if (own_tries.is_right_before(began)) {
    tried = own_tries.ticks();
    own_tries.forget();
  }
  end_tries();
  tell_short_tries();
  return tried;
}

}  // namespace gilscope
