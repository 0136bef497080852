"""A library's receive with a timeout, bound so that it gives the GIL up."""

import ctypes
import threading
import time


def receive():
    library = ctypes.CDLL(None)
    for _ in range(6):
        library.poll(None, 0, 90)
        time.sleep(0.02)


receiver = threading.Thread(target=receive, name="receiver")
receiver.start()
while receiver.is_alive():
    time.sleep(0.004)
