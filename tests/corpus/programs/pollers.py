"""Threads that poll a flag, each politely, beside one that computes: all of them ask for the GIL all the time."""

import threading
import time


def poll():
    while not ready:
        time.sleep(0)  # culprit


ready = False
pollers = [threading.Thread(target=poll, name=f"poller-{i}") for i in range(3)]
for poller in pollers:
    poller.start()
total = 0
for number in range(4_000_000):
    total += number & 3
ready = True
for poller in pollers:
    poller.join()
