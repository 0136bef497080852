"""Six threads share two connections, counted by a semaphore: they wait for their turn, and not for the GIL."""

import threading
import time


def query():
    for _ in range(10):
        with connections:  # culprit
            time.sleep(0.015)


connections = threading.BoundedSemaphore(2)
threads = [threading.Thread(target=query, name=f"query-{i}") for i in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
