// What event loops run that does not come back to them for long. Each callback of asyncio, and each step of a
// task of trio, runs by Context.run: while steps are watched, that method is a function of ours, which reads
// the clock before and after it. The program sees the same method. Of loops that run nothing by it it is
// what they call instead: of uvloop the steps of tasks (task_sends.h) and its callbacks (context_slots.h), of
// gevent's hub the switches to greenlets (greenlet_switches.h).
#pragma once

#include "probe/clock.h"
#include "probe/recorder.h"
#include "probe/step_table.h"

namespace gilscope {

// A step that took that long, or longer, is noted.
inline constexpr Nanoseconds kLongStep{50'000'000};

// From now on, of every thread of this process; the calling thread holds a GIL, and check_stacks() was true.
// Several may watch at once: those who come while others do hear nothing where their clock is another one.
// `recorder`, where there is one, sees each step that is noted.
void watch_steps(StepTable& table, ProbeClock clock, Recorder* recorder = nullptr) noexcept;
// Any thread, and after the end of Python too. Afterwards nothing is written there.
void unwatch_steps(StepTable& table) noexcept;
// In the child of a fork, where the thread may not be that was just noting a step.
void go_on_with_steps_in_child() noexcept;

// At a collection of garbage, by the thread that it is on: a step that has lasted for long is in the code
// that it stands in now, which nobody will know when it is over.
void sample_step() noexcept;

}  // namespace gilscope
