"""A thread that reads small packets as they come, one a millisecond."""

import socket
import struct
import threading
import time


def receive():
    for _ in range(400):
        struct.unpack("<4I", end.recv(16))


begin, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver = threading.Thread(target=receive, name="receiver")
receiver.start()
for number in range(400):
    begin.send(struct.pack("<4I", number, 1, 2, 3))
    time.sleep(0.001)
receiver.join()
