"""A function whose large structure is freed as it returns: nobody runs meanwhile."""

import gc
import threading
import time


def handle():
    batch = {number: [{"part": [part]} for part in range(4)] for number in range(100_000)}  # culprit
    return len(batch)  # culprit


def receive():
    for _ in range(4):
        handle()  # culprit
        time.sleep(0.05)  # where the GIL is given up after that: # culprit


gc.disable()
receiver = threading.Thread(target=receive, name="receiver")
receiver.start()
while receiver.is_alive():
    time.sleep(0.003)
