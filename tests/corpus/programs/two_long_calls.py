"""Two threads, each with a call in C of its own that keeps the GIL: two lines are to blame."""

import pickle
import threading
import time


def save():
    for _ in range(4):
        pickle.dumps(rows)  # culprit
        time.sleep(0.05)


def sort():
    for _ in range(4):
        sorted(rows, key=str)  # culprit
        time.sleep(0.05)


rows = [{"number": number, "list": [number]} for number in range(60_000)]
threads = [threading.Thread(target=save, name="saver"), threading.Thread(target=sort, name="sorter")]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    time.sleep(0.005)
