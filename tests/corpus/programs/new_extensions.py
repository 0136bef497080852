"""Without a GIL, two threads that compute and import extensions, which have declared that they need none."""

import importlib
import threading


def compute():
    for name in ("_decimal", "_elementtree", "_testmultiphase", "_zoneinfo"):
        importlib.import_module(name)
    total = 0
    for i in range(6_000_000):
        total += i


computers = [threading.Thread(target=compute, name=f"computer {number}") for number in range(2)]
for computer in computers:
    computer.start()
for computer in computers:
    computer.join()
