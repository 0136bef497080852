"""A process for each CPU, each of which computes in Python: no thread waits for a GIL."""

import multiprocessing


def compute():
    total = 0
    for number in range(4_000_000):
        total += number


if __name__ == "__main__":
    processes = [multiprocessing.get_context("fork").Process(target=compute) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
