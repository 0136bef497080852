"""Tasks of microseconds in a pool of threads: to hand one over takes longer than to do it."""

import struct
from concurrent.futures import ThreadPoolExecutor


def pack(number):
    return struct.pack("<4q", number, 1, 2, 3)


with ThreadPoolExecutor(8, "packer") as pool:
    for _ in pool.map(pack, range(6_000)):  # culprit
        pass
