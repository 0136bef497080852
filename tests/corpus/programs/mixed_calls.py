"""One line that keeps the GIL for 2 ms most times, and for 100 ms now and then: the mean says nothing of it."""

import ctypes
import threading
import time


def serve():
    while not over.is_set():
        time.sleep(0.001)


over = threading.Event()
server = threading.Thread(target=serve, name="server")
server.start()
keeps_the_gil = ctypes.PyDLL(None)
for milliseconds in ([2] * 20 + [100]) * 3:
    time.sleep(keeps_the_gil.usleep(milliseconds * 1000) / 1000)  # culprit
over.set()
server.join()
