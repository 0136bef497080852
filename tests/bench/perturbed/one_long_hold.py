"""Threads that give the GIL up often, and one of them that once keeps it: SECONDS WHEN LENGTH_MS."""

import ctypes
import os
import sys
import threading
import time

seconds, when, length_ms = (float(argument) for argument in sys.argv[1:])
keep = ctypes.PyDLL(None).usleep  # a PyDLL keeps the GIL
end = time.monotonic() + seconds


def read() -> None:
    zero = os.open("/dev/zero", os.O_RDONLY)
    while time.monotonic() < end:
        for _ in range(100):
            os.read(zero, 4096)
        time.sleep(0.001)


def keep_once() -> None:
    time.sleep(when)
    keep(int(length_ms * 1000))


threads = [threading.Thread(target=target) for target in (read, read, keep_once)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
