"""zlib of blocks of 8 KiB in two threads: the GIL is given up for each."""

import zlib

from rates import measure_threads

block = "".join(f"{i * i} words of no meaning\n" for i in range(400)).encode()[:8192]


def compress_blocks() -> None:
    for _ in range(5):
        zlib.compress(block)


measure_threads(2, lambda: compress_blocks, 5)
