"""Gather the same task twice with asyncio: one thread runs both, and turns to one while the other waits."""

import asyncio
import time

import options
from counting import print_time_since
from waiting import TASK_SECONDS, say_when, scaled


async def task(name: str = "Task", start: float | None = None) -> None:
    """Await a second × --scale, and print when that began and ended, counted from start (or from now)."""
    start = time.perf_counter() if start is None else start
    say_when(start, f"{name} starts")
    await asyncio.sleep(scaled(TASK_SECONDS))
    say_when(start, f"{name} ends")


async def gather_tasks(start: float) -> None:
    """Run the task twice at once."""
    await asyncio.gather(*(task(f"Task {number}", start) for number in (1, 2)))


def main() -> None:
    """Run the task twice at once, and print how long that took."""
    options.read(__doc__)
    start = time.perf_counter()
    asyncio.run(gather_tasks(start))
    print_time_since(start)


if __name__ == "__main__":
    main()
