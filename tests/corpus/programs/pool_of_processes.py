"""A process pool with tasks of 20 ms, of which main waits for the results."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def compute(limit):
    total = 0
    for number in range(limit):
        total += number
    return total


if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=get_context("fork")) as pool:
        print(sum(pool.map(compute, [400_000] * 20)))
