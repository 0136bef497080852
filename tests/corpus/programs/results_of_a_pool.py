"""Large results of another process: the pool's own thread unpickles them, and keeps the GIL."""

import multiprocessing
import time


def make_rows(_):
    return [(number, str(number), [number]) for number in range(100_000)]


if __name__ == "__main__":
    with multiprocessing.get_context("fork").Pool(1) as pool:
        results = [pool.apply_async(make_rows, (turn,)) for turn in range(4)]
        while not all(result.ready() for result in results):
            time.sleep(0.003)
