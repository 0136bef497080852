"""Main sorts a long list again and again; a thread that Python did not start wants the GIL every few milliseconds."""

import ctypes
import random
import time


@ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)
def play(_):
    while not over:
        time.sleep(0.005)


over = False
library = ctypes.CDLL(None)
handle = ctypes.c_ulong()
words = [str(random.random()) for _ in range(200_000)]
library.pthread_create(ctypes.byref(handle), None, play, None)
for _ in range(6):
    sorted(words)  # culprit
    time.sleep(0.02)
over = True
library.pthread_join(handle, None)
