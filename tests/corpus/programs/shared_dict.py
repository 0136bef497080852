"""Without a GIL, four threads that put what they have counted into one dict, which lets one in at a time."""

import threading


def count():
    for _ in range(10):
        totals.update(counted)  # culprit


counted = {f"word {number}": number for number in range(80_000)}
totals: dict[str, int] = {}
counters = [threading.Thread(target=count, name=f"counter {number}") for number in range(4)]
for counter in counters:
    counter.start()
for counter in counters:
    counter.join()
