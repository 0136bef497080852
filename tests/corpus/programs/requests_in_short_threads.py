"""A thread for each request, which computes for some milliseconds, and five of them at once."""

import threading


def answer():
    total = 0
    for number in range(400_000):  # culprit
        total += number  # culprit


for _ in range(8):
    requests = [threading.Thread(target=answer, name="request") for _ in range(5)]
    for request in requests:
        request.start()
    for request in requests:
        request.join()
