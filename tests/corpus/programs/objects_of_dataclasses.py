"""Threads that make many objects of a dataclass, whose __init__ is in no file."""

import threading
from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


def build():
    for i in range(400_000):
        Point(i, i)  # culprit


builders = [threading.Thread(target=build, name=f"builder-{i}") for i in range(2)]
for builder in builders:
    builder.start()
for builder in builders:
    builder.join()
