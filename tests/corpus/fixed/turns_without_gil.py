"""Without a GIL, three threads that compute, and have the lock that all of them want for the result alone."""

import threading


def work():
    global result
    for _ in range(10):
        total = 0
        for i in range(400_000):
            total += i
        with lock:
            result = total


result = 0
lock = threading.Lock()
workers = [threading.Thread(target=work, name=f"worker {number}") for number in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
