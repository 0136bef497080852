"""The sum of squares in another process: who waits for it waits for no GIL."""

import multiprocessing
import time


def squares():
    for number in range(2_500_000):
        yield number * number


def add_up():
    sum(squares())


if __name__ == "__main__":
    adder = multiprocessing.get_context("fork").Process(target=add_up, name="adder")
    adder.start()
    while adder.is_alive():
        time.sleep(0.001)
