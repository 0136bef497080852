"""A queue with an item now and then, and a consumer that has little to do with each."""

import queue
import threading
import time


def consume():
    while (item := items.get()) is not None:
        sum(range(item))


items = queue.Queue()  # type: ignore[var-annotated]
consumer = threading.Thread(target=consume, name="consumer")
consumer.start()
for _ in range(40):
    items.put(2_000)
    time.sleep(0.01)
items.put(None)
consumer.join()
