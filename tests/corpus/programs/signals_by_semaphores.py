"""A semaphore as a signal: who waits for it waits for work, of which there is little."""

import threading
import time


def work():
    for _ in range(20):
        ready.acquire()


ready = threading.Semaphore(0)
workers = [threading.Thread(target=work, name=f"worker-{i}") for i in range(3)]
for worker in workers:
    worker.start()
for _ in range(60):
    time.sleep(0.01)
    ready.release()
for worker in workers:
    worker.join()
