"""Threads that wait for an event, and one that sets it at last."""

import threading
import time


def wait():
    begun.wait()
    sum(range(1_000))


begun = threading.Event()
waiters = [threading.Thread(target=wait, name=f"waiter {number}") for number in range(10)]
for waiter in waiters:
    waiter.start()
time.sleep(0.4)
begun.set()
for waiter in waiters:
    waiter.join()
