"""Threads wait for I/O and then do a little with it, in Python and in short calls of C: more than there is GIL."""

import threading
import time


def parse():
    return [word.upper() for word in TEXT.split()]  # culprit


def download():
    for _ in range(6):
        time.sleep(0.02)
        parse()  # culprit


TEXT = "the quick brown fox " * 10_000
threads = [threading.Thread(target=download, name=f"download-{i}") for i in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
