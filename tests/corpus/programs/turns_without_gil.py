"""Without a GIL, three threads that compute while they have a lock that all of them want."""

import threading


def work():
    for _ in range(10):
        with lock:  # culprit
            total = 0
            for i in range(400_000):
                total += i


lock = threading.Lock()
workers = [threading.Thread(target=work, name=f"worker {number}") for number in range(3)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
