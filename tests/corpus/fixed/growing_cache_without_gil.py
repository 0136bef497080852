"""Without a GIL, a thread that fills a cache, as Python collects a hundredth as often; another one computes."""

import gc
import threading


def compute():
    while not is_over.is_set():
        total = 0
        for i in range(10_000):
            total += i


def load():
    for number in range(400_000):
        cache.append([number, [number]])
    is_over.set()


gc.set_threshold(200_000, 10, 0)
cache: list[list[object]] = []
is_over = threading.Event()
workers = [threading.Thread(target=compute, name="computer"), threading.Thread(target=load, name="loader")]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
