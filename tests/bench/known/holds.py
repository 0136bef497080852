"""Holds and counts of the GIL that are known: holds.py CYCLES READS.

Thread `cycle` holds the GIL for 30 ms and gives it up for 70 ms, CYCLES times, and clocks what it held. Threads
`reader` and `other_reader` read a byte READS times, both at once: each read gives the GIL up once. Thread `nothing`
shows what the start and the end of a thread hold. Prints as JSON the nanoseconds that `cycle` held, and the system's
ids of the threads.

The threads are not threading's: those share locks at their start and their end, and who finds one taken gives the GIL
up once more.
"""

import _thread
import json
import os
import sys
import threading
import time
from collections.abc import Callable

cycles, reads = (int(argument) for argument in sys.argv[1:3])
clock = time.perf_counter_ns
held = 0
ids: dict[str, int] = {}


def cycle() -> None:
    global held
    begin = clock()
    for _ in range(cycles):
        end = begin + 30_000_000
        while clock() < end:
            pass
        held += clock() - begin
        time.sleep(0.07)
        begin = clock()


def read() -> None:
    for _ in range(reads):
        os.read(zeros, 1)


def work_as(name: str, work: Callable[[], object], done: _thread.LockType) -> None:
    ids[name] = threading.get_native_id()
    work()
    done.release()


def run(**threads: Callable[[], object]) -> None:
    """Until they have ended, as the system sees it: their last release has been recorded."""
    ends = []
    for name, work in threads.items():
        done = _thread.allocate_lock()
        done.acquire()
        ends.append(done)
        _thread.start_new_thread(work_as, (name, work, done))
    for done in ends:
        done.acquire()  # until then this thread does not ask for the GIL
    for name in threads:
        while os.path.exists(f"/proc/self/task/{ids[name]}"):  # noqa: PTH110
            time.sleep(0.001)


sys.setswitchinterval(1000)  # nobody is forced to give the GIL up
zeros = os.open("/dev/zero", os.O_RDONLY)
run(nothing=int)
run(cycle=cycle)
run(reader=read, other_reader=read)
print(json.dumps({"held_ns": held, "threads": ids}))
