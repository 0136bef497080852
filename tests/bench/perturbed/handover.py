"""Two threads that hand items over by a queue of one place: one puts, one gets, and each item is a turn of the GIL.

With more places there are two gaits, ten times apart, and luck chooses: who waits is woken in time, or the other one
has filled or emptied the queue and waits as well.
"""

import queue
import threading
import time

from rates import SECONDS, report, run_until

items: queue.Queue[int] = queue.Queue(maxsize=1)
taken = 0


def take() -> None:
    global taken
    while items.get():
        taken += 1


def put() -> None:
    for _ in range(10):
        items.put(1)


taker = threading.Thread(target=take)
taker.start()
begin = time.perf_counter()
run_until(begin + SECONDS, put)
items.put(0)
taker.join()
report(taken, time.perf_counter() - begin)
