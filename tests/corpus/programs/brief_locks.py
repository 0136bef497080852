"""Four threads that note what they have read in one list under one lock, which each has for a moment only."""

import threading
import time


def read():
    for number in range(100):
        time.sleep(0.005)
        with lock:
            noted.append(number)


lock = threading.Lock()
noted: list[int] = []
readers = [threading.Thread(target=read, name=f"reader {number}") for number in range(4)]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
