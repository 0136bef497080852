"""zlib gives the GIL up as it compresses: two threads, and one that wants to run."""

import random
import threading
import time
import zlib

data = random.Random(1).randbytes(3_000_000) * 2


def compress():
    for _ in range(2):
        zlib.compress(data)


workers = [threading.Thread(target=compress, name=f"compressor {number}") for number in range(2)]
for worker in workers:
    worker.start()
while any(worker.is_alive() for worker in workers):
    time.sleep(0.01)
