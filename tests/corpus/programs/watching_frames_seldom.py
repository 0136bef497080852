"""Without a GIL, a thread that asks for the frames of all others ten times in a second."""

import sys
import threading


def compute():
    total = 0
    for i in range(10_000_000):
        total += i
    is_over.set()


def watch():
    while not is_over.wait(0.1):
        sys._current_frames()


is_over = threading.Event()
workers = [threading.Thread(target=compute, name="computer"), threading.Thread(target=watch, name="watcher")]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
