"""Start two threads with the same task, and join them."""

import threading
import time

import options
from counting import print_time_since
from waiting import task


def main() -> None:
    """Run the task twice at once, and print how long that took."""
    options.read(__doc__)
    start = time.perf_counter()
    # Daemons, so that Ctrl-C ends the program at once and not when they have waited.
    threads = [threading.Thread(target=task, args=(f"Task {number}", start), daemon=True) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print_time_since(start)


if __name__ == "__main__":
    main()
