"""Waits for a lock that are known: lock_waits.py WAITS MILLISECONDS PAIRS.

Thread `waiter` waits WAITS times for a lock that another thread holds for MILLISECONDS each time, and clocks it: on a
Python with a GIL until it has that again, too. Then a lock that nobody waits for is taken and released PAIRS times.
Prints as JSON the nanoseconds that `waiter` waited, the functions of its waits and of who ended them, and what a pair
took.
"""

import json
import sys
import threading
import time

waits, milliseconds, pairs = (int(argument) for argument in sys.argv[1:4])
clock = time.perf_counter_ns
lock, both = threading.Lock(), threading.Barrier(2)
waited = 0


def hold() -> None:
    for _ in range(waits):
        lock.acquire()
        both.wait()
        time.sleep(milliseconds / 1000)
        lock.release()
        both.wait()


def wait() -> None:
    global waited
    for _ in range(waits):
        both.wait()
        begin = clock()
        lock.acquire()
        waited += clock() - begin
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
print(json.dumps({"waited_ns": waited, "began_in": "wait", "ended_in": "hold", "pair_ns": take_alone() / pairs}))
