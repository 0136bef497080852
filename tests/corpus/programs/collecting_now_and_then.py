"""Without a GIL, one gc.collect() of few objects beside two threads that compute for long."""

import gc
import threading


def compute():
    total = 0
    for i in range(12_000_000):
        total += i


computers = [threading.Thread(target=compute, name=f"computer {number}") for number in range(2)]
for computer in computers:
    computer.start()
gc.collect()
for computer in computers:
    computer.join()
