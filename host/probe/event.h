// What the probe hands on: one event of one GIL, as seen in the hook, while that GIL's own mutex is held.
#pragma once

#include <cstdint>

namespace gilscope {

enum class GilId : std::uint32_t {
};  // of this process, in the order in which the GILs were found; never reused
enum class ThreadId : std::uint32_t {};  // the operating system's

enum class EventKind : std::uint8_t {
  Request,  // the thread asks for a GIL that another thread holds, and starts to wait
  Timeout,  // a waiter's switch interval ran out within one hold: the holder is asked to give the GIL up
  Acquire,
  Release,  // forced where a Timeout came during the hold that it ends, else voluntary
};

struct Event {
  std::uint64_t ticks = 0;  // of the probe's clock
  GilId gil{};
  ThreadId thread{};
  EventKind kind{};
  std::uint32_t sequence = 0;  // of the GIL, where the recorder asks for it: each has its own, without a gap
};
static_assert(sizeof(Event) == 24, "events are counted in billions: think before you add a field");

}  // namespace gilscope
