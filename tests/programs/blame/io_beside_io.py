"""Two threads that read one byte again and again: each gives the GIL up soon, and has it back soon."""

import os
import threading


def read():
    for _ in range(20_000):
        os.read(zero, 1)


zero = os.open("/dev/zero", os.O_RDONLY)
worker = threading.Thread(target=read, name="reader")
worker.start()
read()
worker.join()
