"""Additions of 10,000 floats with numpy in two threads: the GIL is given up for some microseconds each."""

from collections.abc import Callable

import numpy as np

from rates import measure_threads


def make_adder() -> Callable[[], object]:
    a, b, total = np.ones(10_000), np.ones(10_000), np.empty(10_000)

    def add() -> None:
        for _ in range(20):
            np.add(a, b, out=total)

    return add


measure_threads(2, make_adder, 20)
