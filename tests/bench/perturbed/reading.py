"""Reads of one byte: a release and an acquire of the GIL every few hundred nanoseconds, and nobody who wants it."""

import os

from rates import measure_alone

zeros = os.open("/dev/zero", os.O_RDONLY)


def read_bytes() -> None:
    for _ in range(100):
        os.read(zeros, 1)


measure_alone(read_bytes, 100)
