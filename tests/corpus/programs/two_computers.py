"""Two threads that compute in Python at once."""

import threading


def compute():
    total = 0
    for number in range(1_500_000):  # culprit
        total += number  # culprit


computers = [threading.Thread(target=compute, name=f"computer-{i}") for i in range(2)]
for computer in computers:
    computer.start()
for computer in computers:
    computer.join()
