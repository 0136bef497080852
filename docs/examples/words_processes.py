"""Count the words of a text twice, in a process each."""

import multiprocessing
import time

from words import count_words


def main() -> None:
    """Count in two processes, and say how long that took."""
    begin = time.perf_counter()
    workers = [multiprocessing.Process(target=count_words) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(f"counted in {time.perf_counter() - begin:.2f} s")


if __name__ == "__main__":
    main()
