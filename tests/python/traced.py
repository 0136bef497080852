"""What a traced process does whose figures are known, and forks of it."""

import contextlib
import os
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import gilscope


def read_bytes(count) -> None:
    with Path("/dev/zero").open("rb", buffering=0) as file:
        for _ in range(count):
            file.read(1)


@contextlib.contextmanager
def threads_that(work: Callable[[], object], count: int) -> Iterator[None]:
    """They do it again and again, each once at least, and have ended afterwards."""
    over = threading.Event()
    begun = threading.Semaphore(0)

    def go_on() -> None:
        work()
        begun.release()
        while not over.is_set():
            work()

    threads = [threading.Thread(target=go_on) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        for _ in threads:
            begun.acquire()
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def check_in_child(check: Callable[[], bool]) -> None:
    """Forks; what the child makes of it must be true."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 1)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def holds_here(summary: gilscope.Summary) -> int:
    """Of a summary of this process alone."""
    (process,) = summary.processes
    assert process.pid == os.getpid()
    return process.gils[0].holds
