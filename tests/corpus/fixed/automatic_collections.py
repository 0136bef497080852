"""A cache that grows, in Python, while collections come a hundred times less often: nothing of it is garbage."""

import gc
import threading
import time

cache: dict[int, object] = {}
gc.set_threshold(100 * gc.get_threshold()[0], *gc.get_threshold()[1:])


def load():
    for number in range(500_000):
        cache[number] = {"key": number, "value": [number, number + 1]}


loader = threading.Thread(target=load, name="loader")
loader.start()
while loader.is_alive():
    time.sleep(0.005)
