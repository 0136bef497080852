"""Threads that use one object at once: shared_objects.py WHAT THREADS SECONDS. WHAT: dict, list or Counter."""

import sys
import threading
import time
from collections.abc import Callable

what, threads, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])


class Counter:
    count = 0


def use_dict(shared: dict[int, int]) -> None:
    for number in range(1000):
        shared[number % 64] = number


def use_list(shared: list[int]) -> None:
    for number in range(1000):
        shared.append(number)
        shared.pop()


def use_counter(shared: Counter) -> None:
    for number in range(1000):
        shared.count = number


USES: dict[str, tuple[Callable[[], object], Callable[..., None]]] = {
    "dict": (dict, use_dict),
    "list": (list, use_list),
    "Counter": (Counter, use_counter),
}


def work() -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        use(one)


make, use = USES[what]
one = make()
workers = [threading.Thread(target=work) for _ in range(threads)]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
print(use.__name__)
