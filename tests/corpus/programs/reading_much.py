"""Threads that read a megabyte at a time, which the system does without the GIL."""

import os
import threading


def read():
    zero = os.open("/dev/zero", os.O_RDONLY)
    buffer = bytearray(8_000_000)
    for _ in range(600):
        os.readv(zero, [buffer])
    os.close(zero)


readers = [threading.Thread(target=read, name=f"reader {number}") for number in range(2)]
for reader in readers:
    reader.start()
for reader in readers:
    reader.join()
