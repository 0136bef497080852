"""Threads that compute while they have a lock that all of them want, and read a byte without it."""

import os
import threading


def work():
    for _ in range(6):
        with lock:  # culprit
            total = 0
            for i in range(1_000_000):
                total += i
        os.read(zero, 1)


zero = os.open("/dev/zero", os.O_RDONLY)
lock = threading.Lock()
workers = [threading.Thread(target=work, name=f"worker {i}") for i in range(4)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
