"""Without a GIL, two threads that count, each in a dict of its own, and put that into one dict at the end."""

import threading


def count():
    counted = {f"word {number}": number for number in range(80_000)}
    own: dict[str, int] = {}
    for _ in range(20):
        own.update(counted)
    totals.update(own)


totals: dict[str, int] = {}
counters = [threading.Thread(target=count, name=f"counter {number}") for number in range(2)]
for counter in counters:
    counter.start()
for counter in counters:
    counter.join()
