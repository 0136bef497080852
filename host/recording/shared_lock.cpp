#include "recording/shared_lock.h"

#include <cerrno>
#include <ctime>
#include <sched.h>
#include <type_traits>

namespace gilscope {

static_assert(std::is_trivially_default_constructible_v<SharedLock> &&
                  std::is_trivially_destructible_v<SharedLock>,
              "never constructed: pages of zeros are valid ones");

// Robust: a reader in another process may be killed while it has it.
void SharedLock::begin() noexcept {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&mutex, &attributes);
  pthread_mutexattr_destroy(&attributes);
  has_begun.set(1);
}

bool SharedLock::try_lock() noexcept {
  const int error = pthread_mutex_trylock(&mutex);
  if (error == EOWNERDEAD) pthread_mutex_consistent(&mutex);
  const bool is_ours = error == 0 || error == EOWNERDEAD;
  if (is_ours) note_locked();
  return is_ours;
}

void SharedLock::lock() noexcept {
  if (pthread_mutex_lock(&mutex) == EOWNERDEAD) pthread_mutex_consistent(&mutex);
  note_locked();
}

// Without a clock: some processes may not read one (see may_read_tsc). Whoever takes events out is done in
// some ten microseconds.
bool SharedLock::lock_within(Nanoseconds patience) noexcept {
  if (has_begun.read() == 0) return false;
  constexpr int kTries = 64;
  for (int i = 0; i < kTries; ++i) {
    if (try_lock()) return true;
    sched_yield();
  }
  constexpr Nanoseconds kPause = std::chrono::milliseconds(1);
  const timespec pause{.tv_sec = 0, .tv_nsec = kPause.count()};
  for (Nanoseconds waited{}; !try_lock(); waited += kPause) {
    if (waited >= patience) return false;
    nanosleep(&pause, nullptr);
  }
  return true;
}

void SharedLock::unlock() noexcept {
  version.set(version.get() + 1);
  pthread_mutex_unlock(&mutex);
}

}  // namespace gilscope
