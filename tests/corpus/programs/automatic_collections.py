"""A cache that grows, in Python: collections come by themselves, on lines that call nothing."""

import threading
import time

cache: dict[int, object] = {}


def load():
    for number in range(500_000):
        cache[number] = {"key": number, "value": [number, number + 1]}  # culprit


loader = threading.Thread(target=load, name="loader")
loader.start()
while loader.is_alive():
    time.sleep(0.005)
