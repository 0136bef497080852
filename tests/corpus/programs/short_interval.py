"""A switch interval of 0.1 ms, as somebody asked for: two threads that compute are switched all the time."""

import sys
import threading


def compute():
    total = 0
    for number in range(2_000_000):  # culprit
        total += number  # culprit


sys.setswitchinterval(0.0001)
computers = [threading.Thread(target=compute, name=f"computer {number}") for number in range(2)]
for computer in computers:
    computer.start()
for computer in computers:
    computer.join()
