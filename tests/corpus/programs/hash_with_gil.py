"""Hashes of little, for which hashlib keeps the GIL."""

import hashlib
import threading


def hash_little():
    for _ in range(300_000):  # culprit
        hashlib.sha256(b"little").digest()  # culprit


workers = [threading.Thread(target=hash_little) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
