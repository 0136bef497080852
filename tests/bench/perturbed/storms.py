"""Two threads at one object or lock of Python's: storms.py SECONDS WHAT.

With a GIL they meet there now and then, without one all the time.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable

from rates import measure_threads


def make_lock_storm(count: int) -> Callable[[], object]:
    lock = threading.Lock()

    def step() -> None:
        for _ in range(count):
            with lock:
                pass

    return step


def make_log_storm(count: int) -> Callable[[], object]:
    log = logging.getLogger("storm")
    log.addHandler(logging.FileHandler(os.devnull))

    def step() -> None:
        for number in range(count):
            log.error("number %d", number)

    return step


def make_json_storm(count: int) -> Callable[[], object]:
    shared = {f"key {number}": [number] * 4 for number in range(20)}

    def step() -> None:
        for _ in range(count):
            json.dumps(shared)

    return step


def make_dict_storm(count: int) -> Callable[[], object]:
    shared: dict[int, int] = {}

    def step() -> None:
        for number in range(count):
            shared[number % 64] = number

    return step


def make_list_storm(count: int) -> Callable[[], object]:
    shared: list[int] = []

    def step() -> None:
        for number in range(count):
            shared.append(number)
            shared.pop()

    return step


# How often each step does it.
STORMS = {
    "lock": (make_lock_storm, 500),
    "log": (make_log_storm, 20),
    "json": (make_json_storm, 20),
    "dict": (make_dict_storm, 1000),
    "list": (make_list_storm, 500),
}

make, per_call = STORMS[sys.argv[2]]
shared_step = make(per_call)
measure_threads(2, lambda: shared_step, per_call)
