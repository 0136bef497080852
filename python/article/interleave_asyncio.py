"""Two asyncio tasks in one thread, which take turns because each lets go whenever it awaits."""

import asyncio

import options
from waiting import say, scaled

ITERATIONS = 5
PAUSE_SECONDS = 1.0


async def iterate(name: str) -> None:
    """Print the number of each iteration, and pause after it."""
    pause = scaled(PAUSE_SECONDS)
    for iteration in range(ITERATIONS):
        say(f"{name} - Iteration {iteration}")
        await asyncio.sleep(pause)


async def task1() -> None:
    """Be the first task."""
    await iterate("Task 1")


async def task2() -> None:
    """Be the second task."""
    await iterate("Task 2")


async def gather_tasks() -> None:
    """Run both at once."""
    await asyncio.gather(task1(), task2())


def main() -> None:
    """Run both at once."""
    options.read(__doc__)
    asyncio.run(gather_tasks())


if __name__ == "__main__":
    main()
