"""A library's receive with a timeout, bound without giving the GIL up: it sleeps, and so does everybody."""

import ctypes
import threading
import time


def receive():
    library = ctypes.PyDLL(None)
    for _ in range(6):
        library.poll(None, 0, 90)  # culprit
        time.sleep(0.02)


receiver = threading.Thread(target=receive, name="receiver")
receiver.start()
while receiver.is_alive():
    time.sleep(0.004)
