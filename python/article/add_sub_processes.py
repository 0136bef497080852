"""Add and subtract in two processes; each waits after it: the program takes as long as the longer wait."""

import multiprocessing
import sys

import options
from waiting import say, wait

A, B = 25, 30
ADD_SECONDS = 10
SUB_SECONDS = 20


def add(a: int = A, b: int = B) -> None:
    """Print the sum, then wait; what goes wrong is printed too."""
    try:
        say(f"Addition value:  {a + b}")
        wait(ADD_SECONDS)
    except Exception as error:
        say(str(error))


def sub(a: int = A, b: int = B) -> None:
    """Print the difference, then wait; what goes wrong is printed too."""
    try:
        say(f"Subtraction Value:  {a - b}")
        wait(SUB_SECONDS)
    except Exception as error:
        say(str(error))


def main() -> int:
    """Run both functions at once, and return the exit code."""
    options.read(__doc__)
    processes = [multiprocessing.Process(target=function, args=(A, B)) for function in (add, sub)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return int(any(process.exitcode for process in processes))


# Under spawn and forkserver the children import this file.
if __name__ == "__main__":
    sys.exit(main())
