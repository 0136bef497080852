"""A helper thread that collects garbage now and then, beside a main thread that wants to run every few milliseconds."""

import gc
import threading
import time


def help_out():
    for _ in range(8):
        time.sleep(0.05)
        gc.collect()  # culprit


heap = [{"number": number, "list": [number]} for number in range(400_000)]
helper = threading.Thread(target=help_out, name="gc helper")
helper.start()
while helper.is_alive():
    time.sleep(0.003)
