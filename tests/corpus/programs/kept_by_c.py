"""A C call that keeps the GIL while it sleeps, beside a thread that reads."""

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
keeps_the_gil = ctypes.PyDLL(None)
for _ in range(4):
    keeps_the_gil.usleep(30_000)  # culprit
over.set()
reader.join()
