// Whether a signal has come that no handler written in Python has been called for: until 3.12 only CPython's
// internal headers say so, which want to be compiled as C.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// HOT; not 0: one has. Of the process.
int gilscope_has_pending_signal();

#ifdef __cplusplus
}
#endif
