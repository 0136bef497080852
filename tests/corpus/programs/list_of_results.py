"""Without a GIL, two threads that compute, and put each result into one list, which either is in for a moment only."""

import threading


def compute(number):
    for step in range(60):
        total = 0
        for i in range(100_000):
            total += i * number
        results.append((step, total))


results: list[tuple[int, int]] = []
computers = [threading.Thread(target=compute, args=(number,), name=f"computer {number}") for number in range(2)]
for computer in computers:
    computer.start()
for computer in computers:
    computer.join()
