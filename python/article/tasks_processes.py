"""Start two processes with the same task, and join them."""

import multiprocessing
import sys
import time

import options
from counting import print_time_since
from waiting import task


def main() -> int:
    """Run the task twice at once, print how long that took (with the start), and return the exit code."""
    options.read(__doc__)
    start = time.perf_counter()
    processes = [multiprocessing.Process(target=task, args=(f"Task {number}", start)) for number in (1, 2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print_time_since(start)
    return int(any(process.exitcode for process in processes))


# Under spawn and forkserver the children import this file.
if __name__ == "__main__":
    sys.exit(main())
