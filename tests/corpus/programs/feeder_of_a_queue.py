"""A queue to another process: a thread that the library hides pickles what is put there, and keeps the GIL."""

import multiprocessing
import threading
import time


def consume(queue):
    while queue.get() is not None:
        pass


def capture():
    while not over.is_set():
        time.sleep(0.003)


if __name__ == "__main__":
    queue = multiprocessing.Queue()  # type: ignore[var-annotated]
    consumer = multiprocessing.Process(target=consume, args=(queue,), name="consumer")
    consumer.start()
    frame = [{"box": [number, number + 1, number + 2], "label": str(number)} for number in range(100_000)]
    over = threading.Event()
    camera = threading.Thread(target=capture, name="camera")
    camera.start()
    for _ in range(5):
        queue.put(frame)
        time.sleep(0.25)
    over.set()
    camera.join()
    queue.put(None)
    consumer.join()
