"""The article's I/O-bound work: waiting, for its durations × --scale, and saying so."""

import time

import options

TASK_SECONDS = 1.0


def scaled(seconds: float) -> float:
    """Return what --scale makes of the article's seconds."""
    return seconds * options.current().scale


def wait(seconds: float) -> None:
    """Sleep for the article's seconds × --scale."""
    time.sleep(scaled(seconds))


def say(line: str, *, blank_lines: int = 0) -> None:
    """Print a line and any number of blank ones, at once."""
    # As one string, and flushed: a line of another thread or process must not get between its parts, and who
    # reads through a pipe must not have to wait as long as we do.
    print(line + "\n" * (1 + blank_lines), end="", flush=True)


def say_when(start: float, what: str) -> None:
    """Print what happens, and how long after the start; start is a time of time.perf_counter()."""
    # Linux's perf_counter() is one clock for all processes: a child may be told its parent's start.
    say(f"{what} after {time.perf_counter() - start:.3f} seconds")


def task(name: str = "Task", start: float | None = None) -> None:
    """Wait for a second × --scale, and print when that began and ended, counted from start (or from now)."""
    start = time.perf_counter() if start is None else start
    say_when(start, f"{name} starts")
    wait(TASK_SECONDS)
    say_when(start, f"{name} ends")
