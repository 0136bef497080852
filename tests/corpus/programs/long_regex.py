"""A regular expression that takes for ever, beside a server thread."""

import re
import threading
import time


def serve():
    while not over.is_set():
        time.sleep(0.001)


def parse():
    for _ in range(3):
        re.match(r"(a+)+$", "a" * 21 + "b")  # culprit


over = threading.Event()
server = threading.Thread(target=serve, name="server")
server.start()
parse()
over.set()
server.join()
