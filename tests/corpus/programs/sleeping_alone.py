"""One thread alone in a call that sleeps with the GIL: nobody waits, and it computes nothing either."""

import ctypes

library = ctypes.PyDLL(None)
for _ in range(8):
    library.poll(None, 0, 90)
