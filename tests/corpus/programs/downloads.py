"""A pool of threads that wait for answers, and look at them for a moment."""

import time
from concurrent.futures import ThreadPoolExecutor


def download(size):
    time.sleep(0.05)
    return sum(range(size))


with ThreadPoolExecutor(8, "download") as pool:
    list(pool.map(download, range(5_000, 15_000, 150)))
