"""So many requests and no more, to a server beside a thread that computes: each answer waits for a tenth of it."""

import socket
import sys
import threading
import time


def echo():
    while data := ours.recv(64):
        ours.send(data)


def compute():
    total = 0
    while not over:
        total += 1


sys.setswitchinterval(0.0005)
over = False
ours, theirs = socket.socketpair()
threading.Thread(target=echo, name="echo", daemon=True).start()
computer = threading.Thread(target=compute, name="computer")
computer.start()
for _ in range(40):
    time.sleep(0.001)
    theirs.send(b"ping")
    theirs.recv(64)
over = True
computer.join()
theirs.close()
