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

PER_CALL = {"lock": 500, "log": 20, "json": 20, "dict": 1000, "list": 500}


def make_lock_storm() -> Callable[[], object]:
    lock = threading.Lock()

    def step() -> None:
        for _ in range(PER_CALL["lock"]):
            with lock:
                pass

    return step


def make_log_storm() -> Callable[[], object]:
    log = logging.getLogger("storm")
    log.addHandler(logging.FileHandler(os.devnull))

    def step() -> None:
        for number in range(PER_CALL["log"]):
            log.error("number %d", number)

    return step


def make_json_storm() -> Callable[[], object]:
    shared = {f"key {number}": [number] * 4 for number in range(20)}

    def step() -> None:
        for _ in range(PER_CALL["json"]):
            json.dumps(shared)

    return step


def make_dict_storm() -> Callable[[], object]:
    shared: dict[int, int] = {}

    def step() -> None:
        for number in range(PER_CALL["dict"]):
            shared[number % 64] = number

    return step


def make_list_storm() -> Callable[[], object]:
    shared: list[int] = []

    def step() -> None:
        for number in range(PER_CALL["list"]):
            shared.append(number)
            shared.pop()

    return step


STORMS = {
    "lock": make_lock_storm,
    "log": make_log_storm,
    "json": make_json_storm,
    "dict": make_dict_storm,
    "list": make_list_storm,
}

what = sys.argv[2]
shared_step = STORMS[what]()
measure_threads(2, lambda: shared_step, PER_CALL[what])
