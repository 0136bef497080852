// As some sandboxes do: from now on, reading the time-stamp counter is a SIGSEGV for the calling thread and
// what it starts. In a child of the test only.
#pragma once

#include <sys/prctl.h>

namespace gilscope::test {

// False on a machine that has no such switch.
inline bool switch_tsc_off() { return prctl(PR_SET_TSC, PR_TSC_SIGSEGV) == 0; }
inline void switch_tsc_on() { prctl(PR_SET_TSC, PR_TSC_ENABLE); }

}  // namespace gilscope::test
