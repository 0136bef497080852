"""Count twice, in two threads: one GIL lets only one of them execute bytecode at a time."""

import threading
import time

import options
from counting import count_down, count_up, print_time_since


def main() -> None:
    """Run both functions at once, and print how long they took."""
    options.read(__doc__)
    threads = [threading.Thread(target=count_up), threading.Thread(target=count_down)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print_time_since(start)


if __name__ == "__main__":
    main()
