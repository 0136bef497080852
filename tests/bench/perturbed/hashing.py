"""SHA-256 in threads: hashing.py SECONDS THREADS BYTES. The GIL is given up for each block."""

import hashlib
import sys

from rates import measure_threads

threads, size = (int(argument) for argument in sys.argv[2:4])
block = bytes(size)
# The same number of bytes between two looks at the clock.
per_call = max(1, 400 * 1024 // size)


def hash_blocks() -> None:
    for _ in range(per_call):
        hashlib.sha256(block)


measure_threads(threads, lambda: hash_blocks, per_call)
