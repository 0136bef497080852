"""A thread that waits for the GIL, for certain."""

import threading
from collections.abc import Callable
from pathlib import Path

import gilscope

LONG_NS = 10_000_000


def make_wait(trace: gilscope.trace, is_enough: Callable[[gilscope.Summary], bool] | None = None) -> None:
    """Has a thread "waiter" ask for the GIL while this one keeps it, until it waited for long and that is_enough."""
    over = threading.Event()

    def ask() -> None:
        with Path("/dev/zero").open("rb", buffering=0) as file:
            while not over.is_set():
                file.read(1)

    def is_over(summary: gilscope.Summary) -> bool:
        return longest_wait(summary) > LONG_NS and (is_enough is None or is_enough(summary))

    thread = threading.Thread(target=ask, name="waiter")
    thread.start()
    try:
        while not is_over(trace.snapshot()):  # it may be somewhere else, or have no CPU
            gilscope.hold(3 * LONG_NS)
    finally:
        over.set()
        thread.join()


def longest_wait(summary: gilscope.Summary) -> int:
    """Of the waiter, in nanoseconds."""
    waits = [row.wait.max_ns for row in summary.processes[0].threads if row.name == "waiter" and row.wait]
    return max(waits, default=0)


def forced_releases(summary: gilscope.Summary) -> int:
    """Of the main thread."""
    return sum(row.forced for row in summary.processes[0].threads if row.name == "MainThread")


def caused_wait(summary: gilscope.Summary) -> int:
    """By the main thread, in nanoseconds."""
    return sum(
        row.caused_wait_ns for row in summary.processes[0].blame or [] if row.thread == threading.get_native_id()
    )
