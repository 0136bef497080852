"""A pool whose tasks take 20 ms of Python code each: they are large enough, but the GIL is one."""

from concurrent.futures import ThreadPoolExecutor


def compute(_):
    total = 0
    for number in range(300_000):  # culprit
        total += number  # culprit
    return total


with ThreadPoolExecutor(4, "worker") as pool:
    list(pool.map(compute, range(40)))
