"""Waits for a lock that are known: lock_waits.py WAITS MILLISECONDS PAIRS.

Thread `waiter` waits WAITS times for a lock that another thread holds for MILLISECONDS each time. Both read a clock:
before the wait, before the release, and when Python goes on after the wait. Then a lock that nobody waits for is taken
and released PAIRS times. Prints as JSON how many nanoseconds the waits took at least and at most, the functions of the
waits and of who ended them, and what a pair took.
"""

import json
import sys
import threading
import time

waits, milliseconds, pairs = (int(argument) for argument in sys.argv[1:4])
clock = time.perf_counter_ns
lock, both = threading.Lock(), threading.Barrier(2)
begins: list[int] = []
releases: list[int] = []
ends: list[int] = []


def hold() -> None:
    for _ in range(waits):
        lock.acquire()
        both.wait()
        time.sleep(milliseconds / 1000)
        releases.append(clock())
        lock.release()
        both.wait()


def wait() -> None:
    for _ in range(waits):
        both.wait()
        begins.append(clock())
        lock.acquire()
        ends.append(clock())
        lock.release()
        both.wait()


def take_alone() -> int:
    begin = clock()
    for _ in range(pairs):
        lock.acquire()
        lock.release()
    return clock() - begin


waiter = threading.Thread(target=wait, name="waiter")
waiter.start()
hold()
waiter.join()
known = {"least_ns": sum(releases) - sum(begins), "most_ns": sum(ends) - sum(begins)}
print(json.dumps({**known, "began_in": "wait", "ended_in": "hold", "pair_ns": take_alone() / pairs}))
