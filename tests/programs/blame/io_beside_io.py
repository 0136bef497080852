"""Threads that read one byte again and again: each gives the GIL up soon, and has it back soon."""

import os
import threading


def read():
    for _ in range(20_000):
        os.read(zero, 1)


zero = os.open("/dev/zero", os.O_RDONLY)
workers = [threading.Thread(target=read, name=f"reader {i}") for i in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
