"""The article's CPU-bound work: two functions that both count up, whatever the second one's name says."""

import time

import options


def _add_up(iterations: int) -> int:
    count = 0
    for i in range(iterations):
        count += i
    return count


def count_up() -> int:
    """Return the sum of range(--iterations)."""
    return _add_up(options.current().iterations)


def count_down() -> int:
    """Return the sum of range(--iterations) too."""
    return _add_up(options.current().iterations)


def print_time_since(start: float, what: str = "Time taken") -> None:
    """Print the line of the article; start is a time of time.perf_counter()."""
    print(f"{what}: {time.perf_counter() - start} seconds", flush=True)
