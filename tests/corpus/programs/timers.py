"""Timers that go off one after the other, beside a main thread that waits."""

import threading
import time

for _ in range(20):
    timer = threading.Timer(0.01, sum, args=(range(1_000),))
    timer.start()
    time.sleep(0.02)
