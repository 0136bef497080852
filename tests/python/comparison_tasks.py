"""Tasks of test_comparison.py, which other processes import."""

import threading


def work() -> int:
    return sum(range(300_000))


def fail() -> None:
    raise ValueError("no work today")


def make_lock() -> object:
    return threading.Lock()


class Worker:
    @staticmethod
    def work() -> int:
        return 1

    def __call__(self) -> int:
        return 2
