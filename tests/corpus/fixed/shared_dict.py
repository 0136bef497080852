"""Without a GIL, four threads that put what they have counted into a dict of their own, out of one of their own."""

import threading


def count(counted, own):
    for _ in range(10):
        own.update(counted)


counted = {f"word {number}": number for number in range(80_000)}
parts: list[dict[str, int]] = [{} for _ in range(4)]
counters = [
    threading.Thread(target=count, args=(counted.copy(), part), name=f"counter {number}")
    for number, part in enumerate(parts)
]
for counter in counters:
    counter.start()
for counter in counters:
    counter.join()
totals: dict[str, int] = {}
for part in parts:
    totals.update(part)
