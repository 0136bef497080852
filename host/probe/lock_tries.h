// The tries of threads of a free-threaded CPython to take a lock that another one has, before they sleep
// (spin_series.h): of those that take long it is noted where.
#pragma once

#include <cstdint>
#include <sched.h>

namespace gilscope {

// The calling thread tries again, by that call. HOT; while waits are watched, and not within their mutex.
int try_again(decltype(&::sched_yield) yield) noexcept;

// With the mutex: the thread is about to sleep, since `began`. Returns for how many ticks it has tried
// before.
[[nodiscard]] std::uint64_t end_tries_before(std::uint64_t began) noexcept;

}  // namespace gilscope
