"""A world that is stopped, and who misses that time: stopped_world.py COLLECTIONS OBJECTS.

Thread `observer` reads the clock all the time, and keeps where it came late; meanwhile OBJECTS are looked through by
COLLECTIONS of garbage. Prints as JSON how many nanoseconds of these it missed, in gaps longer than any reading.
"""

import gc
import json
import sys
import threading
import time

GAP_NS = 100_000

collections, objects = (int(argument) for argument in sys.argv[1:3])
clock = time.perf_counter_ns
gaps: list[tuple[int, int]] = []
pauses: list[tuple[int, int]] = []
is_over = False


def observe() -> None:
    last = clock()
    while not is_over:
        now = clock()
        if now - last > GAP_NS:
            gaps.append((last, now))
        last = now


gc.disable()
kept = [[number] for number in range(objects)]
observer = threading.Thread(target=observe, name="observer")
observer.start()
for _ in range(collections):
    time.sleep(0.01)
    begin = clock()
    gc.collect()
    pauses.append((begin, clock()))
is_over = True
observer.join()
missed = sum(max(0, min(end, last) - max(begin, first)) for begin, last in pauses for first, end in gaps)
print(json.dumps({"missed_ns": missed}))
