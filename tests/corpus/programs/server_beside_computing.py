"""Echoes for a client beside a thread that computes: each answer waits for a switch interval."""

import socket
import threading


def echo():
    while data := ours.recv(64):
        ours.send(data)


def compute():
    total = 0
    for number in range(3_000_000):  # culprit
        total += number  # culprit


ours, theirs = socket.socketpair()
threading.Thread(target=echo, name="echo", daemon=True).start()
computer = threading.Thread(target=compute, name="computer")
computer.start()
while computer.is_alive():
    theirs.send(b"ping")
    theirs.recv(64)
theirs.close()
