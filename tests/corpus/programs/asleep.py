"""One thread that waits for most of its time."""

import time

for _ in range(10):
    sum(range(100_000))
    time.sleep(0.03)
