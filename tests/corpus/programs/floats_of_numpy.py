"""Two threads that sort numbers: numpy gives the GIL up."""

import threading

import numpy as np

numbers = np.random.default_rng(1).random(3_000_000)


def sort():
    for _ in range(2):
        np.sort(numbers)


sorters = [threading.Thread(target=sort, name=f"sorter {number}") for number in range(2)]
for sorter in sorters:
    sorter.start()
for sorter in sorters:
    sorter.join()
