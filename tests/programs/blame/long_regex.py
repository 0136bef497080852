"""A regular expression that takes for ever, beside a server thread."""

import os
import re
import threading


def serve():
    while not over.is_set():
        os.read(zero, 1)


def parse():
    for _ in range(3):
        re.match(r"(a+)+$", "a" * 21 + "b")  # culprit


zero = os.open("/dev/zero", os.O_RDONLY)
over = threading.Event()
server = threading.Thread(target=serve, name="server")
server.start()
parse()
over.set()
server.join()
