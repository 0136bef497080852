"""Without a GIL, two threads that sort one list by turns, while a third reads it."""

import threading


def sort():
    for _ in range(10):
        rows.sort(key=float)  # culprit


def read():
    for _ in range(10):
        len(rows.copy())  # culprit


rows = list(range(600_000))
workers = [threading.Thread(target=sort, name=f"sorter {number}") for number in range(2)]
workers.append(threading.Thread(target=read, name="reader"))
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
