"""Threads that wait for an event, beside one that computes: none of them asks for the GIL."""

import threading


def poll():
    ready.wait()


ready = threading.Event()
pollers = [threading.Thread(target=poll, name=f"poller-{i}") for i in range(3)]
for poller in pollers:
    poller.start()
total = 0
for number in range(4_000_000):
    total += number & 3
ready.set()
for poller in pollers:
    poller.join()
