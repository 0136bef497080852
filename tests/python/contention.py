"""A thread that waits for the GIL, for certain."""

import threading
from pathlib import Path

import gilscope

LONG_NS = 10_000_000


def make_wait(trace: gilscope.trace) -> None:
    """Has a thread "waiter" wait once for longer than LONG_NS, while this one keeps the GIL and is asked for it."""
    over = threading.Event()

    def ask() -> None:
        with Path("/dev/zero").open("rb", buffering=0) as file:
            while not over.is_set():
                file.read(1)

    thread = threading.Thread(target=ask, name="waiter")
    thread.start()
    try:
        for _ in range(100):  # until it asks within a hold: it may be somewhere else, or have no CPU
            gilscope.hold(3 * LONG_NS)
            if longest_wait(trace.snapshot()) > LONG_NS:
                return
    finally:
        over.set()
        thread.join()
    raise AssertionError("the waiter never waited")


def longest_wait(summary: gilscope.Summary) -> int:
    """Of the waiter, in nanoseconds."""
    waits = [row.wait.max_ns for row in summary.processes[0].threads if row.name == "waiter" and row.wait]
    return max(waits, default=0)
