// A thread as the operating system knows it.
#pragma once

#include <csignal>
#include <cstdint>
#include <thread>
#include <unistd.h>

#include "probe/event.h"

namespace gilscope {

inline ThreadId this_thread_id() { return ThreadId{static_cast<std::uint32_t>(gettid())}; }

// A thread that was joined may still be on its way out of the kernel, which has its CPU time until then.
inline void wait_until_gone(ThreadId thread) {
  while (tgkill(getpid(), static_cast<pid_t>(thread), 0) == 0) std::this_thread::yield();
}

}  // namespace gilscope
