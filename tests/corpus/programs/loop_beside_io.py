"""A loop of bytecode, beside a thread that reads one byte again and again."""

import os
import threading


def compute():
    total = 0
    for i in range(3_000_000):  # culprit
        total += i  # culprit


worker = threading.Thread(target=compute, name="computer")
worker.start()
zero = os.open("/dev/zero", os.O_RDONLY)
while worker.is_alive():
    os.read(zero, 1)
