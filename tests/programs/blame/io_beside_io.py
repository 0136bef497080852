"""Threads that work for a moment and wait for something, again and again: each has the GIL back soon."""

import threading
import time


def serve():
    for _ in range(300):
        sum(range(5_000))
        time.sleep(0.0001)


workers = [threading.Thread(target=serve, name=f"server {i}") for i in range(8)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
