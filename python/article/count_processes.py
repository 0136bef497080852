"""Count twice, in two processes: each has an interpreter, and so a GIL, of its own."""

import multiprocessing
import sys
import time

import options
from counting import count_down, count_up, print_time_since


def main() -> int:
    """Run both functions at once, print how long that took (with the start), and return the exit code."""
    options.read(__doc__)
    processes = [multiprocessing.Process(target=count_up), multiprocessing.Process(target=count_down)]
    start = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print_time_since(start)
    return int(any(process.exitcode for process in processes))


# Under spawn and forkserver the children import this file.
if __name__ == "__main__":
    sys.exit(main())
