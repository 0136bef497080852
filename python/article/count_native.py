"""Count in C++ instead of bytecode, in two threads, with the GIL held and then with the GIL released.

One addition takes the C++ loop about a hundredth of the time that it takes bytecode. So the default is 20
times the article's iterations: about half a second a count, rather than a few hundredths.
"""

import sys
import threading
import time
from collections.abc import Callable

import options
from counting import print_time_since

try:
    import gilscope
except ImportError as error:
    if __name__ != "__main__":
        raise
    sys.exit(f"count_native.py: {sys.executable} has no gilscope package: {error} (try: pip install .)")

ITERATIONS = 20 * options.ARTICLE_ITERATIONS
MAX_ITERATIONS = 6_074_001_000  # of gilscope.count(): beyond it the sum does not fit in 64 bits


def count_held() -> int:
    """Return the sum of range(--iterations), and hold the GIL for all of it."""
    return gilscope.count(options.current(iterations=ITERATIONS).iterations)


def count_released() -> int:
    """Return the sum of range(--iterations), and give the GIL up for all of it."""
    return gilscope.count(options.current(iterations=ITERATIONS).iterations, release_gil=True)


def run_in_two_threads(function: Callable[[], int]) -> None:
    """Call the function in two threads at once."""
    threads = [threading.Thread(target=function) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Time both ways."""
    options.read(__doc__, iterations=ITERATIONS, max_iterations=MAX_ITERATIONS)
    start = time.perf_counter()
    run_in_two_threads(count_held)
    print_time_since(start, "Time taken with the GIL held")
    start = time.perf_counter()
    run_in_two_threads(count_released)
    print_time_since(start, "Time taken with the GIL released")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        print("This Python runs without a GIL: there was nothing to hold or to release.")


if __name__ == "__main__":
    main()
