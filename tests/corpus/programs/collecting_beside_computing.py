"""Without a GIL, a thread that calls gc.collect() of many objects again and again; one that computes stands."""

import gc
import threading


def compute():
    while not is_over.is_set():
        total = 0
        for i in range(10_000):
            total += i


def tidy():
    for _ in range(20):
        gc.collect()  # culprit
    is_over.set()


kept = [[number] for number in range(150_000)]
is_over = threading.Event()
workers = [threading.Thread(target=compute, name="computer"), threading.Thread(target=tidy, name="tidier")]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
