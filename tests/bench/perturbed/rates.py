"""What the programs of the perturbation suite share: how many steps were made a second, timed inside.

Start-up and end are other benchmarks' figures. Each program's first argument is the time in seconds; it prints one
line, `rate: N`, steps a second.
"""

import sys
import threading
import time
from collections.abc import Callable

SECONDS = float(sys.argv[1])

# Once glibc has freed such a block, it keeps smaller ones for the next time. Else a program with blocks of more than
# 128 KiB is twice as fast in a way that happened to free one before it, as VizTracer's start does.
bytes(16 << 20)


def run_until(end: float, step: Callable[[], object]) -> int:
    """How often `step` was called. It should take 20 us to 1 ms, so that the clock's reading is no figure."""
    count = 0
    while time.perf_counter() < end:
        step()
        count += 1
    return count


def report(steps: float, seconds: float) -> None:
    print(f"rate: {steps / seconds}", flush=True)


def measure_alone(step: Callable[[], object], per_call: int = 1) -> None:
    """Report the rate of one thread, which makes `per_call` steps at each call."""
    begin = time.perf_counter()
    count = run_until(begin + SECONDS, step)
    report(count * per_call, time.perf_counter() - begin)


def measure_threads(threads: int, make_step: Callable[[], Callable[[], object]], per_call: int = 1) -> None:
    """Report the rate of all threads together; each makes its own step first, and they begin at once."""
    counts: list[int] = []
    begin = 0.0

    def note_begin() -> None:
        nonlocal begin
        begin = time.perf_counter()

    # The last to come notes it, before any goes on: the main thread may not get its turn until they are over.
    barrier = threading.Barrier(threads, note_begin)

    def work() -> None:
        step = make_step()
        barrier.wait()
        counts.append(run_until(begin + SECONDS, step))

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    report(sum(counts) * per_call, time.perf_counter() - begin)


def compute(steps: int = 20_000) -> None:
    """Bytecode alone: about 1 ms that never give the GIL up."""
    total = 0
    for i in range(steps):
        total += i
