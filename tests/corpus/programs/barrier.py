"""Threads that meet at a barrier after each sleep."""

import threading
import time


def step():
    for _ in range(30):
        time.sleep(0.01)
        barrier.wait()


barrier = threading.Barrier(4)
threads = [threading.Thread(target=step, name=f"stepper-{i}") for i in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
