"""As kept_by_c.py, but for the GIL: this call gives it up."""

import ctypes
import os
import threading
import time


def read():
    while not over.is_set():
        os.read(zero, 1)
        time.sleep(0.0001)


zero = os.open("/dev/zero", os.O_RDONLY)
over = threading.Event()
reader = threading.Thread(target=read, name="reader")
reader.start()
releases_the_gil = ctypes.CDLL(None)
for _ in range(4):
    releases_the_gil.usleep(30_000)
over.set()
reader.join()
