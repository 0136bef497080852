"""Hashes of much, for which hashlib gives the GIL up."""

import hashlib
import threading

data = bytes(1 << 26)
workers = [threading.Thread(target=lambda: [hashlib.sha256(data) for _ in range(3)]) for _ in range(2)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
