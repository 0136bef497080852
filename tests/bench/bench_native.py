"""The extension's figures, medians of interleaved repeats in one run: what threads gain, how exact spans are.

Run it on an idle machine with two cores. The goals are the project's; the exit code is 0 either way.
"""

import argparse
import sys
import threading
import time
from collections.abc import Callable

import gilscope
from figures import Row, add_json_option, report, row


def elapsed_ns(work: Callable[[], object]) -> int:
    start = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - start


def in_threads(work: Callable[[], object], number: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure_counting(steps: int, repeats: int) -> list[Row]:
    def count_held() -> int:
        return gilscope.count(steps)

    def count_released() -> int:
        return gilscope.count(steps, release_gil=True)

    per_step: list[float] = []
    held: list[float] = []
    released: list[float] = []
    for _ in range(repeats):
        # One after the other, but in threads too: then the two figures differ by the concurrency alone.
        sequential = elapsed_ns(lambda: in_threads(count_held, 1)) + elapsed_ns(lambda: in_threads(count_held, 1))
        per_step.append(sequential / (2 * steps))
        held.append(sequential / elapsed_ns(lambda: in_threads(count_held, 2)))
        released.append(sequential / elapsed_ns(lambda: in_threads(count_released, 2)))
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return [
        row("one addition", per_step, "ns"),
        row("two counts, two threads, GIL held", held, "x", "<= 1.05" if has_gil else ""),
        row("two counts, two threads, GIL released", released, "x", ">= 1.90"),
    ]


def measure_spans(repeats: int) -> list[Row]:
    functions: dict[str, Callable[[int], None]] = {"hold": gilscope.hold, "release": gilscope.release}
    rows = []
    for name, function in functions.items():
        for length_us in (10, 1_000, 10_000):
            length_ns = length_us * 1_000
            late = [(elapsed_ns(lambda: function(length_ns)) - length_ns) / 1000 for _ in range(repeats)]  # noqa: B023
            rows.append(row(f"{name} of {length_us} us ends late by", late, "us", "<= 50.00"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500_000_000, help="steps of a count (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=9, help="repeats of each figure (default: %(default)s)")
    add_json_option(parser)
    options = parser.parse_args()
    rows = measure_counting(options.steps, options.repeats) + measure_spans(10 * options.repeats)
    report(rows, f"gilscope {gilscope.__version__}", options.json)


if __name__ == "__main__":
    main()
