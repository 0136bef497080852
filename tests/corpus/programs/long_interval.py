"""A switch interval of the program's own: who computes keeps the GIL for that long, as it was asked to."""

import sys
import threading
import time


def serve():
    while not over.is_set():
        time.sleep(0.001)


sys.setswitchinterval(0.05)
over = threading.Event()
server = threading.Thread(target=serve, name="server")
server.start()
end = time.perf_counter() + 0.8
while time.perf_counter() < end:  # culprit
    pass
over.set()
server.join()
