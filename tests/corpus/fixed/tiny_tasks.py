"""Tasks of microseconds in a plain loop."""

import struct


def pack(number):
    return struct.pack("<4q", number, 1, 2, 3)


for _ in map(pack, range(6_000)):
    pass
